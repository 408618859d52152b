"""Marks for and against → a finding: one duty, one holder, one word.

The one place that turns evidence into a word, so that no rule can say `not met` from silence or
from an accuser's note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from ledger.domain.duties.case import Area, Case, Event, How, SubjectKind, When
from ledger.domain.records.commitments import FieldValue


class Word(StrEnum):
    """What is found; exactly one."""

    MET = "met"
    NOT_APPLICABLE = "not_applicable"
    DISPUTED = "disputed"
    NOT_READABLE = "not_readable"
    NOT_RECORDED = "not_recorded"
    NOT_MET = "not_met"


#: How bad a word is for its holder; silence stands straight before `not met`.
SEVERITY = {
    Word.MET: 0,
    Word.NOT_APPLICABLE: 0,
    Word.DISPUTED: 1,
    Word.NOT_READABLE: 2,
    Word.NOT_RECORDED: 2,
    Word.NOT_MET: 3,
}


class Stance(StrEnum):
    """What a mark does."""

    FOR = "for"
    AGAINST = "against"
    BESIDE = "beside"


class Ground(StrEnum):
    """On whose word it rests."""

    #: a machine's reading
    MACHINE = "machine"
    #: the holder's own record
    OWN = "own"
    #: the order on the chain
    CHAIN = "chain"
    #: another's statement that the holder agreed with
    AGREED = "agreed"
    #: another's statement
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """A sentence in both languages."""

    en: str
    zh: str


def say(en: str, zh: str, /, **values: object) -> Say:
    """A sentence with its values in place."""
    return Say(en=en.format(**values), zh=zh.format(**values))


_CHINESE = {
    "pass": "合格", "fail": "不合格", "invalid": "无效",
    "release": "放行", "release_biological_pending": "生物监测待判读放行",
    "emergency_release": "紧急放行", "correct": "补充放行",
    "in_service": "使用中", "out_of_service": "停用", "retired": "报废",
    "recalled": "召回", "rejected": "拒绝放行", "held": "暂扣", "excluded": "剔除",
    "reprocess": "重新处理", "waiting": "待放行",
    "intact": "完好", "broken": "破损", "missing": "缺失",
    "other_numbers": "其他编号", "none": "无",
    "whole": "完好", "damaged": "损坏", "incomplete": "缺件",
    # results
    "physical": "物理监测", "chemical_external": "包外化学监测",
    "chemical_internal": "包内化学监测", "lumen_pcd": "PCD监测", "biological": "生物监测",
    "bowie_dick": "B-D试验",
    "machine": "灭菌器记录",
    # deeds
    "soiled_counted": "污染器械清点", "washed": "清洗消毒", "assembled": "装配",
    "seal_tested": "封口测试", "loaded": "装载", "unloaded": "卸载", "added": "补充放行",
    "lifted": "解除暂扣", "stored": "储存", "issued": "发放", "opened": "开包", "used": "使用",
    "not_used": "未使用", "discarded": "弃用", "wet": "潮湿", "found": "找到",
    "registered": "登记", "looked_at": "查看", "dispatched": "发出", "taken_over": "接收承运",
    "diverted": "备降", "resealed": "重新加封", "transport_log": "运输记录", "arrived": "送达",
    "handed_over": "交出",
    "received": "签收", "refused": "拒收", "taken_back": "收回", "cycle_opened": "批次开始",
    "cycle_ended": "批次结束", "result": "监测结果", "decided": "决定", "ordered": "召回令",
    "noticed": "召回通知", "reached": "通知送达", "answered": "召回答复", "commented": "意见",
    "van": "车辆", "drone": "无人机", "scanned": "扫描", "counted": "清点", "ticked": "勾选",
    "ticked_off": "勾选",
    "typed": "手工录入", "imported": "导入", "paper": "纸质记录", "printed": "打印记录",
    "inferred": "推定",
    "clean": "无菌物品", "soiled": "污染器械", "loan": "借出", "return": "归还", "recall": "召回",
    "flash": "快速灭菌",
    "shift": "班次", "outage": "系统中断", "maintained": "维护",
}  # fmt: skip


def in_chinese(word: FieldValue) -> str:
    """A word of a record in Chinese; itself where there is none for it."""
    return _CHINESE.get(str(word), str(word))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something recorded that speaks for a duty or against it, or only stands beside it."""

    stance: Stance
    ground: Ground
    says: Say
    events: tuple[Event, ...]
    #: the facts that were read, by their names
    facts: tuple[str, ...] = ()


