"""A cycle's lines, all read → the machine's verdict, what is missing, what contradicts itself."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    MachineClaim,
    PhaseKind,
    PhaseResult,
    PrintedExtreme,
    PrintedTime,
    Remark,
    RemarkKind,
    Sample,
)
from ledger.readings.block import Block
from ledger.readings.printout import Take
from ledger.readings.sealing import sealed

__all__ = ["contradictions", "finish", "shortened"]

#: The machine prints its hold in whole seconds, and the two ends too.
_HOLD_TOLERANCE_SECONDS: Final = 2
#: Reasons that a record lists by name; each has its own remark besides.
_LISTED_REASONS: Final = 20


def finish(block: Block, *, ordinal: int) -> CycleReading:
    """What was read of one cycle, without its remarks."""
    outcome, reasons = _outcome(block)
    header, form = block.header, block.form
    number = header.get("number")
    used = _used_probes(block)
    samples = tuple(
        replace(each, celsius=tuple(each.celsius[place] for place in used))
        for each in block.samples
    )
    measures_pressure = any(each.bar is not None for each in samples)
    first, last = block.started, _ended(block) or _time_of_last(block)
    return sealed(
        CycleReading(
            ordinal=ordinal,
            first_line=block.first.number,
            last_line=block.last_line,
            machine=header.get("machine"),
            serial=header.get("serial"),
            number=None if number is None else int(number),
            label=header.get("label"),
            programme_text=header.get("programme"),
            programme=block.programme,
            lid=header.get("lid"),
            started=block.started,
            ended=_ended(block),
            first=first,
            last=last,
            zone=None,
            phases=tuple(block.phases),
            probes=tuple(form.probes[place] for place in used),
            samples=samples,
            temperature_unit=block.temperature_unit if used else None,
            pressure_unit=block.pressure_unit if measures_pressure else None,
            pressure_basis=block.pressure_basis if measures_pressure else None,
            printed_maximum=block.extremes.get(Take.MAXIMUM),
            printed_minimum=block.extremes.get(Take.MINIMUM),
            claim=_claim(block),
            statements=tuple(block.statements),
            outcome=outcome,
            outcome_reasons=reasons,
            fault_code=block.fault_codes[0] if block.fault_codes else None,
            further_fault_codes=tuple(block.fault_codes[1:]),
            incomplete_because=_incomplete_because(block),
            is_ended=block.has_ended,
            lines_read=tuple(block.read),
        ),
        block.unread,
    )


def _used_probes(block: Block) -> list[int]:
    """The places of the probes that this printout has at all."""
    places = range(len(block.form.probes))
    return [at for at in places if any(each.celsius[at] is not None for each in block.samples)]


def _claim(block: Block) -> MachineClaim:
    """What the machine states, its begin and end by the phases where it states them only there."""
    claim = block.claim
    begin, end = claim.begin_elapsed_seconds, claim.end_elapsed_seconds
    if begin is None:
        begin = _elapsed_of(block, PhaseKind.HOLD_BEGIN)
    if end is None:
        end = _elapsed_of(block, PhaseKind.STERILISATION_END)
    return replace(claim, begin_elapsed_seconds=begin, end_elapsed_seconds=end)


def _incomplete_because(block: Block) -> tuple[str, ...]:
    """Return what is missing or damaged, in words."""
    missing = [
        f"the header's {words} is missing"
        for name, words in block.form.required.items()
        if name not in block.header
    ]
    if block.form.is_captioned and block.samples and block.pressure_unit is None:
        missing.append(
            "the unit of the pressures is missing, or does not say absolute or gauge, so that "
            "none was taken"
        )
    if not block.has_ended:
        missing.append("the end line is missing")
    for place in sorted({*_used_probes(block), *block.failed_probes}):
        lacking = sum(each.celsius[place] is None for each in block.samples)
        if lacking:
            missing.append(f"{block.form.probes[place]} has no value in {lacking} lines")
    return shortened((*missing, *block.damage))


def contradictions(block: Block) -> tuple[Remark, ...]:
    """Return a remark for every printed figure that another printed figure contradicts."""
    return (*_samples_beyond_extremes(block), *_hold_disagreement(block), *_clock_faults(block))


def _samples_beyond_extremes(block: Block) -> tuple[Remark, ...]:
    high, low = block.extremes.get(Take.MAXIMUM), block.extremes.get(Take.MINIMUM)
    if not block.form.holds_only:
        return ()
    return tuple(
        Remark(
            line=sample.line,
            last_line=sample.line,
            text=" ".join((sample.time_text, *sample.printed)),
            why="the point lies beyond the machine's own maximum or minimum",
            kind=RemarkKind.CONFLICT,
        )
        for sample in block.samples
        if (high is not None and _exceeds(sample, high, sign=1))
        or (low is not None and _exceeds(sample, low, sign=-1))
    )


def _hold_disagreement(block: Block) -> tuple[Remark, ...]:
    claim = _claim(block)
    begin, end = claim.begin_elapsed_seconds, claim.end_elapsed_seconds
    if begin is None or end is None or claim.seconds is None:
        return ()
    if abs(end - begin - claim.seconds) <= _HOLD_TOLERANCE_SECONDS:
        return ()
    return (
        Remark(
            line=block.first.number,
            last_line=block.last_line,
            text=f"{claim.seconds:f} s printed, {end - begin} s between begin and end",
            why="the printed holding time contradicts the printed begin and end",
            kind=RemarkKind.CONFLICT,
        ),
    )


def _clock_faults(block: Block) -> tuple[Remark, ...]:
    if not block.clock_faults:
        return ()
    first, count = block.clock_faults[0], len(block.clock_faults)
    return (
        Remark(
            line=first.number,
            last_line=block.clock_faults[-1].number,
            text=block.clock_name,
            why=f"the machine's own clock steps back or leaps within the cycle: {count} lines from "
            f"line {first.number} on have no place in it, and their times were left out",
            kind=RemarkKind.CLOCK,
        ),
    )


def _elapsed_of(block: Block, kind: PhaseKind) -> Decimal | None:
    phase = block.find_phase(kind)
    return None if phase is None else phase.elapsed_seconds


def _ended(block: Block) -> PrintedTime | None:
    """The end as the header, the end line or the last phase tells it."""
    if block.ended is not None:
        return block.ended
    for kind in (PhaseKind.CYCLE_END, PhaseKind.PROCESS_END):
        phase = block.find_phase(kind)
        if phase is not None and phase.local is not None and phase.time_text is not None:
            return PrintedTime(text=phase.time_text, local=phase.local, utc=None)
        if phase is not None and phase.time_text is not None:
            return None
    return None


def _time_of_last(block: Block) -> PrintedTime | None:
    """The last readable time of the record, whatever stands beside it."""
    local = block.local_at(Decimal(block.clock.elapsed))
    return None if local is None else PrintedTime(text=local.isoformat(), local=local, utc=None)


def _outcome(block: Block) -> tuple[CycleOutcome, tuple[str, ...]]:
    """Completed only if the machine says so at its end and nothing says, or may say, otherwise."""
    against = _against(block)
    result, words = _word_of(block)
    if result is PhaseResult.FAILED:
        return CycleOutcome.ABORTED, (f"{words}", *against)
    if block.abort_line is not None and result is not PhaseResult.OK:
        return CycleOutcome.ABORTED, (f"line {block.abort_line} says that it broke off", *against)
    if not block.has_ended:
        return CycleOutcome.UNKNOWN, ("the record has no readable end line", *against)
    if result is PhaseResult.OK and not against:
        return CycleOutcome.COMPLETED, ()
    return CycleOutcome.UNKNOWN, (words, *against)


def _word_of(block: Block) -> tuple[PhaseResult, str]:
    """The machine's word on the whole cycle, from its end line or, where it has none, elsewhere."""
    end = block.find_phase(PhaseKind.CYCLE_END)
    if end is not None and end.result is not PhaseResult.NOT_PRINTED:
        return end.result, f"the end line says {end.result_text}"
    if block.result is not None:
        return block.result[0], f"the machine says: {block.result[1]}"
    return PhaseResult.NOT_PRINTED, "the machine says nothing of the whole cycle"


