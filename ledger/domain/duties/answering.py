"""Case → answer: all findings, what they say as a whole, the intervals, and on what it rests.

The answer is plain data in one canonical form: whoever has the same operations, terms and rules
makes the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.acts.words import BAD_RESULTS
from ledger.domain.duties.case import Case, Cycle, Deed, Event, SubjectKind
from ledger.domain.duties.findings import (
    Finding,
    Ground,
    Mark,
    Say,
    Stance,
    Word,
    in_chinese,
    judged,
    say,
)
from ledger.domain.duties.interval import Interval, intervals
from ledger.domain.duties.rules import ENGINE, RULES, rules_sha256
from ledger.domain.duties.rules.recall import covering
from ledger.domain.duties.rules.steriliser import keeping_back
from ledger.domain.duties.terms import Terms, default_terms
from ledger.domain.encoding.canonical import Plain
from ledger.domain.encoding.moments import instant_text

FORMAT = "steriledger-answer/1"

_CRITICAL = frozenset(rule.id for rule in RULES if rule.is_critical)
_OPEN_WORDS = frozenset({Word.NOT_MET, Word.DISPUTED, Word.NOT_RECORDED, Word.NOT_READABLE})
_SOURCES = {rule.id: {"of": rule.source, "clause": rule.clause} for rule in RULES}
#: how much of an id is shown
_SHORT = 18
_INTERVALS = tuple(n for r in RULES for n in r.terms if n.startswith("biological_interval_"))
_TITLES = {rule.id: rule.title for rule in RULES}

COMPUTED = say(
    "A computation from records, no unit's statement. It does not say who is at fault, nor what "
    "caused anything.",
    "本文件由记录计算得出，不是任何单位的陈述；不认定过错，也不认定原因。",
)
NOT_PROVED = say(
    "Proved complete are the published terms and the operations of the cycles, consignments, "
    "assets, machines and signers that are named. Not proved is that no other list names it, that "
    "no shift and no outage was left out, nor that a record was true when it was entered.",
    "已发布的约定以及所列批次、运单、设备、灭菌器与签署人的操作已证明完整；不能证明没有其他清单涉及它，"
    "不能证明没有遗漏班次或系统中断，也不能证明记录录入时属实。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A finding that was another one as it was known then."""

    rule: str
    holder: int
    of: str
    #: None: the duty was not seen to apply
    then: Word | None
    now: Word | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered about one subject."""

    case: Case
    head: Say
    findings: tuple[Finding, ...]
    intervals: tuple[Interval, ...]
    #: since when "then" was, and what differs from now; None where nobody asked
    then: datetime | None = None
    changed: tuple[Changed, ...] = ()


def answer(case: Case, *, then: datetime | None = None, before: Case | None = None) -> Answer:
    """All duties of a case; with `then`, also what differs from the case as it was known `before`.

    `before` is None where nothing of it was known then.
    """
    case = case.at_its_moment().in_order()
    findings = list_findings(case)
    known = [] if before is None else list_findings(before)
    return Answer(
        case=case,
        head=head(case, findings),
        findings=tuple(findings),
        intervals=tuple(intervals(case)),
        then=then,
        changed=() if then is None else tuple(_changes(known, findings)),
    )


def list_findings(case: Case) -> list[Finding]:
    """The findings of all rules, in the rules' order."""
    ordered = case.at_its_moment().in_order()
    return [finding for rule in RULES for finding in judged(rule, ordered)]


def _changes(then: Sequence[Finding], now: Sequence[Finding]) -> Iterator[Changed]:
    before = {(f.rule, f.holder, f.of): f.word for f in then}
    after = {(f.rule, f.holder, f.of): f.word for f in now}
    for key in dict.fromkeys((*after, *before)):
        was, is_now = before.get(key), after.get(key)
        if was is not is_now:
            rule, holder, of = key
            yield Changed(rule=rule, holder=holder, of=of, then=was, now=is_now)


# ---------------------------------------------------------------- the head


def head(case: Case, findings: Sequence[Finding]) -> Say:
    """What the list says as a whole, and what it does not."""
    against = case.cycle is not None and _against(case, case.cycle) is not None
    first = [_sentence(case, findings)]
    failed = list(_not_met(case, findings))
    parts = [
        *(first + failed if against else failed + first),
        *_open(case, findings),
    ]
    return Say(
        en=" ".join(each.en for each in parts),
        zh="".join(each.zh for each in parts),
    )


