"""Last seen good, first seen bad, and who held it in between: an interval, never a culprit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.custody.lines import SEEN
from ledger.domain.duties.case import NOT_THERE, Case, Deed, Event, SubjectKind, earliest
from ledger.domain.duties.findings import Say, in_chinese, say, seen

#: What may be wrong with it, and the facts by which it was seen good before.
_GOOD = {
    Deed.WET: {"dry"},
    Deed.DAMAGED: {"dry", "integrity"},
    Deed.MISSING: {"count"},
}
#: of these nobody need have seen it; and a defect that somebody reports puts it with nobody
_NO_LOOK = frozenset({
    Deed.WET, Deed.DAMAGED, Deed.MISSING, Deed.FOUND, Deed.NOT_USED,
    Deed.LOADED, Deed.EXCLUDED, Deed.WAITING, Deed.ADDED, Deed.HELD, Deed.LIFTED, Deed.RECALLED,
    Deed.REPROCESS, Deed.SEAL_TESTED,
})  # fmt: skip
_LOOKING = (
    Deed.ASSEMBLED, Deed.UNLOADED, Deed.STORED, Deed.OPENED, Deed.USED, Deed.SOILED_COUNTED,
)  # fmt: skip


_COUNTING = (Deed.SOILED_COUNTED, Deed.OPENED, Deed.USED)


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
    #: the hand-overs in between, in order of happening
    moves: tuple[Event, ...] = ()
    #: the holder's own later statement that narrows it, such as "found in linen"
    narrowed_by: Event | None = None

    def says(self, case: Case) -> Say:
        """In a sentence."""
        kinds = {Deed.WET: ("wet", "潮湿"), Deed.DAMAGED: ("damaged", "破损"),
                 Deed.MISSING: ("short", "缺件")}  # fmt: skip
        en, zh = kinds[self.what]
        # a package that is not there was seen before; one that is damaged was seen whole
        # an asset is reported as short, or is lost with its box
        is_whole = not case.owner or self.first_bad.source.kind == "Disposition"
        is_gone = self.what is Deed.MISSING and self.first_bad.deed is Deed.MISSING and is_whole
        en, zh = ("missing", "缺失") if is_gone else (en, zh)
        good = self._good(case, is_gone=is_gone)
        with_whom = list(self._with_whom(case))
        return say(
            "{en}: {good}. First seen {en} {bad} by {unit}. In between it was with: {who}.{alone}"
            "{told} That says where it was, not when or how it became so.",
            "{zh}：{good_zh}。首次发现：{bad}，{unit}。其间所在：{who_zh}。{alone_zh}{told_zh}"
            "以上只说明所在，不说明何时、如何发生。",
            en=en, zh=zh, good=good.en, good_zh=good.zh, bad=case.clock(self.first_bad.at),
            unit=case.code(self.first_bad.unit),
            who="; ".join(each.en for each in with_whom) or "nobody known",
            who_zh="；".join(each.zh for each in with_whom) or "未知单位",
            **self._alone(is_gone=is_gone),
            **self._narrowed(case),
        )  # fmt: skip

    def _alone(self, *, is_gone: bool) -> dict[str, str]:
        """That one unit had it from a look on; without one nobody knows who had it whole."""
        if self.last_good is None or len({h.unit for h in self.held}) != 1:
            return {"alone": "", "alone_zh": ""}
        if is_gone:
            return {"alone": " One unit alone held it.", "alone_zh": "仅一个单位保管。"}
        return {
            "alone": " One unit alone held it; hidden earlier damage is not excluded.",
            "alone_zh": "仅一个单位保管；不排除此前存在隐蔽损坏。",
        }

    def _good(self, case: Case, *, is_gone: bool) -> Say:
        """The last look before, and what was looked at then."""
        look = self.last_good
        if look is None:
            how, wie = ("", "") if is_gone else (" whole", "完好")
            return say("nobody recorded that it was seen{how} before", "此前无见其{wie}的记录",
                       how=how, wie=wie)  # fmt: skip
        how, wie, more, mehr = "seen whole", "见其完好", "", ""
        known = look.fact("basis") or look.how  # of the package's own line, where there is one
        if is_gone:
            how, wie = "seen", "见到"
        elif self.what is Deed.WET:
            how, wie = "seen dry", "见其干燥"
        elif look.fact("dry") is True and look.fact("integrity") != "intact":
            how, wie = "looked at", "查看"
            more = " and found dry; a look at its wrapping is not recorded"
            mehr = "，干燥；无查看包装的记录"
        return say(
            "last {how} {at} by {unit} ({deed}, {known}){more}",
            "最后一次{wie}：{at}，{unit}（{zh}，{known_zh}）{mehr}",
            how=how, wie=wie, at=case.clock(look.at), unit=case.code(look.unit),
            deed=look.deed.value.replace("_", " "), zh=in_chinese(look.deed), more=more, mehr=mehr,
            known=str(known).replace("_", " "), known_zh=in_chinese(known),
        )  # fmt: skip

    def _with_whom(self, case: Case) -> Iterator[Say]:
        """Who had it from when, by which hand-over, and how that is known of the thing itself."""
        if self.held and all(move.at != self.held[0].since for move in self.moves):
            first = self.held[0]
            begun = None if self.last_good is not None else _begun(case)
            yield say(
                "{unit} from {at} ({how})", "{at}起在{unit}（{wie}）", unit=case.code(first.unit),
                at=case.clock(first.since),
                how="seen at that look" if begun is None else begun.deed.value,
                wie="该次查看" if begun is None else in_chinese(begun.deed),
            )  # fmt: skip
        for move in self.moves:
            vehicle = move.fact("vehicle")
            is_seen = bool(case.owner) or move.fact("basis") in SEEN
            yield say(
                "{where} from {at} ({deed}, {how})", "{at}起在{wo}（{zh}，{wie}）",
                where=f"a {vehicle} of {case.code(move.unit)}" if vehicle else case.code(move.unit),
                wo=case.code(move.unit) + (f"的{in_chinese(vehicle)}" if vehicle else ""),
                at=case.clock(move.at), deed=move.deed.value.replace("_", " "),
                zh=in_chinese(move.deed),
                how="seen" if is_seen else "inferred from its consignment",
                wie="实见" if is_seen else "依运单推定",
            )  # fmt: skip

    def _narrowed(self, case: Case) -> dict[str, str]:
        told = self.narrowed_by or seen_again(case, self)
        if told is None:
            return {"told": "", "told_zh": ""}
        unit, at = case.code(told.unit), case.clock(told.at)
        if self.narrowed_by is None:
            return {
                "told": f" Seen again {at} by {unit} ({told.deed.value.replace('_', ' ')}).",
                "told_zh": f"{at}{unit}再次见到（{in_chinese(told.deed)}）。",
            }
        return {
            "told": f" Narrowed by what {unit} itself said later: found, {at}.",
            "told_zh": f"依{unit}其后自述（{at}找到）缩小范围。",
        }


def intervals(case: Case) -> Iterator[Interval]:
    """One for each thing that was found wrong; of an asset, one for each time."""
    if case.kind is SubjectKind.ASSET:
        yield from _of_asset(case)
        return
    for what, facts in _GOOD.items():
        bad = _first_bad(case, what)
        if bad is None:
            continue
        if bad.deed is Deed.MISSING:
            yield _between(case, what, _last_seen(case, bad), bad)
            continue
        good = [
            e for e in seen(case.all(*_LOOKING))
            if e.order < bad.order and any(_is_good(e, name) for name in facts)
        ]  # fmt: skip
        yield _between(case, what, good[-1] if good else None, bad)


def _last_seen(case: Case, bad: Event) -> Event | None:
    """The last time that somebody had the package itself before their eyes."""
    before = (e for e in _looks(case) if e.order < bad.order)
    return max(before, key=lambda e: e.order, default=None)


def _looks(case: Case) -> list[Event]:
    """Whenever somebody had the package itself before their eyes."""
    steps = (s for c in case.consignments for s in c.steps if s.fact("basis") in SEEN)
    there = (s for s in steps if s.fact("of_package") not in NOT_THERE)
    return [*there, *seen(e for e in case.history if e.deed not in _NO_LOOK)]


def seen_again(case: Case, interval: Interval) -> Event | None:
    """Who found what was missing, or had it before their eyes later."""
    bad = interval.first_bad
    if bad.deed is not Deed.MISSING or case.kind is SubjectKind.ASSET:
        return None
    later = (e for e in (*_looks(case), *case.all(Deed.FOUND)) if e.order > bad.order)
    return min(later, key=lambda e: e.order, default=None)


def _between(case: Case, what: Deed, good: Event | None, bad: Event) -> Interval:
    """From one look to the other; the holder's own later statement narrows it."""
    moves = _moves(case, good, bad)
    held = _held(case, good, bad, moves)
    units = {h.unit for h in held} if what is Deed.MISSING else set()
    found = (f for f in case.all(Deed.FOUND) if f.order > bad.order and f.unit in units)
    narrowed = next(found, None)
    if narrowed is not None:
        held = tuple(h for h in held if h.unit == narrowed.unit)
        moves = tuple(m for m in moves if m.unit == narrowed.unit)
    return Interval(
        what=what, last_good=good, first_bad=bad, held=held, moves=moves, narrowed_by=narrowed
    )