@dataclass(slots=True)
class Part:
    """One thing that a duty asks for."""

    wanted: Say
    marks: list[Mark] = field(default_factory=list)
    #: that it does not apply, and why
    excused: Say | None = None
    #: until when it may still be done
    open_until: datetime | None = None

    @property
    def word(self) -> Word:
        """What its marks say."""
        against = {m.ground for m in self.marks if m.stance is Stance.AGAINST}
        if against - {Ground.OTHER}:
            return Word.NOT_MET
        has_for = any(m.stance is Stance.FOR for m in self.marks)
        if against:
            return Word.DISPUTED if has_for else Word.NOT_RECORDED
        if has_for:
            return Word.MET
        if self.excused is not None or self.open_until is not None:
            return Word.NOT_APPLICABLE
        return Word.NOT_RECORDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One duty of one holder."""

    rule: str
    #: a unit; 0 where the duty did not apply to anybody
    holder: int
    word: Word
    why: tuple[Say, ...]
    marks: tuple[Mark, ...] = ()
    #: what it is about beside the subject: a consignment, a recall
    of: str = ""
    #: until when it was or is to be done
    due: datetime | None = None
    #: whether it is not due yet
    is_open: bool = False
    #: the version of the terms that held
    terms: int | None = None
    #: declared outages that cover its time
    outages: tuple[Event, ...] = ()
    #: the first moment that it is about; findings stand in this order
    since: datetime | None = None


class Duty:
    """One duty of one holder while it is judged."""

    def __init__(self, case: Case, holder: int, *, since: datetime, of: str = "") -> None:
        self.case = case
        self.holder = holder
        self.since = since
        self.of = of
        self.due: datetime | None = None
        #: by the terms of which moment it is judged
        self.by = since
        #: what it rests on beside its rule's own area
        self.also: Area | None = None
        self.parts: list[Part] = []
        self.outages: list[Event] = []

    def part(self, en: str, zh: str) -> Part:
        """One more thing that it asks for, as the end of `nothing says that …`."""
        part = Part(wanted=Say(en=en, zh=zh))
        self.parts.append(part)
        return part

    def mark(
        self,
        part: Part,
        stance: Stance | bool,  # noqa: FBT001 - whether it holds
        says: Say,
        *events: Event | None,
        facts: Iterable[str] = (),
        ground: Ground | None = None,
    ) -> None:
        """Something recorded; `True` speaks for it, `False` against it."""
        if isinstance(stance, bool):
            stance = Stance.FOR if stance else Stance.AGAINST
        found = tuple(e for e in events if e is not None)
        on = ground or weakest(ground_of(self.case, e, self.holder) for e in found)
        part.marks.append(
            Mark(stance=stance, ground=on, says=says, events=found, facts=tuple(facts))
        )
        if stance is Stance.AGAINST and on is Ground.OTHER:
            part.marks += self._denials(found)

    def _denials(self, events: tuple[Event, ...]) -> Iterator[Mark]:
        """What the holder said against another's statement."""
        for event in events:
            for comment in comments_on(self.case, event, self.holder):
                if comment.fact("stance") == "disagrees":
                    yield Mark(
                        stance=Stance.FOR,
                        ground=Ground.OWN,
                        says=say(
                            "{unit} disagrees with it",
                            "{unit}不同意该记录",
                            unit=self.case.code(self.holder),
                        ),
                        events=(comment,),
                        facts=("stance", "text"),
                    )

    # ------------------------------------------------------------ time

    def deadline(self, since: datetime, name: str, *, of_record: bool) -> datetime:
        """Until when by the terms that held then.

        A record's deadline that an outage of its holder covers is counted again from the outage's
        end; what had to be done with hands is not put off by it.
        """
        allowed = self.case.terms_at(since).duration(name)
        due = since + allowed
        if of_record:
            for outage in self.covering(since, due):
                due = max(due, ends(self.case, outage) + allowed)
        if self.due is None or due > self.due:
            self.due, self.by = due, since
        return due

    def covering(self, since: datetime, until: datetime) -> list[Event]:
        """The declared outages of the holder that touch a time; they are named in the finding."""
        found = [
            o for o in self.case.outages
            if o.unit == self.holder and is_declared(self.case, o)
            and _begin(o) <= until and since <= ends(self.case, o)
        ]  # fmt: skip
        self.outages += [o for o in found if o not in self.outages]
        return found

    def timely(self, when: When | None, due: datetime) -> bool | None:
        """Whether it was in time; None where `about` leaves it open, or nobody says when."""
        if when is None:
            return None
        if when.last <= due:
            return True
        return False if when.first > due else None

    def leave_open(self, part: Part, due: datetime) -> None:
        """Nothing is wrong yet while its time is not over."""
        if self.case.as_of <= due:
            part.open_until = due

    # ------------------------------------------------------------ the word

    def finding(self, rule: str, area: Area) -> Finding:
        """All parts together: the worst of them."""
        words = [part.word for part in self.parts]
        applying = [w for w in words if w is not Word.NOT_APPLICABLE]
        word = max(applying, key=SEVERITY.__getitem__, default=Word.NOT_APPLICABLE)
        pending = [p for p in self.parts if p.word is Word.NOT_APPLICABLE and p.open_until]
        if word is Word.MET and pending:
            # what is done so far is done, and the rest is not due
            word = Word.NOT_APPLICABLE
        if word is Word.NOT_RECORDED and {area, self.also} & self.case.unreadable:
            word = Word.NOT_READABLE
        if word is not Word.NOT_MET:  # of what is not met it explains nothing
            self.covering(self.since, self.since)
        is_open = word is Word.NOT_APPLICABLE and bool(pending)
        return Finding(
            rule=rule,
            holder=self.holder,
            word=word,
            why=tuple(dict.fromkeys(self._why(word))),
            marks=tuple(mark for part in self.parts for mark in part.marks),
            of=self.of,
            due=max((p.open_until for p in pending if p.open_until), default=self.due),
            is_open=is_open,
            terms=self.case.terms_at(self.by).version,
            outages=tuple(self.outages),
            since=self.since,
        )

    def _why(self, word: Word) -> Iterator[Say]:
        for part in self.parts:
            yield from self._why_of(part, word)
        for outage in self.outages:
            yield say(
                "an outage of {unit} covers this time: {first} to {last}",
                "该时段处于{unit}已申报的系统中断期内：{first}至{last}",
                unit=self.case.code(outage.unit),
                first=self.case.clock(_begin(outage)),
                last=self.case.clock(ends(self.case, outage)),
            )
        events = [e for part in self.parts for mark in part.marks for e in mark.events]
        shown = {(e.source.operation, e.path, e.deed): e for e in events}
        for event in sorted(shown.values(), key=lambda e: e.order):
            if is_entered_later(self.case, event):
                yield entered_later(self.case, event)

    def _why_of(self, part: Part, word: Word) -> Iterator[Say]:
        for mark in part.marks:
            yield mark.says
        is_decided = any(mark.stance is not Stance.BESIDE for mark in part.marks)
        if is_decided and part.word is not Word.NOT_RECORDED:
            return
        if part.excused is not None:
            yield part.excused
        elif part.open_until == self.case.as_of:
            yield say("not due yet", "尚未到期")
        elif part.open_until is not None:
            yield say(
                "not due until {until}", "截止时间为{until}，尚未到期",
                until=self.case.clock(part.open_until),
            )  # fmt: skip
        elif word is Word.NOT_READABLE:
            yield say(
                "this instance does not hold the record that would say {what}",
                "本系统未保存可说明“{zh}”的记录", what=part.wanted.en, zh=part.wanted.zh,
            )  # fmt: skip
        elif any(mark.stance is Stance.AGAINST for mark in part.marks):
            yield say(
                "{unit} has not answered to it", "{unit}尚未答复",
                unit=self.case.code(self.holder),
            )  # fmt: skip
        else:
            yield say(
                "nothing recorded says {what}", "没有记录说明“{zh}”",
                what=part.wanted.en, zh=part.wanted.zh,
            )  # fmt: skip


