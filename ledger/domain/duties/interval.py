"""Last seen good, first seen bad, and who held it in between: an interval, never a culprit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.duties.case import Case, Deed, Event
from ledger.domain.duties.findings import Say, say, seen

#: What may be wrong with it, and the facts by which it was seen good before.
_GOOD = {
    Deed.WET: {"dry"},
    Deed.DAMAGED: {"dry", "integrity"},
    Deed.MISSING: {"count"},
}
_LOOKING = (
    Deed.ASSEMBLED, Deed.UNLOADED, Deed.STORED, Deed.OPENED, Deed.SOILED_COUNTED,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One holder within the interval."""

    unit: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Between which two looks something became wrong."""

    #: wet, damaged or missing
    what: Deed
    #: None: nobody recorded that it was good
    last_good: Event | None
    first_bad: Event
    held: tuple[Held, ...]
    #: the holder's own later statement that narrows it, such as "found in linen"
    narrowed_by: Event | None = None

    def says(self, case: Case) -> Say:
        """In a sentence."""
        kinds = {Deed.WET: ("wet", "潮湿"), Deed.DAMAGED: ("damaged", "破损"),
                 Deed.MISSING: ("short", "缺件")}  # fmt: skip
        en, zh = kinds[self.what]
        good_en, good_zh = (
            ("nobody recorded that it was good before", "此前无完好记录")
            if self.last_good is None
            else (f"last seen good {case.clock(self.last_good.at)}",
                  f"最后一次见其完好：{case.clock(self.last_good.at)}")
        )  # fmt: skip
        holders = ", then ".join(
            case.code(h.unit) + (f" from {case.clock(h.since)}" if at else "")
            for at, h in enumerate(self.held)
        )
        holders_zh = "，之后".join(
            (f"{case.clock(h.since)}起" if at else "") + case.code(h.unit)
            for at, h in enumerate(self.held)
        )
        alone = len({h.unit for h in self.held}) == 1
        return say(
            "{en}: {good}, first seen {en} {bad}; held in between by {who}.{alone}",
            "{zh}：{good_zh}，首次发现：{bad}；其间由{who_zh}保管。{alone_zh}",
            en=en, zh=zh, good=good_en, good_zh=good_zh, bad=case.clock(self.first_bad.at),
            who=holders or "nobody known", who_zh=holders_zh or "未知单位",
            alone=" One unit alone held it; hidden earlier damage is not excluded." if alone
            else "",
            alone_zh="仅一个单位保管；不排除此前存在隐蔽损坏。" if alone else "",
        )  # fmt: skip


def intervals(case: Case) -> Iterator[Interval]:
    """One for each thing that was found wrong."""
    for what, facts in _GOOD.items():
        bad = _first_bad(case, what)
        if bad is None:
            continue
        good = [
            e for e in seen(case.all(*_LOOKING))
            if e.order < bad.order and any(_is_good(e, name) for name in facts)
        ]  # fmt: skip
        last = good[-1] if good else None
        found = [f for f in case.all(Deed.FOUND) if f.order > bad.order]
        narrowed = found[0] if what is Deed.MISSING and found else None
        held = _held(case, last, bad)
        if narrowed is not None:
            held = tuple(h for h in held if h.unit == narrowed.unit) or held
        yield Interval(
            what=what, last_good=last, first_bad=bad, held=held, narrowed_by=narrowed
        )  # fmt: skip


def _first_bad(case: Case, what: Deed) -> Event | None:
    found = case.all(what)
    if what is Deed.WET:
        found += [e for e in case.all(Deed.UNLOADED) if e.fact("dry") is False]
    if what is Deed.MISSING:
        found += [e for e in case.all(Deed.SOILED_COUNTED, Deed.OPENED) if _is_short(e)]
    return min(found, key=lambda e: e.order, default=None)


def _is_short(event: Event) -> bool:
    count, expected = event.number("count"), event.number("expected")
    return count is not None and expected is not None and count < expected


def _is_good(event: Event, name: str) -> bool:
    if name == "count":
        return event.number("count") is not None and not _is_short(event)
    return event.fact(name) in {True, "intact"}


def _held(case: Case, good: Event | None, bad: Event) -> tuple[Held, ...]:
    """Who held it from one look to the other; a unit that handed it to itself stands once."""
    moves = sorted(
        (
            step for c in case.consignments for step in c.steps
            if step.deed in {Deed.TAKEN_OVER, Deed.RECEIVED}
            and (good is None or good.at < step.at) and step.at <= bad.at
        ),
        key=lambda s: s.order,
    )  # fmt: skip
    first = good.unit if good is not None else None
    start = good.at if good is not None else None
    held: list[Held] = []
    for step in moves:
        if first is not None and start is not None and first != step.unit:
            held.append(Held(unit=first, since=start, until=step.at))
            start = step.at
        first = step.unit
        start = step.at if start is None else start
    if first is None or start is None:
        return ()
    return (*held, Held(unit=first, since=start, until=bad.at))