def _sentence(case: Case, findings: Sequence[Finding]) -> Say:
    if case.kind not in {SubjectKind.PACKAGE, SubjectKind.CYCLE}:
        return say("These are the duties that applied.", "以下为适用的各项职责。")
    if case.cycle is None:
        return say(
            "No cycle is known for it: whether it was sterilised cannot be told from here.",
            "未关联任何灭菌批次，无法据此说明其是否经灭菌。",
        )
    against = _against(case, case.cycle)
    if against is not None:
        used = case.first(Deed.USED) is not None
        exposed = say(" It was used: exposed.", "该包已使用：属于暴露。") if used else say("", "")
        return Say(en=against.en + exposed.en, zh=against.zh + exposed.zh)
    itself = _of_itself(case)
    open_ = [f for f in findings if f.rule in _CRITICAL and f.word in _OPEN_WORDS]
    if open_:
        named = _named(case, open_)
        return say(
            "Of the duties that come before a release, {n} not shown to be met: {list}."
            "{later}{own}",
            "放行前的职责中有{count}项未能证明已履行：{zh}。{later_zh}{own_zh}",
            n="one is" if len(named) == 1 else f"{len(named)} are", count=len(named),
            list=", ".join(each.en for each in named), zh="、".join(each.zh for each in named),
            own=itself.en, own_zh=itself.zh, **_to_come(case, findings),
        )  # fmt: skip
    if itself.en:
        return say(
            "None of the duties that come before a release (1 to 5, 8 to 12) and were due stands "
            "open.{later}{own} What that comes from these records do not say.",
            "放行前的职责（1至5、8至12）中已到期的均无未决。{later_zh}{own_zh}以上记录不说明其来源。",
            own=itself.en, own_zh=itself.zh, **_to_come(case, findings),
        )  # fmt: skip
    return say(
        "Looked at were the duties that come before a release (1 to 5, 8 to 12), the results of "
        "its cycle, and recalls and decisions about it: none of these duties that was due stands "
        "open.{later} Nothing recorded points to sterile supply as the origin of a harm; records "
        "alone cannot exclude it, nor any other origin. This is a statement about these records, "
        "not about any unit.",
        "已查看：放行前的职责（1至5、8至12）、所属批次的监测结果及相关召回与决定；其中已到期的职责均无未决。{later_zh}"
        "没有记录表明损害源于无菌供应环节；仅凭记录不能排除该环节，也不能排除其他来源。以上只说明记录情况，不是对任何单位的评价。",
        **_to_come(case, findings),
    )  # fmt: skip


def _of_itself(case: Case) -> Say:
    """What was seen of the package itself that speaks against it; empty if nothing."""
    opened = case.all(Deed.OPENED, Deed.USED)
    told = [
        *(say("{unit} found the indicator inside it failed at {at}",
              "{unit}于{at}发现包内指示物不合格", unit=case.code(e.unit), at=case.clock(e.at))
          for e in opened if e.fact("indicator") == "fail"),
        *(say("{unit} found it wet at {at}", "{unit}于{at}发现潮湿", unit=case.code(e.unit),
              at=case.clock(e.at))
          for e in case.all(Deed.WET, Deed.UNLOADED)
          if e.deed is Deed.WET or e.fact("dry") is False),
    ]  # fmt: skip
    return Say(
        en="".join(f" {each.en}." for each in told), zh="".join(f"{each.zh}。" for each in told)
    )


def _to_come(case: Case, findings: Sequence[Finding]) -> dict[str, str]:
    """That a biological result is still to come, in both languages; nothing where none is."""
    pending = [f.due for f in findings if f.rule == "5" and f.is_open and f.due is not None]
    if not pending:
        return {"later": "", "later_zh": ""}
    at = case.clock(pending[0])
    return {
        "later": f" The biological result of its cycle is still to come: due {at}.",
        "later_zh": f"所属批次的生物监测结果尚待判读，应于{at}判读。",
    }


