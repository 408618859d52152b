"""A file of printouts → its cycles: where each begins and ends, which repeat, which conflict."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ledger.domain.machines.readings import CycleReading, Remark, RemarkKind
from ledger.readings.block import Block, remark
from ledger.readings.finishing import contradictions, finish
from ledger.readings.printout import Form, Take, TakenLine, classify
from ledger.readings.text import DecodedText

__all__ = ["parse"]

#: What stands in a header beside its fields.
_OF_HEADER: Final = frozenset({Take.LAYOUT, Take.BLANK, Take.STATEMENT, Take.RESULT})
_UNASSIGNED: Final = (
    "a line of a machine's printout that cannot be assigned to a cycle; nothing was taken from it"
)


def parse(form: Form, text: DecodedText) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
    """Return the cycles in file order and all remarks in line order."""
    scan = _Scan(form=form)
    lines = classify(form, text.lines)
    at = 0
    while at < len(lines):
        page = _head_from(lines, at)
        if (
            page
            and scan.open_block is not None
            and scan.open_block.repeats(
                page,
                _time_on_page(lines[at + len(page) :]),
            )
        ):
            scan.open_block.take_page(page)
            at += len(page)
        else:
            scan.take(lines[at])
            at += 1
    return scan.result()


def _time_on_page(lines: Sequence[TakenLine]) -> str | None:
    """The next time that is printed before another header, which may be another cycle's."""
    for each in lines:
        if each.is_of_header:
            return None
        if each.take in {Take.SAMPLE, Take.PHASE} and "time" in each.groups:
            return each.groups["time"]
    return None


def _head_from(lines: Sequence[TakenLine], at: int) -> Sequence[TakenLine]:
    """The lines of a header that begins there, to the last one of its fields; empty if none."""
    if not lines[at].is_of_header:
        return ()
    end = last = at
    while end < len(lines) and (lines[end].take in _OF_HEADER or lines[end].is_of_header):
        last = end if lines[end].take is not Take.BLANK else last
        end += 1
    return lines[at : last + 1]


@dataclass(slots=True, kw_only=True)
class _Scan:
    """One pass over a file."""

    form: Form
    remarks: list[Remark] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    pending: list[TakenLine] = field(default_factory=list)  #: rulings that no cycle has yet
    open_block: Block | None = None

    def take(self, each: TakenLine) -> None:
        """Give the line to the open cycle, begin a new one, or report it."""
        if self.open_block is not None and self.open_block.offer(each):
            return
        self.open_block = None
        if each.is_of_header:
            self._begin(each)
        elif each.take is Take.LAYOUT:
            self.pending.append(each)
        elif each.take is not Take.BLANK:
            self._report(each)

    def _begin(self, each: TakenLine) -> None:
        """A new cycle; the rulings directly above its first line are its own."""
        own: list[TakenLine] = []
        next_line = each.line.number
        while self.pending and self.pending[-1].line.number == next_line - 1:
            own.insert(0, self.pending.pop())
            next_line -= 1
        for ruling in self.pending:
            self._report(ruling)
        self.pending.clear()
        first = own[0] if own else each
        self.open_block = Block(form=self.form, first=first.line, remarks=self.remarks)
        self.blocks.append(self.open_block)
        for ruling in own:
            self.open_block.take_layout(ruling)
        self.open_block.offer(each)

    def _report(self, each: TakenLine) -> None:
        if each.take is Take.LOGGER:
            why, kind = "written by the logging program about itself", RemarkKind.LOGGER
        elif each.take is Take.UNREAD:
            why, kind = "not understood; nothing was taken from it", RemarkKind.UNREAD
        else:
            why, kind = _UNASSIGNED, RemarkKind.OUTSIDE
        self.remarks.append(remark(each.line, why, kind))

    def result(self) -> tuple[tuple[CycleReading, ...], tuple[Remark, ...]]:
        """Finish the cycles, drop repeats, and report repeats, conflicts and cuts."""
        for each in self.pending:
            self._report(each)
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
        cycle = finish(block, ordinal=ordinal)
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