# ---------------------------------------------------------------- on whose word


def comments_on(case: Case, event: Event, unit: int) -> list[Event]:
    """What a unit said to an operation, oldest first; withdrawn ones are not in a case."""
    found = [
        c for c in case.comments
        if c.unit == unit and c.fact("about") == event.source.operation
    ]  # fmt: skip
    return sorted(found, key=lambda c: c.source.place)


def ground_of(case: Case, event: Event, holder: int) -> Ground:
    """On whose word one event rests, as far as a holder is concerned; who signed it says it."""
    if event.how is How.PRINTED:
        return Ground.MACHINE
    if event.source.unit == holder:
        return Ground.OWN
    stances = [c.fact("stance") for c in comments_on(case, event, holder)]
    settled = [s for s in stances if s in {"agrees", "disagrees"}]
    return Ground.AGREED if settled and settled[-1] == "agrees" else Ground.OTHER


def weakest(grounds: Iterable[Ground]) -> Ground:
    """What rests on several rests on the weakest."""
    return max(grounds, key=list(Ground).index)


# ---------------------------------------------------------------- when it was entered


def _is_from_paper(event: Event) -> bool:
    return How.PAPER in {event.how, event.how if event.when is None else event.when.how}


def is_entered_later(case: Case, event: Event) -> bool:
    """Whether it came to the chain from paper, or later than the terms give for signing."""
    if event.when is None:
        return False
    allowed = case.terms_at(event.at).duration("receipt")
    return _is_from_paper(event) or event.source.known > event.at + allowed