def _named(case: Case, findings: Iterable[Finding]) -> list[Say]:
    """Duties by their titles, each with the units that hold it."""
    units: dict[str, dict[str, None]] = {}
    for each in findings:
        units.setdefault(each.rule, {})[case.code(each.holder)] = None
    return [
        say("{rule} {en} ({units})", "{rule} {zh}（{units_zh}）", rule=rule, en=_TITLES[rule].en,
            zh=_TITLES[rule].zh, units=", ".join(held), units_zh="、".join(held))
        for rule, held in units.items()
    ]  # fmt: skip


def _not_met(case: Case, findings: Iterable[Finding]) -> Iterator[Say]:
    """What is not met, each with the fact that shows it, its duty and its holder."""
    told = dict.fromkeys(
        say("{en} ({rule} {title}, {unit})", "{zh}（{rule} {titel}，{unit}）",
            en="; ".join(dict.fromkeys(m.says.en for m in shown)),
            zh="；".join(dict.fromkeys(m.says.zh for m in shown)),
            rule=f.rule, title=_TITLES[f.rule].en, titel=_TITLES[f.rule].zh,
            unit=case.code(f.holder))
        for f in findings if f.word is Word.NOT_MET
        for shown in [[
            m for m in f.marks if m.stance is Stance.AGAINST and m.ground is not Ground.OTHER
        ]]
    )  # fmt: skip
    if told:
        yield say("Not met: {en}.", "未履行：{zh}。", en=" · ".join(each.en for each in told),
                  zh=" · ".join(each.zh for each in told))  # fmt: skip


def _against(case: Case, cycle: Cycle) -> Say | None:
    """What is recorded that keeps it from use."""
    failed = failed_results(cycle)
    if failed:
        is_invalid = {name for name in failed if cycle.word(name) == "invalid"}
        return say(
            "Its cycle's {names} result {how}.", "其灭菌批次的监测结果（{zh}）{wie}。",
            names=", ".join(each.replace("_", " ") for each in failed),
            zh="、".join(in_chinese(each) for each in failed),
            how="failed" if not is_invalid
            else "is invalid" if is_invalid == set(failed) else "failed or is invalid",
            wie="不合格" if not is_invalid
            else "无效" if is_invalid == set(failed) else "不合格或无效",
        )  # fmt: skip
    if covering(case):
        return say("A recall covers it.", "该包属于召回范围。")
    kept = keeping_back(case)
    if kept is not None:
        return say(
            "A decision keeps it from use: {what}.", "已有决定不得使用：{zh}。",
            what=kept[0], zh=in_chinese(kept[0]),
        )  # fmt: skip
    return None


def failed_results(cycle: Cycle) -> list[str]:
    """The results that keep a load from being used, the machine's reading among them."""
    names = {str(r.fact("result")) for r in cycle.results}
    failed = sorted(name for name in names if cycle.word(name) in BAD_RESULTS)
    ended = cycle.ended
    if ended is not None and {ended.fact("verdict"), ended.fact("outcome")} & {"failed", "aborted"}:
        failed.append("machine")
    return failed


def _open(case: Case, findings: Iterable[Finding]) -> Iterator[Say]:
    """The other duties that stand open, in the words of the list, and who holds each."""
    named = {
        Word.DISPUTED: ("Disputed", "有争议"),
        Word.NOT_RECORDED: ("Not recorded", "无记录"),
        Word.NOT_READABLE: ("Not readable here", "本系统不可读"),
    }
    every = list(findings)
    for word, (en, zh) in named.items():
        duties = _named(case, (f for f in every if f.word is word))
        if duties:
            yield say(
                "{en}: {list}.", "{zh}：{list_zh}。", en=en, zh=zh,
                list=", ".join(each.en for each in duties),
                list_zh="、".join(each.zh for each in duties),
            )  # fmt: skip


# ---------------------------------------------------------------- as plain data