# ---------------------------------------------------------------- of an asset


def _of_asset(case: Case) -> Iterator[Interval]:
    """Its looks in order: what both sides of a change of hands saw, and what was reported."""
    looks = seen(
        sorted(
            (*case.history, *(step for c in case.consignments for step in c.steps)),
            key=lambda e: e.order,
        )
    )
    repairs = [
        m for m in case.maintenance
        if m.fact("work") == "repair" and m.fact("asset") == case.id and m.unit == case.owner
    ]  # fmt: skip
    yield from _damages(case, looks, repairs)
    yield from _losses(case, looks)


def _damages(case: Case, looks: list[Event], repairs: list[Event]) -> Iterator[Interval]:
    """From a whole look or a repair to the first look that found it damaged."""
    good: Event | None = None
    is_bad = False
    for look in sorted((*looks, *repairs), key=lambda e: e.order):
        is_damaged = look.deed is Deed.DAMAGED or look.fact("condition_is") == "damaged"
        if look.fact("condition_is") == "whole" or look.deed is Deed.MAINTAINED:
            good, is_bad = look, False
        elif is_damaged and not is_bad:
            is_bad = True
            yield _between(case, Deed.DAMAGED, good, look)


def _losses(case: Case, looks: list[Event]) -> Iterator[Interval]:
    """From the last look that counted more to the first that counted less, or found it short."""
    good: Event | None = None
    is_bad = False
    for look in looks:
        count, expected = look.number("instruments"), look.number("expected")
        before = None if good is None else good.number("instruments")
        fewer = count is not None and max(expected or 0, before or 0) > count
        if look.deed is Deed.MISSING or look.fact("condition_is") == "incomplete" or fewer:
            if not is_bad:
                yield _between(case, Deed.MISSING, good, look)
            is_bad = True
        elif count is not None or look.fact("condition_is") == "whole":
            good, is_bad = look, False


