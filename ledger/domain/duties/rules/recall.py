"""Duties when a biological result fails: 6, 7 and 19."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ledger.domain.duties.case import Area, Case, Cycle, Deed, Event, Recall, SubjectKind, earliest
from ledger.domain.duties.findings import Duty, Ground, Part, Rule, Say, Stance, say
from ledger.domain.duties.rules.steriliser import OF_A_CYCLE, read_at, release_of

_WITH_RECALLS = OF_A_CYCLE | {SubjectKind.RECALL}


def covering(case: Case) -> list[Recall]:
    """The recalls that cover what is asked about."""
    if case.cycle is None:
        return list(case.recalls)
    return [each for each in case.recalls if each.covers(case.cycle)]


# ---------------------------------------------------------------- 6


def failures(case: Case) -> Iterator[tuple[Cycle, Event, int]]:
    """Each failed biological result, and the first number after the last pass before it.

    Cycles stand in the order in which they ran, not in that of entry.
    """
    passed = 0
    for each in case.run:
        entry = each.result("biological")
        word = None if entry is None else entry.fact("word")
        if word == "pass":
            passed = each.number
        elif word == "fail" and entry is not None:
            yield each, entry, passed + 1


def _ordered(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    for failed, entry, first in failures(case):
        since = read_at(entry)
        by_time = sorted(case.recalls, key=lambda r: r.order.order)
        until = next((r.order.at for r in by_time if r.covers(failed)), None)
        wanted = [
            c for c in case.run
            if first <= c.number and (c is failed or c.opened.at <= (until or case.as_of))
        ]  # fmt: skip
        # an order that leaves out what failed is of something else
        orders = [r for r in by_time if until is not None and any(map(r.covers, wanted))]
        if cycle is not None and cycle not in wanted:
            continue
        duty = Duty(case, failed.unit, since=since, of=failed.name)
        due = duty.deadline(since, "recall_order", of_record=False)
        part = duty.part(
            "that everything since the last pass was recalled", "已召回自上次合格以来的全部物品"
        )
        _judge_orders(duty, part, orders, wanted, due)
        if not orders:
            duty.leave_open(part, due)
        else:
            duty.mark(
                part, Stance.BESIDE,
                say("the failed result was read {read}; due {due}",
                    "不合格结果判读于{read}；截止{due}",
                    read=case.clock(since), due=case.clock(due)),
                entry,
            )  # fmt: skip
        yield duty


def _judge_orders(
    duty: Duty, part: Part, orders: list[Recall], wanted: list[Cycle], due: datetime
) -> None:
    """All orders in time together recall every cycle that ran before the first of them."""
    in_time = [r for r in orders if duty.timely(r.order.when, due)]
    left = [str(c.number) for c in wanted if not any(r.covers(c) for r in in_time)]
    for each in orders:
        duty.mark(
            part, not left,
            say("cycles {a} to {b} recalled at {at}{left}", "{at}召回第{a}至{b}号批次{zh}",
                a=each.first, b=each.last, at=duty.case.clock(each.order.at),
                left=f"; not recalled in time: {', '.join(left)}" if left else "",
                zh=f"；未按时召回：{'、'.join(left)}" if left else ""),
            each.order, facts=("first", "last"),
        )  # fmt: skip


# ---------------------------------------------------------------- 7


def _told(case: Case) -> Iterator[Duty]:
    for recall in covering(case):
        units = _concerned(case, recall)
        decider = Duty(case, recall.order.unit, since=recall.order.at, of=recall.id)
        for unit in units:
            _reached(decider, recall, unit)
        if decider.parts:
            yield decider
        for unit in units:
            notice = recall.notice_to(unit)
            if notice is not None:
                yield _answered(case, recall, notice, unit)
    yield from _early(case)


def _concerned(case: Case, recall: Recall) -> list[int]:
    """Of a recall everybody that was told; of a package or cycle those who hold or held it."""
    if case.kind is SubjectKind.RECALL or case.cycle is None:
        return list(recall.told)
    held = {c.receiver for c in case.consignments if c.purpose == "clean" and c.delivered}
    held |= {e.unit for e in case.all(Deed.USED, Deed.OPENED, Deed.STORED)}
    held |= set(_on_the_way(case, recall))
    if case.kind is SubjectKind.CYCLE:
        held |= set(recall.told)
    return sorted(held or {case.cycle.unit})


def _on_the_way(case: Case, recall: Recall) -> Iterator[int]:
    """Who carried it when it was recalled."""
    for each in case.consignments:
        steps = [
            s for deed in (Deed.TAKEN_OVER, Deed.RECEIVED, Deed.TAKEN_BACK) for s in each.all(deed)
            if s.order <= recall.order.order
        ]  # fmt: skip
        last = max(steps, key=lambda s: s.order, default=None)
        if last is not None and last.deed is Deed.TAKEN_OVER:
            yield last.unit


def _had_since(case: Case, unit: int) -> list[datetime]:
    """When a unit had it, the first time first."""
    got = (s for c in case.consignments if (s := c.delivered) is not None and s.unit == unit)
    took = (s for c in case.consignments for s in c.all(Deed.TAKEN_OVER) if s.unit == unit)
    own = case.all(Deed.USED, Deed.OPENED, Deed.STORED, unit=unit)
    return sorted(e.at for e in (*got, *took, *own))


def _reached(duty: Duty, recall: Recall, unit: int) -> None:
    case = duty.case
    name = case.code(unit)
    part = duty.part(f"that {name} was told of the recall", f"已将召回通知{name}")
    notice, reached = recall.notice_to(unit), recall.by(unit, Deed.REACHED)
    if notice is None and unit == recall.order.unit:
        duty.mark(
            part, True, say("{unit} ordered it itself", "{unit}自行发出召回令", unit=name), recall.order
        )  # fmt: skip
        return
    # who got it only after the order is told from then on
    begun = max([recall.order.at, *_had_since(case, unit)[:1]])
    latest = begun + case.terms_at(begun).duration("notice_opened")
    sent = None if notice is None else duty.timely(notice.when, latest)
    since = begun if notice is None or sent is False else notice.at
    due = duty.deadline(since, "notice_opened", of_record=False)
    if sent is False:
        duty.mark(
            part, False,
            say("{unit} was told only at {at}; due {due}", "至{at}才通知{unit}；截止{due}", unit=name,
                at=case.clock(notice.at if notice else since), due=case.clock(latest)),
            notice, facts=("to",),
        )  # fmt: skip
    elif reached is not None:
        timely = duty.timely(reached.when, due)
        if timely is not None:
            duty.mark(
                part, timely,
                say("{unit} was reached at {at}", "{at}通知到{unit}", unit=name,
                    at=case.clock(reached.at)),
                notice, reached,
            )  # fmt: skip
    else:
        if notice is not None:
            duty.mark(
                part, Stance.BESIDE,
                say("a notice to {unit} was sent at {at}; sent is not reached",
                    "{at}已向{unit}发出通知；发出不等于送达", unit=name, at=case.clock(notice.at)),
                notice, facts=("to",),
            )  # fmt: skip
        duty.leave_open(part, due)


def _answered(case: Case, recall: Recall, notice: Event, unit: int) -> Duty:
    duty = Duty(case, unit, since=notice.at, of=recall.id)
    due = duty.deadline(notice.at, "search_report", of_record=True)
    part = duty.part("what was found", "查找结果")
    answer = recall.by(unit, Deed.ANSWERED)
    timely = None if answer is None else duty.timely(answer.when, due)
    if answer is not None and timely is not None:
        duty.mark(
            part, timely,
            say("found {found} of {asked}, reported {at}; due {due}",
                "应查{asked}件，找到{found}件，{at}报告；截止{due}",
                found=answer.fact("found"), asked=answer.fact("asked"),
                at=case.clock(answer.at), due=case.clock(due)),
            notice, answer, facts=("found", "asked"),
            ground=Ground.OWN,
        )  # fmt: skip
    elif answer is None:
        duty.leave_open(part, due)
        if recall.by(unit, Deed.REACHED) is None and Area.RECALL not in case.unreadable:
            part.excused = say(
                "no notice is known to have reached {unit}", "未见通知送达{unit}",
                unit=case.code(unit),
            )  # fmt: skip
    return duty


def _early(case: Case) -> Iterator[Duty]:
    """The user of an early release is told its result; that another unit saw it is no notice.

    What waited for the result, and was added when it was there, was not released early.
    """
    cycle, release = case.cycle, release_of(case)
    if cycle is None or release is None or release.fact("decision") != "emergency_release":
        return
    entry = cycle.result("biological")
    duty = Duty(case, cycle.unit, since=cycle.ran_at, of=cycle.name)
    if entry is None or entry.fact("word") not in {"pass", "fail"}:
        part = duty.part("that its user was told the result", "已将结果告知使用者")
        part.excused = say("no result was read yet", "尚未判读结果")
        yield duty
        return
    due = duty.deadline(read_at(entry), "notice_opened", of_record=False)
    users = _early_users(case, cycle)
    for unit in users:
        _told_result(duty, entry, unit, due)
    if not users:
        duty.leave_open(duty.part("who its user was", "使用者是哪一单位"), due)
    yield duty


def _early_users(case: Case, cycle: Cycle) -> list[int]:
    """Who used it; before that who received it, or for whom it was released early."""
    used = {e.unit for e in case.all(Deed.USED, Deed.OPENED)}
    got = {c.receiver for c in case.consignments if c.purpose == "clean" and c.delivered}
    early = [d for d in cycle.decisions if d.fact("decision") == "emergency_release"]
    owners = {int(n) for d in early for n in str(d.fact("released_to") or "").split()}
    return sorted(used or got or owners)


def _told_result(duty: Duty, entry: Event, unit: int, due: datetime) -> None:
    """It says that it saw the result, or a recall reached it once a failed one was read."""
    case, name = duty.case, duty.case.code(unit)
    part = duty.part(f"that {name} was told the result", f"已将结果告知{name}")
    said = [
        c for c in case.comments
        if c.unit == unit and c.fact("stance") == "seen"
        and c.fact("about") == entry.source.operation
    ]  # fmt: skip
    recalled = [
        e for recall in covering(case) if entry.fact("word") == "fail"
        for e in recall.steps
        if e.deed is Deed.REACHED and e.unit == unit and e.at >= read_at(entry)
    ]  # fmt: skip
    told = earliest((*said, *recalled))
    if told is None:
        duty.leave_open(part, due)
        return
    timely = duty.timely(told.when, due)
    if timely is not None:
        duty.mark(
            part, timely,
            say("{unit} was told at {at}; due {due}", "{at}告知{unit}；截止{due}", unit=name,
                at=case.clock(told.at), due=case.clock(due)),
            told, entry, facts=("stance", "read_at"),
        )  # fmt: skip


# ---------------------------------------------------------------- 19


def _not_used_after(case: Case) -> Iterator[Duty]:
    for recall in covering(case):
        for used in case.all(Deed.USED):
            duty = Duty(case, used.unit, since=used.at, of=recall.id)
            part = duty.part(
                "whether the notice had reached it when it was used", "使用时通知是否已送达"
            )
            reached = [e for e in recall.steps if e.deed is Deed.REACHED and e.unit == used.unit]
            if recall.notice_to(used.unit) is None:
                duty.also = Area.RECALL  # a notice that may not be read here is no missing one
            if not reached and duty.also not in case.unreadable:
                part.excused = say(
                    "no notice had reached {unit}", "通知未送达{unit}", unit=case.code(used.unit)
                )
            for each in reached:
                _judge_use(duty, part, used, each)
            if "recalled" in str(used.fact("against") or ""):
                duty.mark(
                    part, Stance.BESIDE,
                    say("when its use was recorded, the gate said that it was recalled",
                        "登记使用时系统已提示该包被召回"),
                    used, facts=("against",),
                )  # fmt: skip
            yield duty


def _judge_use(duty: Duty, part: Part, used: Event, reached: Event) -> None:
    if used.when is None or reached.when is None:
        return
    after = used.when.first > reached.when.last
    if after or used.when.last <= reached.when.first:
        duty.mark(
            part, not after,
            say("used {used}; the notice reached it {reached}", "{used}使用；通知于{reached}送达",
                used=duty.case.clock(used.at), reached=duty.case.clock(reached.at)),
            used, reached,
        )  # fmt: skip


# ---------------------------------------------------------------- why one does not apply


def _nobody_to_tell(case: Case) -> Say:
    if covering(case):
        return say("no notice of its recall is shown here", "此处未显示召回通知")
    return say(
        "no recall covers it, and no emergency release of it (class-5 indicator, before the "
        "biological result) is recorded",
        "无相关召回；亦无对其紧急放行（第5类化学指示物，先于生物监测结果）的记录",
    )


def _no_recall_or_use(case: Case) -> Say:
    if covering(case):
        return say("a recall covers it; no use is recorded", "属于召回范围；无使用记录")
    if case.first(Deed.USED) is None:
        return say("no recall covers it, and no use is recorded", "无相关召回，亦无使用记录")
    return say("no recall covers it", "无相关召回")


# ---------------------------------------------------------------- as data

RULES = (
    Rule(
        id="6", title=say("Recall", "召回"),
        words=say("After a failed biological result everything since the last pass of that machine "
                  "is recalled within the agreed time.",
                  "生物监测不合格时，在约定时间内召回该灭菌器自上次合格以来的全部物品。"),
        source="WS 310.3-2016", clause="4.4.2.3?", requires_record=True, holder="steriliser",
        applies_to=_WITH_RECALLS, area=Area.CYCLE, terms=("recall_order",),
        otherwise=say("no biological result that covers it is recorded as failed", "相关生物监测无不合格记录"),
        judge=_ordered,
    ),
    Rule(
        id="7", title=say("Telling of a recall or a result", "召回与结果告知"),
        words=say("Whoever holds it is told of a recall and reached within the agreed time, and "
                  "answers with what was found; the user of an early release is told its result.",
                  "在约定时间内通知到各保管单位，保管单位报告查找结果；提前放行的结果须告知使用者。"),
        source="WS 310.3-2016; group rule", clause="4.4.2.3?", requires_record=True,
        holder="decider; each holder", applies_to=_WITH_RECALLS, area=Area.RECALL,
        terms=("notice_opened", "search_report"),
        otherwise=_nobody_to_tell,
        judge=_told,
    ),
    Rule(
        id="19", title=say("Not used after a recall", "召回后不得使用"),
        words=say("It is not used after the recall notice reached the unit.",
                  "召回通知送达后不得使用。"),
        source="WS 310.3-2016", clause="4.4.2.3?", requires_record=False, holder="user",
        applies_to=frozenset({SubjectKind.PACKAGE}), area=Area.USE,
        otherwise=_no_recall_or_use,
        judge=_not_used_after,
    ),
)  # fmt: skip
