"""A DAC Universal log → its cycles: where each begins and ends, which repeat, which conflict."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.domain.machines.readings import CycleReading, Remark, RemarkKind
from ledger.readings.dac_block import HEADER_KINDS, Block, remark
from ledger.readings.dac_lines import MODEL, ClassifiedLine, Kind, classify
from ledger.readings.dac_verdict import contradictions, finish
from ledger.readings.text import DecodedText

__all__ = ["parse", "recognise"]

#: Lines that only this machine, or the program that is known to log it, writes.
_TELLING: Final = re.compile(
    rf"[ \t]*[^A-Za-z0-9]{{0,8}}{MODEL}[ \t]*|Serien Nr:.*"
    r"|Dat\.\(T-M-J\) .*|Zeit\(H-M-S\) .*|Zyklusende .*|Phase: +Uhrzeit: +Erg:[ \t]*"
    r"|System\.Management\.Automation\.PSEventJob|COM[0-9]{1,3} (?:konnte|erfolgreich) .*"
    r"|Es wurde erkannt, dass der Port am .*"
)


_UNASSIGNED: Final = (
    "a line of a machine's printout that cannot be assigned to a cycle; nothing was taken from it"
)


def recognise(text: DecodedText) -> bool:
    """Whether any line is the machine's, or of the program that is known to log it."""
    return any(_TELLING.fullmatch(line.text) for line in text.lines)


def parse(text: DecodedText) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    """Return the cycles in file order and all remarks in line order."""
    scan = _Scan(undecodable=frozenset(text.undecodable))
    for each in classify(text.lines):
        scan.take(each)
    return scan.result()


@dataclass(slots=True)
class _Scan:
    """One pass over a file."""

    undecodable: frozenset[int]
    remarks: list[Remark] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    open_block: Block | None = None

    def take(self, each: ClassifiedLine) -> None:
        """Give the line to the open cycle, begin a new one, or report it."""
        if self.open_block is not None and self.open_block.offer(each):
            return
        self.open_block = None
        if each.kind in HEADER_KINDS or (each.kind is Kind.CUT and each.parts[0] != Kind.FAULT):
            self._begin(each)
        elif each.kind is not Kind.BLANK:
            self._report(each)

    def _begin(self, each: ClassifiedLine) -> None:
        self.open_block = Block(first=each.line, remarks=self.remarks)
        self.blocks.append(self.open_block)
        self.open_block.offer(each)

    def _report(self, each: ClassifiedLine) -> None:
        if each.kind is Kind.LOGGER:
            why, kind = "written by the logging program about itself", RemarkKind.LOGGER
        elif each.kind is Kind.UNREAD:
            why, kind = "not understood; nothing was taken from it", RemarkKind.UNREAD
        else:
            why, kind = _UNASSIGNED, RemarkKind.OUTSIDE
        self.remarks.append(remark(each.line, why, kind))

    def result(self) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
        """Finish the cycles, drop repeats, and report repeats, conflicts and cuts."""
        cycles: list[CycleReading] = []
        known: dict[str, CycleReading] = {}
        for block in self.blocks:
            self.remarks.extend(contradictions(block))
            cycle = self._finish(block, ordinal=len(cycles) + 1)
            first = known.setdefault(cycle.content_sha256, cycle)
            if first is not cycle:
                self.remarks.append(_repeat(cycle, first))
                continue
            cycles.append(cycle)
        self.remarks.extend(_conflicts(cycles))
        self.remarks.sort(key=lambda each: (each.line, each.last_line))
        return tuple(self._with_remarks(cycle) for cycle in cycles), tuple(self.remarks)

    def _finish(self, block: Block, *, ordinal: int) -> CycleReading:
        cycle = finish(block, ordinal=ordinal, own_remarks=())
        if cycle.incomplete_because:
            self.remarks.append(
                Remark(
                    line=cycle.first_line,
                    last_line=cycle.last_line,
                    text=_name(cycle),
                    why="the record is not whole: " + "; ".join(cycle.incomplete_because),
                    kind=RemarkKind.CUT,
                )
            )
        return cycle

    def _with_remarks(self, cycle: CycleReading) -> CycleReading:
        return replace(
            cycle,
            remarks=tuple(
                each
                for each in self.remarks
                if cycle.first_line <= each.line and each.last_line <= cycle.last_line
            ),
        )


def _name(cycle: CycleReading) -> str:
    number = "no readable number" if cycle.number is None else f"number {cycle.number}"
    return f"cycle with {number}"


def _repeat(cycle: CycleReading, first: CycleReading) -> Remark:
    return Remark(
        line=cycle.first_line,
        last_line=cycle.last_line,
        text=_name(cycle),
        why=f"the same cycle as in lines {first.first_line} to {first.last_line}; kept once",
        kind=RemarkKind.DUPLICATE,
    )


def _conflicts(cycles: list[CycleReading]) -> list[Remark]:
    """Return a remark for every cycle whose serial and number another one has already."""
    seen: dict[tuple[str, int], CycleReading] = {}
    found: list[Remark] = []
    for cycle in cycles:
        if cycle.serial is None or cycle.number is None:
            continue
        first = seen.setdefault((cycle.serial, cycle.number), cycle)
        if first is not cycle:
            found.append(
                Remark(
                    line=cycle.first_line,
                    last_line=cycle.last_line,
                    text=_name(cycle),
                    why=f"the same serial and number with other content as in lines "
                    f"{first.first_line} to {first.last_line}; both are kept",
                    kind=RemarkKind.CONFLICT,
                )
            )
    return found
