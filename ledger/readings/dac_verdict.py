"""A cycle's lines, all read → the machine's verdict, what is missing, what contradicts itself."""

from decimal import Decimal
from hashlib import sha256
from typing import Final

from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    PhaseKind,
    PhaseResult,
    PressureBasis,
    PrintedExtreme,
    PrintedTime,
    Remark,
    RemarkKind,
    Sample,
)
from ledger.readings.dac_block import Block
from ledger.readings.dac_lines import Kind

__all__ = ["contradictions", "finish"]

#: What a whole printout's header holds; the lid is not needed to know the cycle.
_HEADER: Final = (Kind.MODEL, Kind.SERIAL, Kind.PROGRAMME, Kind.NUMBER, Kind.DATE, Kind.TIME)
#: Phases whose lines must be there before a cycle counts as completed.
_ESSENTIAL: Final = (PhaseKind.STERILISATION_END, PhaseKind.CYCLE_END)
#: The machine prints its hold in whole seconds, and the two ends too.
_HOLD_TOLERANCE_SECONDS: Final = 2
#: Reasons that a record lists by name; each has its own remark besides.
_LISTED_REASONS: Final = 20


def finish(block: Block, *, ordinal: int, own_remarks: tuple[Remark, ...]) -> CycleReading:
    """Return what was read; `own_remarks` are those that lie within the block."""
    outcome, reasons = _outcome(block)
    number = block.header.get(Kind.NUMBER)
    return CycleReading(
        ordinal=ordinal,
        first_line=block.first.number,
        last_line=block.last_line,
        machine=block.header.get(Kind.MODEL),
        serial=block.header.get(Kind.SERIAL),
        number=None if number is None else int(number),
        programme_text=block.header.get(Kind.PROGRAMME),
        programme=block.programme,
        lid=block.header.get(Kind.LID),
        started=block.started,
        ended=_ended(block),
        zone=None,
        phases=tuple(block.phases),
        samples=tuple(block.samples),
        pressure_basis=PressureBasis.ABSOLUTE,
        ambient_pressure_bar=None,
        printed_maximum=block.extremes.get(Kind.MAXIMUM),
        printed_minimum=block.extremes.get(Kind.MINIMUM),
        printed_hold_seconds=block.hold_seconds,
        printed_hold_begin=_elapsed_of(block, PhaseKind.HOLD_BEGIN),
        printed_hold_end=_elapsed_of(block, PhaseKind.STERILISATION_END),
        outcome=outcome,
        outcome_reasons=reasons,
        fault_code=block.fault_codes[0] if block.fault_codes else None,
        further_fault_codes=tuple(block.fault_codes[1:]),
        incomplete_because=_incomplete_because(block),
        content_sha256=sha256("\n".join(block.normalised).encode()).hexdigest(),
        lines_read=tuple(block.read),
        remarks=own_remarks,
    )


def _incomplete_because(block: Block) -> tuple[str, ...]:
    """Return what is missing or damaged, in words."""
    missing = [
        f"the header's {kind.value} is missing" for kind in _HEADER if kind not in block.header
    ]
    if not block.has_ended:
        missing.append("the end line is missing")
    return _shortened((*missing, *block.damage))


def contradictions(block: Block) -> tuple[Remark, ...]:
    """Return a remark for every printed figure that another printed figure contradicts."""
    return (*_samples_beyond_extremes(block), *_hold_disagreement(block))


def _samples_beyond_extremes(block: Block) -> tuple[Remark, ...]:
    high, low = block.extremes.get(Kind.MAXIMUM), block.extremes.get(Kind.MINIMUM)
    return tuple(
        Remark(
            line=sample.line,
            last_line=sample.line,
            text=f"{sample.time_text} {sample.temperature_celsius} {sample.pressure_bar}",
            why="the point lies beyond the machine's own maximum or minimum",
            kind=RemarkKind.CONFLICT,
        )
        for sample in block.samples
        if (high is not None and _exceeds(sample, high, sign=1))
        or (low is not None and _exceeds(sample, low, sign=-1))
    )


def _hold_disagreement(block: Block) -> tuple[Remark, ...]:
    begin = _elapsed_of(block, PhaseKind.HOLD_BEGIN)
    end = _elapsed_of(block, PhaseKind.STERILISATION_END)
    if begin is None or end is None or block.hold_seconds is None:
        return ()
    if abs(end - begin - block.hold_seconds) <= _HOLD_TOLERANCE_SECONDS:
        return ()
    return (
        Remark(
            line=block.first.number,
            last_line=block.last_line,
            text=f"{block.hold_seconds} s printed, {end - begin} s between begin and end",
            why="the printed holding time contradicts the printed begin and end",
            kind=RemarkKind.CONFLICT,
        ),
    )


def _elapsed_of(block: Block, kind: PhaseKind) -> Decimal | None:
    phase = block.find_phase(kind)
    return None if phase is None else phase.elapsed_seconds


def _ended(block: Block) -> PrintedTime | None:
    end = block.find_phase(PhaseKind.CYCLE_END)
    if end is None or end.local is None or end.time_text is None:
        return None
    return PrintedTime(text=end.time_text, local=end.local, utc=None)


def _outcome(block: Block) -> tuple[CycleOutcome, tuple[str, ...]]:
    """Completed only if the end line says Ok and nothing says, or may say, otherwise."""
    against = _against(block)
    if block.end_says(PhaseResult.OK):
        if against:
            return CycleOutcome.UNKNOWN, ("the end line says Ok", *against)
        return CycleOutcome.COMPLETED, ()
    if block.end_says(PhaseResult.FAILED):
        return CycleOutcome.ABORTED, ("the end line says FEHL", *against)
    if block.abort_line is not None:
        return CycleOutcome.ABORTED, (f"line {block.abort_line} says Abbruch", *against)
    return CycleOutcome.UNKNOWN, ("the record has no readable end line", *against)


def _against(block: Block) -> tuple[str, ...]:
    failed = [
        f"phase {phase.name} failed (line {phase.line})"
        for phase in block.phases
        if phase.result is PhaseResult.FAILED and phase.kind is not PhaseKind.CYCLE_END
    ]
    faults = [f"line {line} reports a fault" for line in block.failure_lines]
    kinds = {phase.kind for phase in block.phases}
    lacking = [
        f"the line of phase {kind.value} is missing" for kind in _ESSENTIAL if kind not in kinds
    ]
    return _shortened((*failed, *faults, *lacking, *block.doubts))


def _exceeds(sample: Sample, extreme: PrintedExtreme, *, sign: int) -> bool:
    pressure = sample.pressure_bar
    return sign * (sample.temperature_celsius - extreme.temperature_celsius) > 0 or (
        pressure is not None and sign * (pressure - extreme.pressure_bar) > 0
    )


def _shortened(reasons: tuple[str, ...]) -> tuple[str, ...]:
    more = len(reasons) - _LISTED_REASONS
    return reasons if more <= 0 else (*reasons[:_LISTED_REASONS], f"and {more} more")