def answer_to_plain(found: Answer) -> dict[str, Plain]:
    """The answer as plain data."""
    case = found.case
    comments = sorted(_own_comments(case), key=lambda c: c.source.place)
    used = {e.source.operation: e for e in (*_used(found, comments), *case.strangers)}
    concerned = case.concerned | {f.holder for f in found.findings}
    said_to = {e.source.operation: e for e in case.events() if e.deed is not Deed.COMMENTED}
    versions = sorted({f.terms for f in found.findings if f.terms is not None})
    plain: dict[str, Plain] = {
        "format": FORMAT,
        "subject": {"kind": case.kind.value, "id": case.id, "name": case.name},
        "as_of": instant_text(case.as_of),
        "block": case.block,
        "offset_minutes": case.terms_at(case.as_of).document["offset_minutes"],
        "engine": ENGINE,
        "rules_sha256": rules_sha256(),
        "terms": [
            {
                "version": t.version,
                "sha256": t.sha256,
                "holds_since": instant_text(t.holds_since),
                "deadlines": _deadlines(case, t, found.findings),
            }
            for t in sorted(
                {each.version: each for each in (default_terms(), *case.terms)}.values(),
                key=lambda t: t.version,
            )
            if t.version in versions
        ],
        "computed": _words(COMPUTED),
        "not_proved": _words(NOT_PROVED),
        "head": _words(found.head),
        "units": [
            {"unit": unit, "code": case.code(unit), "name": case.names.get(unit)}
            for unit in sorted(concerned - {0})
        ],
        "findings": [_finding(case, each, found.findings) for each in found.findings],
        "intervals": [_interval(case, each) for each in found.intervals],
        "statements": [
            {
                "unit": c.unit,
                "code": case.code(c.unit),
                "operation": c.source.operation,
                "about": c.fact("about"),
                "said_to": _said_to(said_to.get(str(c.fact("about"))), case),
                "stance": c.fact("stance"),
                "text": c.fact("text"),
                "is_concerned": c.unit in concerned,
            }
            for c in comments
        ],
        "third_parties": [
            {
                "unit": e.unit,
                "operation": e.source.operation,
                "deed": e.deed.value,
                "happened": None if e.when is None else instant_text(e.when.last),
                "says": _words(_of_stranger(case, e)),
            }
            for e in case.strangers
        ],
        "operations": [
            _operation(each)
            for each in sorted(used.values(), key=lambda e: (*e.source.place, e.source.operation))
        ],
    }
    if found.then is not None:
        plain["then"] = {
            "moment": instant_text(found.then),
            "changed": [
                {"rule": c.rule, "holder": c.holder, "of": c.of, "then": c.then, "now": c.now}
                for c in found.changed
            ],
        }
    return plain


def _own_comments(case: Case) -> list[Event]:
    """What was said, but not of other cycles of the machine than those that a recall covers."""
    of_others = {
        each.source.operation
        for cycle in case.series
        if case.kind is not SubjectKind.RECALL or not any(r.covers(cycle) for r in case.recalls)
        for each in (cycle.opened, cycle.ended, *cycle.results, *cycle.decisions)
        if each is not None
    }
    return [each for each in case.comments if each.fact("about") not in of_others]


def _said_to(event: Event | None, case: Case) -> Plain:
    """What something was said to: `damaged, M3, 2026-11-03 11:40`; None for what is not in it."""
    if event is None:
        return None
    return _words(
        say(
            "{deed}, {unit}, {at}", "{zh}，{unit}，{at}", unit=case.code(event.unit),
            at=case.clock(event.at), deed=event.deed.value.replace("_", " "),
            zh=in_chinese(event.deed),
        )
    )  # fmt: skip


_SAID_BY_OTHERS = {
    Deed.WET: ("wet", "潮湿"), Deed.DAMAGED: ("damaged", "损坏"), Deed.MISSING: ("short", "缺件"),
    Deed.FOUND: ("found", "已找到"), Deed.NOT_USED: ("not used", "未使用"),
    Deed.DISCARDED: ("discarded", "已弃用"), Deed.LOOKED_AT: ("looked at", "查看"),
    Deed.TRANSPORT_LOG: ("a transport log", "运输记录"),
}  # fmt: skip


def _of_stranger(case: Case, event: Event) -> Say:
    """What a third party said, and that nothing rests on it."""
    en, zh = _SAID_BY_OTHERS[event.deed]
    return say(
        "{unit}, which is not known here to have had it, reported at {at}: {en}; no duty rests on "
        "it.", "{unit}（未见其保管记录）于{at}报告：{zh}；不作为任何职责的依据。",
        unit=case.code(event.unit), at=case.clock(event.at), en=en, zh=zh,
    )  # fmt: skip


