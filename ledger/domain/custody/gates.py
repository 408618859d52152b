"""May this package be dispatched, issued, used?  Yes; no, with reasons; or cannot know since when.

A gate stops nobody: what was done against one takes a reason, and is kept with what the gate said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Self

from ledger.domain.acts.decisions import DecisionState
from ledger.domain.custody.fold import Overlay, Package, Stage
from ledger.domain.custody.lines import day_or_none
from ledger.domain.custody.standing import CycleStanding
from ledger.domain.encoding.moments import seconds_text


class Gate(StrEnum):
    """The acts that can still be prevented."""

    DISPATCH = "dispatch"
    ISSUE = "issue"
    USE = "use"


class Word(StrEnum):
    """What a gate answers."""

    YES = "yes"
    NO = "no"
    CANNOT_KNOW = "cannot_know"


class Reason(StrEnum):
    """Why not; or, with a yes, what whoever goes on has to know.

    Each with its words in English and Chinese, in which `{}` are filled in.
    """

    en: str
    zh: str

    def __new__(cls, word: str, en: str, zh: str) -> Self:
        """A member of that word."""
        member = str.__new__(cls, word)
        member._value_, member.en, member.zh = word, en, zh
        return member

    UNKNOWN = "unknown", "unknown code", "未知条码"
    NOT_RECORDED = "not_recorded", "nothing of it is recorded here", "此处没有关于它的记录"
    VOIDED = "voided", "this label was voided by a reprint", "该标签已因重印作废"
    NOT_ASSEMBLED = "not_assembled", "no record of assembly", "没有包装记录"
    NOT_LOADED = "not_loaded", "in no declared load", "未列入任何装载清单"
    NOT_RELEASED = "not_released", "cycle {cycle} is not released", "灭菌循环 {cycle} 尚未放行"
    BIOLOGICAL_PENDING = (
        "biological_pending",
        "released with the biological result pending",
        "已放行,生物监测结果待出",
    )
    EMERGENCY = "emergency", "released early in an emergency", "紧急情况下提前放行"
    REJECTED = "rejected", "cycle {cycle} was rejected", "灭菌循环 {cycle} 已判不合格"
    HELD = "held", "held", "暂扣"
    RECALLED = "recalled", "recalled", "已召回"
    RESULT_FAILED = (
        "result_failed",
        "cycle {cycle}: {results} did not pass",
        "灭菌循环 {cycle}:{results} 未通过",
    )
    WHILE_SUSPENDED = (
        "while_suspended",
        "released while its machine was suspended",
        "在灭菌器停用期间放行",
    )
    LEFT_OUT = "left_out", "left out of the release", "未包含在放行之内"
    WAITING = "waiting", "waits for a later decision", "等待后续决定"
    EXPIRED = "expired", "expired on {date}", "已于 {date} 过期"
    NO_EXPIRY = "no_expiry", "no last day of use is recorded", "没有有效期记录"
    NO_DAY = "no_day", "its last day of use is no day: {date}", "有效期不是有效日期:{date}"
    WET = "wet", "found wet", "湿包"
    DAMAGED = "damaged", "damaged", "破损"
    REFUSED = "refused", "refused by who received it", "接收方已拒收"
    USED = "used", "used already", "已使用"
    OPENED = "opened", "opened", "已打开"
    PROCESSING = "processing", "in processing: {stage}", "处理中:{stage}"
    GONE = "gone", "{stage}", "{stage}"
    NOT_HERE = "not_here", "not here: at {unit} since {time}", "不在此处:自 {time} 起在 {unit}"
    ELSEWHERE = "elsewhere", "not here", "不在此处"
    TRAVELLING = "travelling", "in transit to {unit}", "正运往 {unit}"
    CONTRADICTED = "contradicted", "contradicted by {unit}", "与 {unit} 的报告不一致"
    COUNTED_ONLY = (
        "counted_only",
        "counted only, cycle {cycle} at best",
        "仅计数,最多可追溯到循环 {cycle}",
    )
    LOANER = "loaner", "a loaner that was not processed here", "外来器械,尚未在此处理"
    NOT_READABLE = (
        "not_readable",
        "others recorded something about it that is not readable here",
        "他人对此有记录,此处无法读取",
    )
    BEHIND = "behind", "nothing was heard since {time}", "自 {time} 起没有新消息"


#: In words, by language.
WORDS: Mapping[str, Mapping[Reason, str]] = {
    "en": {each: each.en for each in Reason},
    "zh": {each: each.zh for each in Reason},
}
#: What a yes says beside itself.
_NOTES = frozenset({Reason.BIOLOGICAL_PENDING, Reason.EMERGENCY, Reason.NO_EXPIRY})
_UNKNOWABLE = frozenset({Reason.NOT_READABLE, Reason.BEHIND})


@dataclass(frozen=True, slots=True)
class Said:
    """One reason, and what its words are filled with."""

    reason: Reason
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """In words."""
        return WORDS[language][self.reason].format(**self.values)

    def to_plain(self, language: str = "en") -> dict[str, object]:
        """As JSON has it."""
        return {"reason": self.reason.value, "text": self.text(language), **self.values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a gate says."""

    gate: Gate
    package: str | None
    word: Word
    #: why not, or what is not known
    reasons: tuple[Said, ...] = ()
    #: with a yes: what has to be known
    notes: tuple[Said, ...] = ()
    #: what was looked at, and what could not be
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    def text(self, language: str = "en") -> str:
        """`no: expired on 2026-11-01; wet`."""
        told = "; ".join(said.text(language) for said in (*self.reasons, *self.notes))
        word = self.word.value.replace("_", " ")
        return f"{word}: {told}" if told else word

    def to_plain(self, language: str = "en") -> dict[str, object]:
        """As JSON has it."""
        return {
            "gate": self.gate.value,
            "package": self.package,
            "answer": self.word.value,
            "reasons": [said.to_plain(language) for said in self.reasons],
            "notes": [said.to_plain(language) for said in self.notes],
            "checked": list(self.checked),
            "unchecked": list(self.unchecked),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Who asks, when, and what is known."""

    unit: int
    #: Unix seconds
    at: int
    #: the day in the zone of whoever asks
    today: date
    #: Unix seconds since when nothing was heard of others; None: all that is known is here
    behind_since: int | None = None
    #: units by number, as people call them
    names: Mapping[int, str]
    #: the label that was read was voided
    is_voided: bool = False
    #: whether the set is a supplier's, to be processed here before its use
    is_loaner: bool = False
    #: whether others recorded a step of what it travels in that is not readable here
    has_unread: bool = False

    def name(self, unit: int | None) -> str:
        """A unit as people call it."""
        return "?" if unit is None else self.names.get(unit, str(unit))


_CHECKED = ("label", "release", "results", "recall", "expiry", "condition", "place")


def ask(gate: Gate, package: Package, cycle: CycleStanding | None, asking: Asking) -> Answer:
    """A gate's answer about a package, by its fold and its cycle.

    A unit that does not own it, has it not and does not get it hears that it is not there, and no
    more: where it went since, and what became of it, is not for who had it.
    """
    if not _concerns(package, asking.unit):
        return Answer(
            gate=gate,
            package=package.name,
            word=Word.NO,
            reasons=(Said(Reason.ELSEWHERE),),
            checked=("label", "place"),
            unchecked=tuple(each for each in _CHECKED if each not in {"label", "place"}),
        )
    found = list(_all(gate, package, cycle, asking))
    notes = tuple(said for said in found if said.reason in _NOTES)
    against = tuple(
        said for said in found if said.reason not in _NOTES and said.reason not in _UNKNOWABLE
    )
    unknown = tuple(said for said in found if said.reason in _UNKNOWABLE)
    word = Word.NO if against else Word.CANNOT_KNOW if unknown else Word.YES
    unchecked = ("release", "recall") if unknown else ()
    return Answer(
        gate=gate,
        package=package.name,
        word=word,
        reasons=(*against, *unknown),
        notes=notes,
        checked=tuple(each for each in _CHECKED if each not in unchecked),
        unchecked=unchecked,
    )


def _concerns(package: Package, unit: int) -> bool:
    named = {package.owner, package.holder, package.next_unit, package.destination}
    return package.holder is None or unit in named


def unknown(gate: Gate, package: str | None = None) -> Answer:
    """The answer about a code that is on nothing; or about a package of which nothing is recorded.

    Whoever named that may have it recorded elsewhere.
    """
    said = Said(Reason.UNKNOWN if package is None else Reason.NOT_RECORDED)
    return Answer(
        gate=gate,
        package=package,
        word=Word.NO if package is None else Word.CANNOT_KNOW,
        reasons=(said,),
        checked=("label",),
        unchecked=_CHECKED[1:],
    )


def is_no(against: str | None) -> bool:
    """Whether what a record keeps of an answer is a no, against which an act takes a reason."""
    return against is not None and against.startswith(f"{Word.NO.value}:")


def counted_only(gate: Gate, cycle: CycleStanding) -> Answer:
    """The answer where a unit only counts: no package is named, and at best it is of that cycle."""
    said = Said(Reason.COUNTED_ONLY, {"cycle": cycle.name})
    of_cycle = list(_of_cycle(cycle))
    against = [each for each in of_cycle if each.reason not in _NOTES | _UNKNOWABLE]
    return Answer(
        gate=gate,
        package=None,
        word=Word.NO if against else Word.CANNOT_KNOW,
        reasons=(*against, said),
        notes=tuple(each for each in of_cycle if each.reason in _NOTES),
        checked=("release", "results", "recall"),
        unchecked=("label", "expiry", "condition", "place"),
    )


def _all(
    gate: Gate, package: Package, cycle: CycleStanding | None, asking: Asking
) -> Iterable[Said]:
    if asking.is_voided:
        yield Said(Reason.VOIDED)
    yield from _condition(gate, package)
    yield from _release(package, cycle)
    yield from _date(package, asking)
    yield from _place(package, asking)
    if asking.is_loaner and cycle is None:
        yield Said(Reason.LOANER)
    if asking.has_unread and not (cycle is not None and cycle.is_part_unknown):
        yield Said(Reason.NOT_READABLE)
    if asking.behind_since is not None:
        yield Said(Reason.BEHIND, {"time": seconds_text(asking.behind_since)})


_STAGES: Mapping[Stage, Reason] = {
    Stage.OPENED: Reason.OPENED,
    Stage.USED: Reason.USED,
    Stage.NOT_USED: Reason.OPENED,
    Stage.SOILED: Reason.PROCESSING,
    Stage.WASHED: Reason.PROCESSING,
    Stage.INSPECTED: Reason.PROCESSING,
    Stage.DISCARDED: Reason.GONE,
    Stage.MISSING: Reason.GONE,
    Stage.LOST: Reason.GONE,
}


def _condition(gate: Gate, package: Package) -> Iterable[Said]:
    reason = _STAGES.get(package.stage)
    if reason is not None and not (gate is Gate.USE and package.stage is Stage.OPENED):
        yield Said(reason, {"stage": package.stage.value.replace("_", " ")})
    for overlay, why in (
        (Overlay.WET, Reason.WET),
        (Overlay.DAMAGED, Reason.DAMAGED),
        (Overlay.REFUSED, Reason.REFUSED),
        (Overlay.HELD, Reason.HELD),
        (Overlay.RECALLED, Reason.RECALLED),
        (Overlay.EXCLUDED, Reason.LEFT_OUT),
        (Overlay.WAITING, Reason.WAITING),
    ):
        if overlay in package.overlays:
            yield Said(why)


_DECIDED: Mapping[DecisionState, Reason] = {
    DecisionState.UNDECIDED: Reason.NOT_RELEASED,
    DecisionState.RELEASED_BIOLOGICAL_PENDING: Reason.BIOLOGICAL_PENDING,
    DecisionState.RELEASED_EMERGENCY: Reason.EMERGENCY,
    DecisionState.REJECTED: Reason.REJECTED,
    DecisionState.HELD: Reason.HELD,
    DecisionState.RELEASED_HELD: Reason.HELD,
    DecisionState.PENDING_HELD: Reason.HELD,
    DecisionState.EMERGENCY_HELD: Reason.HELD,
    DecisionState.RECALLED: Reason.RECALLED,
}


def _release(package: Package, cycle: CycleStanding | None) -> Iterable[Said]:
    if not package.is_assembled:
        yield Said(Reason.NOT_ASSEMBLED)
    if cycle is None:
        yield Said(Reason.NOT_LOADED)
        return
    yield from _of_cycle(cycle)


def _of_cycle(cycle: CycleStanding) -> Iterable[Said]:
    values = {"cycle": cycle.name, "results": ", ".join(cycle.bad).replace("_", " ")}
    reasons = []
    if cycle.state in _DECIDED:
        reasons.append(_DECIDED[cycle.state])
    if cycle.bad:
        reasons.append(Reason.RESULT_FAILED)
    if cycle.is_ordered_back and cycle.state is not DecisionState.RECALLED:
        reasons.append(Reason.RECALLED)
    if cycle.released_while_suspended:
        reasons.append(Reason.WHILE_SUSPENDED)
    if cycle.is_part_unknown:
        reasons.append(Reason.NOT_READABLE)
    for reason in reasons:
        yield Said(reason, values)


def _date(package: Package, asking: Asking) -> Iterable[Said]:
    if package.expires is None:
        yield Said(Reason.NO_EXPIRY)
        return
    day = day_or_none(package.expires)
    if day is None:
        yield Said(Reason.NO_DAY, {"date": package.expires})
    elif day < asking.today:
        yield Said(Reason.EXPIRED, {"date": package.expires})


def _place(package: Package, asking: Asking) -> Iterable[Said]:
    if package.is_travelling:
        to = package.next_unit or package.destination
        yield Said(Reason.TRAVELLING, {"unit": asking.name(to)})
    elif package.holder not in {None, asking.unit}:
        since = "?" if package.since is None else seconds_text(package.since)
        yield Said(Reason.NOT_HERE, {"unit": asking.name(package.holder), "time": since})
    for unit in sorted({each.unit for each in package.contradictions}):
        yield Said(Reason.CONTRADICTED, {"unit": asking.name(unit)})