# ---------------------------------------------------------------- between two looks


def _first_bad(case: Case, what: Deed) -> Event | None:
    found = case.all(what)
    if what is Deed.WET:
        found += [e for e in case.all(Deed.UNLOADED) if e.fact("dry") is False]
    if what is Deed.DAMAGED:
        found += [e for e in case.all(Deed.OPENED, Deed.USED) if e.fact("integrity") == "broken"]
    if what is Deed.MISSING:
        found += [e for e in case.all(*_COUNTING) if _is_short(e)]
    return min(found, key=lambda e: e.order, default=None)


def _is_short(event: Event) -> bool:
    count, expected = event.number("count"), event.number("expected")
    return count is not None and expected is not None and count < expected


def _is_good(event: Event, name: str) -> bool:
    if name == "count":
        return event.number("count") is not None and not _is_short(event)
    return event.fact(name) in {True, "intact"}


def _moves(case: Case, good: Event | None, bad: Event) -> tuple[Event, ...]:
    """Every hand-over from one look to the other."""
    found = (
        step for c in case.consignments for step in c.steps
        if step.deed in {Deed.TAKEN_OVER, Deed.RECEIVED, Deed.TAKEN_BACK}
        and (good is None or good.order < step.order) and step.order <= bad.order
    )  # fmt: skip
    return tuple(sorted(found, key=lambda s: s.order))


def _begun(case: Case) -> Event | None:
    """Who had it first, as far as anything says so."""
    sent = (s for c in case.consignments for s in c.steps if s.deed is Deed.DISPATCHED)
    return earliest((case.first(Deed.REGISTERED, Deed.ASSEMBLED, Deed.LOADED), *sent))


def _who_had(case: Case, look: Event) -> int:
    """Whose hands it was in at a look; whoever only looked at an asset need not have had it."""
    if look.deed is not Deed.LOOKED_AT:
        return look.unit
    before = (*case.all(Deed.REGISTERED), *_moves(case, None, look))
    return max(before, key=lambda e: e.order, default=look).unit


def _held(case: Case, good: Event | None, bad: Event, moves: tuple[Event, ...]) -> tuple[Held, ...]:
    """Who held it from one look to the other; a unit that handed it to itself stands once."""
    begun = good or _begun(case)
    begun = None if begun is None or begun.order > bad.order else begun
    first = _who_had(case, begun) if begun is not None else None
    start = begun.at if begun is not None else None
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