def entered_later(case: Case, event: Event) -> Say:
    """Both its times: that an entry is late says nothing of what was done."""
    paper = _is_from_paper(event)
    return say(
        "{deed} {at}, entered {paper}{known}", "{zh}：{at}，{paper_zh}于{known}录入",
        deed=event.deed.value.replace("_", " "), zh=in_chinese(event.deed),
        at=case.clock(event.at), known=case.clock(event.source.known),
        paper="from paper " if paper else "", paper_zh="据纸质记录" if paper else "",
    )  # fmt: skip


# ---------------------------------------------------------------- outages


def _begin(outage: Event) -> datetime:
    return outage.moment("begun_at") or outage.at


def ends(case: Case, outage: Event) -> datetime:
    """Its end; one that nobody ended lasts no longer than it could have been declared anew."""
    allowed = case.terms_at(outage.source.known).duration("outage_declared")
    return outage.moment("ended_at") or min(case.as_of, outage.source.known + allowed)


def is_declared(case: Case, outage: Event) -> bool:
    """Whether it was declared in time: at the latest so long after its end."""
    end = outage.moment("ended_at") or outage.source.known
    allowed = case.terms_at(outage.source.known).duration("outage_declared")
    return outage.source.known <= end + allowed


# ---------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A duty as data, and the one function that judges it."""

    id: str
    title: Say
    words: Say
    #: standard or document, and its clause; `?` where it was not read in the text itself
    source: str
    clause: str
    #: whether it asks for a record, so that silence is a finding of its own
    requires_record: bool
    #: cleaner, assembler, steriliser, decider, sender, carrier, receiver, user, owner, custodian
    holder: str
    applies_to: frozenset[SubjectKind]
    area: Area
    #: names of the terms that it reads
    terms: tuple[str, ...] = ()
    #: whether a package must not be released without it
    is_critical: bool = False
    #: why it does not apply, where its function finds nobody to hold it; of a case if that differs
    otherwise: Say | Callable[[Case], Say]
    judge: Callable[[Case], Iterable[Duty]]

    def why_not(self, case: Case) -> Say:
        """Why it does not apply to this case."""
        return self.otherwise if isinstance(self.otherwise, Say) else self.otherwise(case)


def judged(rule: Rule, case: Case) -> list[Finding]:
    """The findings of one rule; at least one wherever it applies to what is asked about."""
    if case.kind not in rule.applies_to:
        return []
    found = [duty.finding(rule.id, rule.area) for duty in rule.judge(case)]
    if rule.terms and Area.TERMS in case.unreadable:
        found = [_without_terms(each) for each in found]
    if found:
        return sorted(found, key=lambda f: (f.since or case.as_of, f.of, f.holder))
    if rule.area in case.unreadable:
        word, why = (
            Word.NOT_READABLE,
            say("this instance does not hold the records", "本系统未保存相关记录"),
        )
    else:
        word, why = Word.NOT_APPLICABLE, rule.why_not(case)
    return [Finding(rule=rule.id, holder=0, word=word, why=(why,))]


def _without_terms(found: Finding) -> Finding:
    """By which terms it is judged is not known: nothing that depends on them is said."""
    if found.word is Word.NOT_APPLICABLE and not found.is_open:
        return found
    why = say(
        "this instance does not hold the terms that were published", "本系统未保存已发布的约定"
    )
    return replace(
        found, word=Word.NOT_READABLE, why=(*found.why, why), due=None, is_open=False, terms=None
    )


def seen(events: Iterable[Event]) -> list[Event]:
    """Those that somebody saw; what is inferred narrows nothing."""
    return [e for e in events if e.how is not How.INFERRED]
