"""Duties of whoever sterilised and decided: 1 to 5, 8, 9 and 12."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ledger.domain.acts.decisions import TRANSITIONS, USABLE, DecisionKind, DecisionState
from ledger.domain.duties.case import (
    RELEASING,
    Area,
    Case,
    Cycle,
    Deed,
    Event,
    SubjectKind,
    earliest,
)
from ledger.domain.duties.findings import (
    Duty,
    Ground,
    Part,
    Rule,
    Say,
    Stance,
    ends,
    in_chinese,
    say,
)

OF_A_CYCLE = frozenset({SubjectKind.PACKAGE, SubjectKind.CYCLE})
NO_CYCLE = say("no cycle is known for it", "未关联任何灭菌批次")


_RELEASED_AS = {
    "release": "an ordinary release",
    "release_biological_pending": "with the biological result still to come",
    "emergency_release": "as an emergency, before the biological result",
    "correct": "added to what was released",
}


def release_of(case: Case) -> Event | None:
    """The decision that released it: the first that does not leave it out, or that adds it."""
    if case.cycle is None:
        return None
    left_out, added = (
        {e.source.operation for e in case.all(*deeds)}
        for deeds in ((Deed.EXCLUDED, Deed.WAITING), (Deed.ADDED,))
    )
    is_out = False
    for decision in case.cycle.decisions:
        name = decision.source.operation
        is_out = is_out or name in left_out
        if name in added or (not is_out and decision.fact("decision") in RELEASING):
            return decision
    return None


def left_at(case: Case) -> Event | None:
    """The first time that the package left the centre, or was opened or used.

    The centre's own record of it comes before what another unit says.
    """
    unit = 0 if case.cycle is None else case.cycle.unit
    sent = [c.step(Deed.DISPATCHED) for c in case.consignments if c.purpose == "clean"]
    found = [*sent, *case.all(Deed.ISSUED, Deed.OPENED, Deed.USED)]
    own = [each for each in found if each is not None and each.unit == unit]
    return earliest(own or found)


def keeping_back(case: Case) -> tuple[str, Event] | None:
    """The decision on it or its cycle that keeps it from use, and how; None where none does."""
    state = DecisionState.UNDECIDED
    decisions = () if case.cycle is None else case.cycle.decisions
    for each in decisions:
        kind = DecisionKind[str(each.fact("decision")).upper()]
        state = TRANSITIONS[state].get(kind, state)
    if state not in USABLE | {DecisionState.UNDECIDED}:
        return state.word.rpartition("_")[2], decisions[-1]
    own = {each.source.operation for each in decisions}
    of_load = [
        e for e in case.all(Deed.EXCLUDED, Deed.WAITING, Deed.ADDED)
        # what left it out of an earlier run says nothing of this one
        if e.source.kind != "CycleDecision" or e.source.operation in own
    ]  # fmt: skip
    last = (
        case.last(Deed.RECALLED, Deed.REPROCESS),
        of_load[-1] if of_load else None,
        case.last(Deed.HELD, Deed.LIFTED),
    )
    kept = (e for e in last if e and e.deed not in {Deed.ADDED, Deed.LIFTED})
    return next(((e.deed.value, e) for e in kept), None)


# ---------------------------------------------------------------- 1


def _physical(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None or release_of(case) is None:
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    values = duty.part("that the physical values were within the profile", "物理参数符合程序要求")
    ended = cycle.ended
    if ended is not None:
        _by_reading(duty, values, ended)
    if not values.marks:
        _by_hand(duty, values, cycle)
    loaded = case.last(Deed.LOADED)
    wanted = None if loaded is None else loaded.fact("programme_required")
    if wanted is not None:
        programme = duty.part("that the right programme ran", "所用程序正确")
        ran = (ended.fact("programme") if ended else None) or cycle.opened.fact("programme")
        if ran is not None:
            duty.mark(
                programme, ran == wanted,
                say("it needs programme {w}; {r} ran", "应使用程序{w}，实际运行{r}", w=wanted, r=ran),
                loaded, ended or cycle.opened,
                facts=("programme_required", "programme"), ground=Ground.OWN,
            )  # fmt: skip
    yield duty


def _by_reading(duty: Duty, part: Part, ended: Event) -> None:
    outcome, verdict = ended.fact("outcome"), ended.fact("verdict")
    if outcome == "aborted":
        duty.mark(
            part, False, say("the machine aborted the cycle", "灭菌器中止了该批次"), ended,
            facts=("outcome",), ground=Ground.MACHINE,
        )  # fmt: skip
    if verdict in {"passed", "failed"}:
        duty.mark(
            part, verdict == "passed",
            say(
                "the machine's values {how} against {profile}", "灭菌器记录按{profile}判定为{zh}",
                how=verdict, profile=ended.fact("profile") or "a profile",
                zh="合格" if verdict == "passed" else "不合格",
            ),
            ended, facts=("verdict", "profile"), ground=Ground.MACHINE,
        )  # fmt: skip


def _by_hand(duty: Duty, part: Part, cycle: Cycle) -> None:
    entry = cycle.result("physical")
    if entry is not None and entry.fact("word") in {"pass", "fail"}:
        passed = entry.fact("word") == "pass"
        duty.mark(
            part, passed,
            say(
                "the physical result was entered: {how}", "已录入物理监测结果：{zh}",
                how=entry.fact("word"), zh="合格" if passed else "不合格",
            ),
            entry, facts=("word",),
        )  # fmt: skip


# ---------------------------------------------------------------- 2


def _decided(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    left = left_at(case)
    release = release_of(case)
    if cycle is None or (release is None and left is None):
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    part = duty.part("that it was released", "已放行")
    if release is None:
        duty.mark(
            part, False, say("it left without a release", "未经放行即已发出"), left
        )  # fmt: skip
        yield duty
        return
    duty.mark(
        part, True,
        say(
            "released at {at}: {kind}, signed by a key with the right to decide",
            "{at}{zh}，由具有放行权限的密钥签署",
            at=case.clock(release.at), kind=_RELEASED_AS[str(release.fact("decision"))],
            zh=in_chinese(release.fact("decision")),
        ),
        release, facts=("decision",), ground=Ground.CHAIN,
    )  # fmt: skip
    if left is not None and left.when is not None and release.when is not None:
        before = duty.part("that it was released before it left", "放行先于发出")
        is_before = release.when.last <= left.when.first
        # where one of them is `about` and they overlap, nobody says which came first
        if is_before or release.when.first > left.when.last:
            duty.mark(
                before, is_before,
                say(
                    "released {release}, left {left}", "放行时间{release}，发出时间{left}",
                    release=case.clock(release.at), left=case.clock(left.at),
                ),
                release, left,
            )  # fmt: skip
    if left is not None:
        _kept_back(duty, left)
    if release.fact("decision") == "emergency_release":
        _emergency(duty, cycle, release)
    yield duty


def _kept_back(duty: Duty, left: Event) -> None:
    """What was held or recalled since is released no more when it leaves."""
    case = duty.case
    before = replace(case, as_of=left.at).at_its_moment()
    kept = keeping_back(before)
    if kept is None and before.cycle is not None:
        orders = (r.order for r in before.recalls if r.covers(before.cycle))
        order = earliest(orders)
        kept = None if order is None else ("recalled", order)
    if kept is not None and kept[1].at < left.at:
        word, decided = kept
        duty.mark(
            duty.part("that nothing kept it back when it left", "发出时未被扣留"), False,
            say("{at}: {word}; it left {left}", "{at}{zh}；{left}发出", at=case.clock(decided.at),
                word=word, zh=in_chinese(word), left=case.clock(left.at)),
            decided, left,
        )  # fmt: skip


def _emergency(duty: Duty, cycle: Cycle, release: Event) -> None:
    reason = duty.part("the reason of the early release", "提前放行的原因")
    if release.fact("reason"):
        duty.mark(
            reason, True, say("its reason is recorded", "已记录提前放行原因"), release,
            facts=("reason",),
        )  # fmt: skip
    indicator = duty.part(
        "that a class-5 indicator in a challenge device passed", "PCD内第5类化学指示物合格"
    )
    entry = cycle.result("lumen_pcd")
    if entry is not None and entry.fact("word") in {"pass", "fail"}:
        duty.mark(
            indicator, entry.fact("word") == "pass",
            say(
                "the indicator in the challenge device: {word}", "PCD内指示物结果：{zh}",
                word=entry.fact("word"), zh=in_chinese(entry.fact("word")),
            ),
            entry, facts=("word",),
        )  # fmt: skip


# ---------------------------------------------------------------- 3


def _is_test(case: Case, cycle: Cycle) -> bool:
    """Whether it is a Bowie-Dick test itself."""
    return cycle.word("bowie_dick") in {"pass", "fail"} and release_of(case) is None


def _bowie_dick(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None or cycle.machine.is_pre_vacuum is False:
        return
    if cycle.machine.process not in {None, "steam"} or _is_test(case, cycle):
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    part = duty.part(
        "that a Bowie-Dick test passed that day before the load", "当日首锅前B-D试验合格"
    )
    began = cycle.opened.at
    for each in case.run:
        entry = each.result("bowie_dick")
        if entry is None or entry.fact("word") not in {"pass", "fail"}:
            continue
        if case.day(each.ran_at) != case.day(began) or each.number >= cycle.number:
            continue
        part.marks.clear()  # the newest test before the load is the one that counts
        duty.mark(
            part, entry.fact("word") == "pass",
            say(
                "cycle {n}, Bowie-Dick: {word}", "第{n}号批次B-D试验：{zh}", n=each.number,
                word=entry.fact("word"), zh=in_chinese(entry.fact("word")),
            ),
            entry, facts=("word",),
        )  # fmt: skip
    yield duty


# ---------------------------------------------------------------- 4


def _biological_in(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None:
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    implant = cycle.opened.fact("holds_implant")
    if implant is True:
        part = duty.part(
            "that an indicator was in the load with the implant", "植入物批次放置了生物指示物"
        )
        if cycle.has_biological is not None:
            duty.mark(
                part, cycle.has_biological,
                say("the load holds an implant; biological indicator: {yes}",
                    "该批次含植入物；生物指示物：{zh}",
                    yes="in it" if cycle.has_biological else "not in it",
                    zh="已放置" if cycle.has_biological else "未放置"),
                cycle.result("biological") or cycle.opened,
                facts=("biological_indicator", "holds_implant"),
            )  # fmt: skip
        yield duty
        return
    part = duty.part("that a biological indicator ran as often as required", "生物监测频次符合要求")
    process = cycle.machine.process
    if process is not None:
        allowed = case.terms_at(cycle.ran_at).duration(f"biological_interval_{process}")
        tested = _last_tested(case, cycle, allowed)
        if tested is not None:
            duty.mark(
                part, True,
                say("a biological indicator was in cycle {n} of {at}",
                    "第{n}号批次（{at}）放置了生物指示物",
                    n=tested.number, at=case.clock(tested.ran_at)),
                tested.result("biological") or tested.opened, facts=("biological_indicator",),
            )  # fmt: skip
        elif cycle.has_biological is False and not allowed:
            duty.mark(
                part, False, say("no indicator was in it", "该批次未放置生物指示物"), cycle.opened,
                facts=("biological_indicator",),
            )  # fmt: skip
    yield duty


def _last_tested(case: Case, cycle: Cycle, allowed: timedelta) -> Cycle | None:
    """The newest cycle with an indicator, its own included, no longer ago than is allowed."""
    tested = [
        each for each in case.run
        if each.number <= cycle.number and each.has_biological
        and cycle.ran_at - each.ran_at <= allowed
    ]  # fmt: skip
    return tested[-1] if tested else None


# ---------------------------------------------------------------- 5


def read_window(case: Case, cycle: Cycle) -> tuple[datetime, timedelta]:
    """When its biological result is due, and how far from it a reading still counts."""
    entries = [r for r in cycle.results if r.fact("result") == "biological"]
    begun = [m for r in entries if (m := r.moment("incubated_at")) is not None]
    since = min(begun, default=cycle.ran_at)
    terms = case.terms_at(since)
    due = since + terms.duration("biological_reading")
    return due, terms.duration("biological_reading_tolerance")


def read_at(entry: Event) -> datetime:
    """When a result was read, whenever it was typed."""
    return entry.moment("read_at") or entry.at


def _biological_read(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None or not cycle.has_biological:
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    due, tolerance = read_window(case, cycle)
    latest = entered = due + tolerance
    for outage in duty.covering(due, latest):
        entered = max(entered, ends(case, outage) + tolerance)
    duty.due = due
    part = duty.part("that the biological result was read", "已判读生物监测结果")
    entry = cycle.result("biological")
    if entry is not None and entry.fact("word") in {"pass", "fail"}:
        at = read_at(entry)
        early = at < due - tolerance and entry.fact("word") == "pass"
        # an outage puts off the entry, and no reading of which the time was noted
        is_noted = entry.moment("read_at") is not None
        duty.mark(
            part, not early and at <= (latest if is_noted else entered),
            say("read {at}: {word}; due {due}, {minutes} min more or less",
                "{at}判读：{zh}；应于{due}判读，允许前后{minutes}分钟",
                at=case.clock(at), word=entry.fact("word"), due=case.clock(due),
                zh=in_chinese(entry.fact("word")), minutes=int(tolerance.total_seconds()) // 60),
            entry, facts=("word", "read_at", "incubated_at"),
        )  # fmt: skip
    elif case.as_of <= entered:
        part.open_until = due
    if entry is not None and entry.fact("word") == "invalid":
        duty.mark(
            part, Stance.BESIDE,
            say("what was read is invalid and says nothing", "判读结果无效，不能说明灭菌效果"), entry,
            facts=("word", "control"),
        )  # fmt: skip
    yield duty


# ---------------------------------------------------------------- 8


def _chemical(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None or cycle.ended is None or _is_test(case, cycle):
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    for names, en, zh in (
        (("chemical_external",), "the indicator outside the packages", "包外化学指示物"),
        (
            ("chemical_internal", "lumen_pcd"),
            "the indicator in the test pack",
            "测试包内化学指示物",
        ),
    ):
        part = duty.part(f"what {en} showed", f"{zh}的结果")
        for entry in filter(None, map(cycle.result, names)):
            word = entry.fact("word")
            if word == "not_required":
                part.excused = say("{en} was not required", "不要求{zh}", en=en, zh=zh)
            elif word in {"pass", "fail"}:
                release = release_of(case)
                if word == "pass" or _is_excluded(case):
                    release = None
                issued = Say(en="", zh="") if release is None else say(
                    "; released {at}", "；{at}放行", at=case.clock(release.at)
                )  # fmt: skip
                duty.mark(
                    part, release is None,
                    say("{en}: {word}{issued}", "{zh}：{wort}{issued_zh}", en=en, zh=zh, word=word,
                        wort=in_chinese(word), issued=issued.en, issued_zh=issued.zh),
                    entry, release, facts=("result", "word"),
                )  # fmt: skip
    yield duty


def _is_excluded(case: Case) -> bool:
    """Whether it was left out before it could go anywhere."""
    excluded, left = case.first(Deed.EXCLUDED), left_at(case)
    return excluded is not None and (left is None or excluded.order < left.order)


# ---------------------------------------------------------------- 9


def _dry(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None or cycle.ended is None:
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    part = duty.part("whether it was dry at unloading", "卸载时是否干燥")
    left = left_at(case)
    for unloaded in case.all(Deed.UNLOADED):
        dry = unloaded.fact("dry")
        if dry is True:
            duty.mark(
                part, True, say("dry at unloading", "卸载时干燥"), unloaded, facts=("dry",)
            )  # fmt: skip
        elif dry is False and (_is_excluded(case) or left is None):
            duty.mark(
                part, True,
                say("wet at unloading, and not issued", "卸载时潮湿，未发放"),
                unloaded, case.first(Deed.EXCLUDED), facts=("dry",),
            )  # fmt: skip
        elif dry is False:
            duty.mark(
                part, False, say("wet at unloading, and issued", "卸载时潮湿，仍予发放"),
                unloaded, left, facts=("dry",),
            )  # fmt: skip
    for wet in case.all(Deed.WET):
        if wet.unit != duty.holder:
            duty.mark(
                part, Stance.BESIDE,
                say("{unit} found it wet at {at}", "{unit}于{at}发现潮湿",
                    unit=case.code(wet.unit), at=case.clock(wet.at)),
                wet,
            )  # fmt: skip
    yield duty


# ---------------------------------------------------------------- 12


def _in_service(case: Case) -> Iterator[Duty]:
    cycle = case.cycle
    if cycle is None:
        return
    duty = Duty(case, cycle.unit, since=cycle.ran_at)
    part = duty.part("that the machine was in service", "灭菌器处于正常使用状态")
    state = cycle.opened.fact("machine.state")
    if state is not None:
        duty.mark(
            part, state == "in_service",
            say("the machine was {state}", "灭菌器状态：{zh}", state=str(state).replace("_", " "),
                zh=in_chinese(state)),
            cycle.opened, facts=("machine.state",),
        )  # fmt: skip
    repaired = [
        m for m in case.maintenance
        if m.fact("work") in {"repair", "move"} and m.at <= cycle.opened.at
        and m.unit == cycle.unit and m.fact("asset") == cycle.machine.id
    ]  # fmt: skip
    # a run that served nobody may be one of the three passes itself
    if repaired and (release_of(case) or left_at(case)):
        _requalified(duty, cycle, max(repaired, key=lambda m: m.order))
    yield duty


def _requalified(duty: Duty, cycle: Cycle, repair: Event) -> None:
    needed = duty.case.terms_at(repair.at).threshold("requalification_passes")
    part = duty.part(
        f"that {needed} biological passes followed the repair or move",
        f"维修或移位后连续{needed}次生物监测合格",
    )
    in_a_row = 0
    between = [c for c in duty.case.run if repair.at <= c.opened.at and c.number < cycle.number]
    failed: Event | None = None
    for each in between:
        word = each.word("biological")
        in_a_row = in_a_row + 1 if word == "pass" else 0
        failed = each.result("biological") if word == "fail" else failed
        if in_a_row >= needed:
            duty.mark(
                part, True,
                say("{n} passes up to cycle {number}", "至第{number}号批次连续{n}次合格",
                    n=needed, number=each.number),
                repair, each.result("biological"), facts=("word",),
            )  # fmt: skip
            return
    if failed is not None:
        duty.mark(
            part, False,
            say("a test after the repair failed, and three passes did not follow",
                "维修后监测不合格，其后未连续三次合格"),
            repair, failed, facts=("word",),
        )  # fmt: skip


# ---------------------------------------------------------------- why one does not apply


def _otherwise(en: str, zh: str) -> Callable[[Case], Say]:
    """That no cycle is known where that is so; else what is said."""
    return lambda case: NO_CYCLE if case.cycle is None else Say(en=en, zh=zh)


_NOT_ENDED = _otherwise("no end of its cycle is recorded", "其批次无结束记录")
_TEST = say("it is a Bowie-Dick test itself", "该批次即B-D试验")


def _no_load(case: Case) -> Say:
    is_test = case.cycle is not None and _is_test(case, case.cycle)
    return _TEST if is_test else _NOT_ENDED(case)


def _no_vacuum(case: Case) -> Say:
    if case.cycle is None:
        return NO_CYCLE
    if _is_test(case, case.cycle):
        return _TEST
    if case.cycle.machine.is_pre_vacuum is False:
        return say("the machine draws no vacuum first", "非预真空灭菌器")
    return say("the machine is no steam steriliser", "非压力蒸汽灭菌器")


def _no_biological(case: Case) -> Say:
    if case.cycle is None:
        return NO_CYCLE
    if case.cycle.has_biological is None:
        return say("no biological indicator is recorded in it", "无该批次放置生物指示物的记录")
    return say("no biological indicator was in it, as recorded", "据记录该批次未放置生物指示物")


# ---------------------------------------------------------------- as data

RULES = (
    Rule(
        id="1", title=say("Physical values", "物理监测"),
        words=say("The physical values lie within the profile before release, and the right "
                  "programme ran for what was in it.",
                  "放行前物理参数符合程序要求，且所用程序适合所装载物品。"),
        source="WS 310.3-2016", clause="4.4.1?", requires_record=True, holder="steriliser",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        otherwise=_otherwise("no release is recorded", "无放行记录"), judge=_physical,
    ),
    Rule(
        id="2", title=say("Release", "放行"),
        words=say("A signer with the right to decide released it before it was sent; an early "
                  "release has its reason and a class-5 indicator.",
                  "发出前由有权人员放行；提前放行须有原因及第5类化学指示物。"),
        source="WS 310.3-2016", clause="4.4.2?", requires_record=True, holder="decider",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        otherwise=_otherwise("neither a release nor a sending is recorded", "无放行记录，亦无发出记录"), judge=_decided,
    ),
    Rule(
        id="3", title=say("Bowie-Dick test", "B-D试验"),
        words=say("On machines that draw a vacuum first, a Bowie-Dick test passed that day before "
                  "the first load.", "预真空灭菌器当日首锅前B-D试验合格。"),
        source="WS 310.3-2016", clause="4.4.1.5?", requires_record=True, holder="steriliser",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        otherwise=_no_vacuum, judge=_bowie_dick,
    ),
    Rule(
        id="4", title=say("Biological indicator", "生物监测频次"),
        words=say("A biological indicator runs as often as required, and in every load with an "
                  "implant.", "按规定频次进行生物监测，植入物每批次监测。"),
        source="WS 310.3-2016", clause="4.4.2.3?", requires_record=True, holder="steriliser",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        terms=("biological_interval_steam", "biological_interval_hydrogen_peroxide",
               "biological_interval_ethylene_oxide"),
        otherwise=NO_CYCLE, judge=_biological_in,
    ),
    Rule(
        id="5", title=say("Biological result", "生物监测结果"),
        words=say("The biological result is read in time and entered.", "按时判读并录入生物监测结果。"),
        source="the indicator's maker; WS 310.3-2016", clause="4.4.2.3?", requires_record=True,
        holder="steriliser", applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        terms=("biological_reading", "biological_reading_tolerance"),
        otherwise=_no_biological,
        judge=_biological_read,
    ),
    Rule(
        id="8", title=say("Chemical indicators", "化学监测"),
        words=say("Chemical indicators outside the packages and in the test pack are entered, and "
                  "what failed is not issued.", "录入包外及测试包内化学指示物结果，不合格者不得发放。"),
        source="WS 310.3-2016", clause="4.4.2.2?", requires_record=True, holder="steriliser",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        otherwise=_no_load,
        judge=_chemical,
    ),
    Rule(
        id="9", title=say("Dryness", "湿包"),
        words=say("Wetness is checked at unloading, and wet packs are not issued.",
                  "卸载时检查有无湿包，湿包不得发放。"),
        source="WS 310.2-2016", clause="5.9?", requires_record=True, holder="steriliser",
        applies_to=frozenset({SubjectKind.PACKAGE}), area=Area.CYCLE, is_critical=True,
        otherwise=_NOT_ENDED,
        judge=_dry,
    ),
    Rule(
        id="12", title=say("Machine in service", "设备状态"),
        words=say("The machine was in service; after a repair or move three biological passes came "
                  "first.", "灭菌器处于正常使用状态；维修或移位后须连续三次生物监测合格。"),
        source="WS 310.3-2016", clause="4.4.3?", requires_record=True, holder="steriliser",
        applies_to=OF_A_CYCLE, area=Area.CYCLE, is_critical=True,
        terms=("requalification_passes",), otherwise=NO_CYCLE, judge=_in_service,
    ),
)  # fmt: skip