def _used(found: Answer, comments: Iterable[Event]) -> Iterator[Event]:
    for finding in found.findings:
        for mark in finding.marks:
            yield from mark.events
        yield from finding.outages
    for interval in found.intervals:
        yield from interval.moves
        yield from (e for e in (interval.last_good, interval.first_bad, interval.narrowed_by) if e)
    yield from comments


def _words(words: Say) -> dict[str, Plain]:
    return {"en": words.en, "zh": words.zh}


def _deadlines(case: Case, terms: Terms, findings: Iterable[Finding]) -> dict[str, Plain]:
    """What the rules read of a version for what applied, with where each comes from."""
    process = None if case.cycle is None else case.cycle.machine.process
    others = {n for n in _INTERVALS if n != f"biological_interval_{process}"}
    judged_by = {f.rule for f in findings if f.holder and f.terms == terms.version}
    names = {name for rule in RULES if rule.id in judged_by for name in rule.terms}
    durations: Mapping[str, Mapping[str, Plain]] = terms.document["durations"]
    return {name: dict(durations[name]) for name in sorted((names - others) & durations.keys())}


def _about(case: Case, finding: Finding, findings: Iterable[Finding]) -> Say | None:
    """What it is of beside the subject, as people call it; when, where that stands twice."""
    if not finding.of:
        return None
    moved = next((c for c in case.consignments if c.name == finding.of), None)
    of = finding.of if len(finding.of) <= _SHORT else f"{finding.of[:_SHORT]}…"
    about = Say(en=of.replace("_", " "), zh=in_chinese(of))
    if moved is not None:
        about = say(
            "{giver} → {receiver}, {what}, slip {slip}", "{giver} → {receiver}，{zh}，运单{slip}",
            giver=case.code(moved.giver), receiver=case.code(moved.receiver), what=moved.purpose,
            zh=in_chinese(moved.purpose), slip=moved.name,
        )  # fmt: skip
    place = (finding.rule, finding.holder, finding.of)
    alike = [f for f in findings if (f.rule, f.holder, f.of) == place]
    if len(alike) > 1 and finding.since is not None:
        since = case.clock(finding.since)
        about = Say(en=f"{about.en}, from {since}", zh=f"{about.zh}，{since}起")
    return about


def _finding(case: Case, finding: Finding, findings: Iterable[Finding]) -> dict[str, Plain]:
    about = _about(case, finding, findings)
    return {
        "rule": finding.rule,
        "title": _words(_TITLES[finding.rule]),
        "about": None if about is None else _words(about),
        "source": _SOURCES[finding.rule],
        "holder": finding.holder,
        "unit": case.code(finding.holder),
        "word": finding.word.value,
        "why": [_words(each) for each in finding.why],
        "of": finding.of,
        "due": None if finding.due is None else instant_text(finding.due),
        "is_open": finding.is_open,
        "terms": finding.terms,
        "evidence": [_mark(each) for each in finding.marks],
        "outages": [each.source.operation for each in finding.outages],
    }


def _mark(mark: Mark) -> dict[str, Plain]:
    return {
        "stance": mark.stance.value,
        "ground": mark.ground.value,
        "records": [
            {
                "operation": e.source.operation,
                "deed": e.deed.value,
                "fields": [f"{e.path}{name}" for name in mark.facts if name in e.facts],
                "happened": None if e.when is None else instant_text(e.when.last),
                "about": e.when is not None and e.when.is_about,
                "time": None if e.when is None else e.when.how.value,
                "how": e.how.value,
            }
            for e in mark.events
        ],
    }


def _interval(case: Case, interval: Interval) -> dict[str, Plain]:
    good, narrowed = interval.last_good, interval.narrowed_by
    return {
        "what": interval.what.value,
        "says": _words(interval.says(case)),
        "moves": [each.source.operation for each in interval.moves],
        "last_good": None if good is None else good.source.operation,
        "first_bad": interval.first_bad.source.operation,
        "narrowed_by": None if narrowed is None else narrowed.source.operation,
        "held": [
            {
                "unit": h.unit,
                "since": instant_text(h.since),
                "until": instant_text(h.until),
            }
            for h in interval.held
        ],
    }


def _operation(event: Event) -> dict[str, Plain]:
    source = event.source
    return {
        "digest": source.operation,
        "kind": source.kind,
        "unit": source.unit,
        "block": source.block,
        "known": instant_text(source.known),
        "custody": source.custody,
    }