def _against(block: Block) -> tuple[str, ...]:
    failed = [
        f"phase {phase.name} failed (line {phase.line})"
        for phase in block.phases
        if phase.result is PhaseResult.FAILED and phase.kind is not PhaseKind.CYCLE_END
    ]
    end = block.find_phase(PhaseKind.CYCLE_END)
    faults = [
        f"line {line} reports a fault"
        + (" after the end line" if end is not None and line > end.line else "")
        for line in block.failure_lines
    ]
    kinds = {phase.kind for phase in block.phases}
    lacking = [
        f"the line of phase {kind.value} is missing"
        for kind in block.form.essential
        if kind not in kinds
    ]
    return shortened((*failed, *faults, *lacking, *block.doubts))


def _exceeds(sample: Sample, extreme: PrintedExtreme, *, sign: int) -> bool:
    """Whether any value lies beyond the extreme, upwards (1) or downwards (−1)."""
    pairs: list[tuple[Decimal | None, Decimal | None]] = [
        (value, extreme.temperature_celsius) for value in sample.celsius
    ]
    pairs.append((sample.bar, extreme.pressure_bar))
    return any(
        value is not None and bound is not None and sign * (value - bound) > 0
        for value, bound in pairs
    )


def shortened(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """The first reasons, and how many more there are."""
    more = len(reasons) - _LISTED_REASONS
    return reasons if more <= 0 else (*reasons[:_LISTED_REASONS], f"and {more} more")
