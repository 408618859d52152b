"""Duties to the instruments and of who uses them: 10, 11, 18, 20, 21, 23, 24, 25, 27 and 28."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ledger.domain.duties.case import Area, Case, Deed, Event, How, SubjectKind
from ledger.domain.duties.findings import (
    Duty,
    Ground,
    Part,
    Rule,
    Say,
    Stance,
    entered_later,
    in_chinese,
    say,
)
from ledger.domain.duties.interval import Interval, intervals, seen_again
from ledger.domain.duties.rules.transport import expires_at, last_use

_PACKAGE = frozenset({SubjectKind.PACKAGE})
_THING = _PACKAGE | {SubjectKind.ASSET}
#: what a unit reports of a defect; it is never turned against whoever reports it
DEFECTS = frozenset({Deed.WET, Deed.DAMAGED, Deed.MISSING, Deed.FOUND, Deed.NOT_USED})
#: what says nothing of who acted: reports of defects, and what an administrator entered
_ASIDE = DEFECTS | {Deed.REGISTERED}
#: keys that one person holds
_PERSONAL = frozenset({"device", "hardware"})


def _yes(  # noqa: PLR0913, PLR0917 - a fact, and its words
    duty: Duty, part: Part, event: Event, name: str, en: str, zh: str
) -> None:
    """A fact that is true or false speaks for itself."""
    value = event.fact(name)
    if isinstance(value, bool):
        duty.mark(
            part, value,
            say("{en}: {yes}", "{zh}：{ja}", en=en, zh=zh, yes="yes" if value else "no",
                ja="是" if value else "否"),
            event, facts=(name,),
        )  # fmt: skip


# ---------------------------------------------------------------- 10


def _washed(case: Case) -> Iterator[Duty]:
    assembled = case.first(Deed.ASSEMBLED, Deed.LOADED)
    if assembled is None:
        return
    washed = [w for w in case.all(Deed.WASHED) if w.order < assembled.order]
    holder = washed[-1].unit if washed else assembled.unit
    duty = Duty(case, holder, since=assembled.at)
    part = duty.part("that it was washed with A0 met", "清洗消毒且A0值达标")
    for each in washed[-1:]:
        verdict = each.fact("a0")
        if verdict in {"met", "not_met"}:
            duty.mark(
                part, verdict == "met",
                say("washed {at}, A0 {word}", "{at}清洗，A0值{zh}", at=case.clock(each.at),
                    word=str(verdict).replace("_", " "),
                    zh="达标" if verdict == "met" else "未达标"),
                each, facts=("a0",),
            )  # fmt: skip
    yield duty


# ---------------------------------------------------------------- 11


def _assembled(case: Case) -> Iterator[Duty]:
    packed = case.first(Deed.ASSEMBLED)
    if packed is None:
        return
    duty = Duty(case, packed.unit, since=packed.at)
    count, expected = packed.number("count"), packed.number("expected")
    sheet = duty.part("that the count sheet was complete", "清点单完整")
    if count is not None and expected is not None:
        duty.mark(
            sheet, count == expected,
            say("{n} of {all} on the count sheet", "清点单应有{all}件，实有{n}件", n=count,
                all=expected),
            packed, facts=("count", "expected"),
        )  # fmt: skip
    second = duty.part("that a second person checked it", "经第二人核对")
    if packed.fact("second_person") is True:
        _yes(duty, second, packed, "second_person", "checked by a second person", "经第二人核对")
    elif packed.fact("alone_on_shift") is True:
        second.excused = say("alone on shift, and said so", "当班仅一人，已说明")
    elif not case.terms_at(packed.at).needs_second_person(packed.unit):
        second.excused = say(
            "two-person rules do not hold for {unit}", "{unit}不适用双人核对规定",
            unit=case.code(packed.unit),
        )  # fmt: skip
    seal = duty.part("that the seal test of that day passed", "当日封口测试合格")
    if packed.fact("heat_sealed") is False:
        seal.excused = say("it was not heat-sealed", "非热封包装")
    tests = [
        test for test in case.all(Deed.SEAL_TESTED, unit=packed.unit)
        if case.day(test.at) == case.day(packed.at)
    ]  # fmt: skip
    # the last one before it was packed counts: after a failure the sealer is set and tried again
    before = [test for test in tests if test.at <= packed.at]
    for test in before[-1:] or tests[:1]:
        _yes(duty, seal, test, "passed", "seal test of the day passed", "当日封口测试合格")
    for opened in case.all(Deed.OPENED, Deed.USED):
        if opened.fact("indicator") == "missing":
            duty.mark(
                sheet, Stance.BESIDE,
                say("{unit} found no indicator inside at {at}", "{unit}于{at}未见包内指示物",
                    unit=case.code(opened.unit), at=case.clock(opened.at)),
                opened, facts=("indicator",),
            )  # fmt: skip
    yield duty


# ---------------------------------------------------------------- 18


def _checked(case: Case) -> Iterator[Duty]:
    label = expires_at(case)
    for used in case.all(Deed.USED):
        duty = Duty(case, used.unit, since=used.at)
        expiry = duty.part("that it was used before it expired", "在有效期内使用")
        if label is not None:
            timely = duty.timely(used.when, label[1])
            legible = used.fact("label") == "legible"
            if timely is True or (timely is False and legible):
                words = _used_at(case, used, label[1], timely=timely, legible=legible)
                duty.mark(expiry, timely, words, used, facts=("label",))
                # the label's own record stands beside it; what it says is in the sentence
                duty.mark(expiry, Stance.BESIDE, words, label[0], facts=("expires_at",))
            elif timely is False:
                duty.mark(
                    expiry, Stance.BESIDE,
                    say("used {at}; {end} by the label that {unit} made; whether it could be read "
                        "is not entered", "{at}使用；按{unit}制作的标签{zh}；标签是否可辨未录入",
                        at=case.clock(used.at), unit=case.code(label[0].unit),
                        **last_use(case, label[1])),
                    used, label[0], facts=("label", "expires_at"),
                )  # fmt: skip
        whole = duty.part("that it was intact", "包装完好")
        opened = case.last(Deed.OPENED, unit=used.unit) or used
        for source in (used,) if opened is used else (opened, used):
            if source.fact("integrity") in {"intact", "broken"}:
                duty.mark(
                    whole, source.fact("integrity") == "intact",
                    say("the package was {how}", "包装{zh}", how=source.fact("integrity"),
                        zh=in_chinese(source.fact("integrity"))),
                    source, facts=("integrity",),
                )  # fmt: skip
        yield duty


def _used_at(case: Case, used: Event, end: datetime, *, timely: bool, legible: bool) -> Say:
    shown = case.clock(end)
    is_day = shown.endswith("23:59")
    return say(
        "used {at}, {how} {what}, {end}{legible}", "{at}使用，{wie}{was}{end}{zh}",
        at=case.clock(used.at), end=shown[:10] if is_day else shown,
        how="not after" if timely else "after", wie="未超过" if timely else "已过",
        what="its last day of use" if is_day else "its last moment of use",
        was="最后可用日" if is_day else "最后可用时间",
        legible="; its label was entered as legible" if legible else "",
        zh="；标签录入为可辨" if legible else "",
    )  # fmt: skip


# ---------------------------------------------------------------- 20


#: what was found of the indicator inside; that none was there was looked at as well
_SHOWN = frozenset({"pass", "fail", "missing"})


def _use_recorded(case: Case) -> Iterator[Duty]:
    for used in case.all(Deed.USED):
        duty = Duty(case, used.unit, since=used.at)
        opened = case.last(Deed.OPENED, unit=used.unit) or used
        inside = duty.part("what the indicator inside showed", "包内化学指示物结果")
        shown = next((e for e in (used, opened) if e.fact("indicator") in _SHOWN), None)
        if shown is not None:
            # who looked and found none did look; what that says of the assembly stands there
            duty.mark(
                inside, shown.fact("indicator") != "fail",
                say("the indicator inside the package: {word}; the package was used {at}",
                    "包内指示物：{zh}；该包于{at}使用", word=shown.fact("indicator"),
                    zh=in_chinese(shown.fact("indicator")), at=case.clock(used.at)),
                shown, used, facts=("indicator",),
            )  # fmt: skip
        token = duty.part("for which case it was used", "用于哪一病例（代码）")
        if used.fact("case_kept_back") is True:
            token.excused = say(
                "the token of a case is shown to its own unit alone", "病例代码仅供使用单位查阅"
            )
        if used.fact("case_token"):
            duty.mark(
                token, True, say("its use is recorded with a case token", "使用登记有病例代码"), used,
                facts=("case_token",),
            )  # fmt: skip
        counted = duty.part("that it was counted at opening", "开包时清点")
        count = next((e for e in (opened, used) if e.number("count") is not None), None)
        if count is not None:
            duty.mark(
                counted, True,
                say("instruments counted: {n} of {all}", "清点器械：应有{all}件，实有{n}件",
                    n=count.fact("count"), all=count.fact("expected") or "–"),
                count, facts=("count", "expected"),
            )  # fmt: skip
        if How.PAPER in {used.how, used.when.how if used.when else used.how}:
            duty.mark(
                token, Stance.BESIDE,
                entered_later(case, used), used,
            )  # fmt: skip
        yield duty


# ---------------------------------------------------------------- 21


def _soiled_returned(case: Case) -> Iterator[Duty]:
    returned = [c for c in case.consignments if c.purpose == "soiled"]
    opened = case.last(Deed.USED) or case.last(Deed.OPENED)
    for each in returned:
        sent = each.step(Deed.DISPATCHED)
        if sent is None:
            continue
        duty = Duty(case, each.giver, since=sent.at, of=each.name)
        own = case.all(Deed.OPENED, Deed.USED, unit=each.giver)
        _in_time(duty, opened if opened and opened.unit == each.giver else None, sent)
        for name, en, zh in (
            ("closed", "closed", "密闭"),
            ("pretreated", "pre-treated", "预处理"),
        ):
            part = duty.part(f"that it was {en}", f"已{zh}")
            for told in (sent, *own, *case.all(Deed.SOILED_COUNTED)):
                _yes(duty, part, told, name, en, zh)
        infection = duty.part("whether a special infection was declared", "是否说明特殊感染")
        for told in (sent, *own):
            if told.fact("special_infection") is not None:
                duty.mark(
                    infection, True,
                    say("whether there was a special infection was declared", "已说明有无特殊感染"),
                    told, facts=("special_infection",),
                )  # fmt: skip
        yield duty
    if not returned and opened is not None and opened.deed is Deed.USED:
        yield _back(case, opened)


def _back(case: Case, opened: Event) -> Duty:
    """What is cleaned where it was used travels in no box."""
    duty = Duty(case, opened.unit, since=opened.at)
    due = duty.deadline(opened.at, "soiled_return", of_record=False)
    part = duty.part("that it was returned", "已回收")
    came = [e for e in case.all(Deed.SOILED_COUNTED, Deed.WASHED) if e.order > opened.order]
    for back in came[:1]:
        timely = duty.timely(back.when, due)
        if timely is not None:
            duty.mark(
                part, timely,
                say("used {a}, received soiled by {unit} {b}; due {due}",
                    "{a}使用，{b}由{unit}接收；截止{due}", a=case.clock(opened.at),
                    b=case.clock(back.at), unit=case.code(back.unit), due=case.clock(due)),
                opened, back,
            )  # fmt: skip
    if not came:
        duty.leave_open(part, due)
    return duty


def _in_time(duty: Duty, opened: Event | None, sent: Event) -> None:
    part = duty.part("when it was used and when it was returned", "使用与回收时间")
    if opened is None:
        part.excused = say("its use is not recorded here", "未记录其使用")
        return
    due = duty.deadline(opened.at, "soiled_return", of_record=False)
    timely = duty.timely(sent.when, due)
    if timely is not None:
        duty.mark(
            part, timely,
            say("opened {a}, returned {b}; due {due}", "{a}开包，{b}送回；截止{due}",
                a=duty.case.clock(opened.at), b=duty.case.clock(sent.at),
                due=duty.case.clock(due)),
            opened, sent,
        )  # fmt: skip


# ---------------------------------------------------------------- 23


def _maintained(case: Case) -> Iterator[Duty]:
    for used in case.all(Deed.USED):
        duty = Duty(case, case.owner, since=used.at)
        part = duty.part("that maintenance and calibration were in date", "维护与校准在有效期内")
        done = {
            # a calibration that is due is not put off by other work
            m.fact("work") == "calibration": m
            for m in sorted(case.maintenance, key=lambda m: m.order)
            if m.unit == case.owner
            and m.at <= used.at
            and m.fact("asset") == case.id
            and m.moment("next_due") is not None
        }
        for is_calibration, last in done.items():
            due = last.moment("next_due")
            timely = None if due is None else duty.timely(used.when, due)
            if due is not None and timely is not None:
                duty.mark(
                    part, timely,
                    say("used {at}; next {what} due {due}", "{at}使用；下次{zh}应于{due}",
                        at=case.clock(used.at), due=case.clock(due),
                        what="calibration" if is_calibration else "maintenance",
                        zh="校准" if is_calibration else "维护"),
                    last, facts=("next_due",),
                )  # fmt: skip
                duty.mark(part, Stance.BESIDE, say("its use", "使用记录"), used)
        _unfit(duty, part, used)
        yield duty


def _unfit(duty: Duty, part: Part, used: Event) -> None:
    """That its owner found it unfit stands beside: the owner looked, and another may have used it."""
    case = duty.case
    looks = [
        m for m in case.maintenance
        if m.unit == case.owner and m.at <= used.at and m.fact("asset") == case.id
    ]  # fmt: skip
    last = max(looks, key=lambda m: m.order, default=None)
    if last is not None and last.fact("outcome") == "not_fit_for_use":
        duty.mark(
            part, Stance.BESIDE,
            say("{unit} found it not fit for use at {at}", "{unit}于{at}判定其不宜使用",
                unit=case.code(last.unit), at=case.clock(last.at)),
            last, facts=("outcome",),
        )  # fmt: skip


# ---------------------------------------------------------------- 24


def _reported(case: Case) -> Iterator[Duty]:
    for interval in intervals(case):
        bad = interval.first_bad
        if bad.deed is Deed.UNLOADED:
            continue
        reporter = Duty(case, bad.unit, since=bad.at, of=interval.what)
        part = reporter.part("that it was reported", "已报告")
        due = reporter.deadline(bad.at, "damage_report", of_record=True)
        late = bad.source.known > due
        reporter.mark(
            part, True,
            say("seen {at}, reported {known}{late}", "{at}发现，{known}报告{zh}",
                at=case.clock(bad.at), known=case.clock(bad.source.known),
                late=" (after the agreed time)" if late else "", zh="（晚于约定时间）" if late else ""),
            bad, ground=Ground.OWN,
        )  # fmt: skip
        yield reporter
        if interval.what is not Deed.MISSING:
            continue
        for unit in dict.fromkeys(h.unit for h in interval.held):
            if unit != bad.unit:
                yield _asked(case, unit, interval)


def _asked(case: Case, unit: int, interval: Interval) -> Duty:
    """A holder before the loss was seen says what it knows, once it was told."""
    bad, again = interval.first_bad, seen_again(case, interval)
    duty = Duty(case, unit, since=bad.source.known, of=Deed.MISSING)
    due = duty.deadline(bad.source.known, "damage_report", of_record=True)
    part = duty.part("what became of it", "缺件去向")
    answers = [e for e in case.all(Deed.FOUND, Deed.MISSING, unit=unit) if e.order > bad.order]
    if answers:
        duty.mark(
            part, True,
            say("{unit} answered {at}: {what}", "{unit}于{at}答复：{zh}", unit=case.code(unit),
                at=case.clock(answers[0].at), what=answers[0].deed.value,
                zh="已找到" if answers[0].deed is Deed.FOUND else "缺失"),
            answers[0],
        )  # fmt: skip
    elif again is not None:
        part.excused = say("{unit} saw it again {at}", "{at}{unit}再次见到", unit=case.code(again.unit),
                           at=case.clock(again.at))  # fmt: skip
    else:
        duty.leave_open(part, due)
    return duty


# ---------------------------------------------------------------- 25


def _signed_by_who_acted(case: Case) -> Iterator[Duty]:
    acts: dict[int, list[Event]] = {}
    for event in _acts(case):
        acts.setdefault(event.unit, []).append(event)
    for unit, events in sorted(acts.items()):
        duty = Duty(case, unit, since=min(e.at for e in events))
        for signer in sorted({e.source.signer for e in events}):
            _by_key(duty, signer, [e for e in events if e.source.signer == signer])
        yield duty


def _acts(case: Case) -> Iterator[Event]:
    """What was signed with hands on it; reports of defects and what is about others apart."""
    cycle = case.cycle
    decided = () if cycle is None else (cycle.opened, *cycle.decisions)
    steps = (step for c in case.consignments for step in c.steps)
    of_recall = (
        event for r in case.recalls if case.kind is SubjectKind.RECALL
        for event in (r.order, *r.steps) if event.deed is not Deed.REACHED
    )  # fmt: skip
    for event in (*case.history, *decided, *steps, *of_recall):
        if event.source.unit == event.unit and event.deed not in _ASIDE:
            yield event


def _by_key(duty: Duty, signer: str, events: list[Event]) -> None:
    deeds = list(dict.fromkeys(e.deed for e in events))
    part = duty.part(
        f"who then held the key {signer[:10]}, which signed: "
        + ", ".join(each.value.replace("_", " ") for each in deeds),
        f"当时由谁使用密钥{signer[:10]}（签署：{'、'.join(in_chinese(each) for each in deeds)}）",
    )
    if all(e.source.custody in _PERSONAL for e in events):
        duty.mark(
            part, True, say("a key that one person holds", "个人持有的密钥"), *events[:1],
            ground=Ground.OWN,
        )  # fmt: skip
        return
    shifts = [s for s in duty.case.shifts if s.unit == duty.holder and s.fact("signer") == signer]
    open_: list[Event] = []
    over: list[Event] = []
    silent: list[Event] = []
    for event in events:
        if event.how is How.PAPER or (event.when is not None and event.when.how is How.PAPER):
            continue  # who typed it is not who did it
        signed = event.source.signed
        began = [s for s in shifts if (s.moment("begun_at") or s.at) <= signed]
        ended = [s.moment("ended_at") for s in began]
        if any(end is None or signed <= end for end in ended):
            open_.append(event)
        elif began and not duty.covering(signed, signed):
            over.append(event)
        else:
            silent.append(event)
    if over:
        duty.mark(
            part, False,
            say("signed {at}, after its shift had ended", "{at}签署，晚于班次结束",
                at=duty.case.clock(over[0].source.signed)),
            *over, *shifts, ground=Ground.OWN,
        )  # fmt: skip
    elif open_ and not silent:
        duty.mark(
            part, True, say("its shift was open", "班次在进行中"), *open_, *shifts,
            ground=Ground.OWN,
        )  # fmt: skip


# ---------------------------------------------------------------- 27


def _soiled_counted(case: Case) -> Iterator[Duty]:
    for each in (c for c in case.consignments if c.purpose == "soiled"):
        received = each.step(Deed.RECEIVED)
        if received is None:
            continue
        duty = Duty(case, each.receiver, since=received.at, of=each.name)
        part = duty.part("that it was counted the same day", "当日清点")
        second = duty.part("that a second person counted", "经第二人清点")
        counts = [
            c for c in case.all(Deed.SOILED_COUNTED, unit=each.receiver)
            if c.order > received.order and c.number("count") is not None
        ]  # fmt: skip
        if not counts and case.day(case.as_of) == case.day(received.at):
            part.open_until = second.open_until = case.as_of
        for counted in counts[:1]:
            same = case.day(counted.at) == case.day(received.at)
            duty.mark(
                part, same,
                say("received {a}, counted {b}: {n} of {all}",
                    "{a}接收，{b}清点：应有{all}件，实有{n}件", a=case.clock(received.at),
                    b=case.clock(counted.at), n=counted.fact("count"),
                    all=counted.fact("expected")),
                received, counted, facts=("count", "expected"), ground=Ground.OWN,
            )  # fmt: skip
            _second(duty, second, counted)
            _told(duty, counted)
        yield duty


def _second(duty: Duty, part: Part, counted: Event) -> None:
    if counted.fact("second_person") is True:
        _yes(duty, part, counted, "second_person", "a second person counted", "经第二人清点")
    elif counted.fact("alone_on_shift") is True:
        part.excused = say("alone on shift, and said so", "当班仅一人，已说明")
    elif not duty.case.terms_at(counted.at).needs_second_person(duty.holder):
        part.excused = say("two-person rules do not hold for it", "不适用双人清点规定")


def _told(duty: Duty, counted: Event) -> None:
    count, expected = counted.number("count"), counted.number("expected")
    if count is None or expected is None or count == expected:
        return
    due = duty.deadline(counted.at, "differences_told", of_record=True)
    part = duty.part("that the difference was told in time", "按时告知差异")
    duty.mark(
        part, Stance.FOR if counted.source.known <= due else Stance.BESIDE,
        say("told {at}; due {due}", "{at}告知；截止{due}",
            at=duty.case.clock(counted.source.known), due=duty.case.clock(due)),
        counted, ground=Ground.CHAIN,
    )  # fmt: skip


# ---------------------------------------------------------------- 28


def _stored(case: Case) -> Iterator[Duty]:
    flash = case.cycle is not None and case.cycle.opened.fact("flash") is True
    for stored in case.all(Deed.STORED):
        duty = Duty(case, stored.unit, since=stored.at)
        part = duty.part("in which conditions it was stored", "储存条件")
        conditions = stored.fact("conditions")
        if conditions in {"within", "outside"}:
            duty.mark(
                part, conditions == "within",
                say("stored {how} the conditions", "储存条件{zh}", how=conditions,
                    zh="符合" if conditions == "within" else "不符合"),
                stored, facts=("conditions",),
            )  # fmt: skip
        yield duty
    ended = None if case.cycle is None else case.cycle.ended
    for used in case.all(Deed.USED) if flash and ended is not None else ():
        duty = Duty(case, used.unit, since=used.at, of="flash")
        due = duty.deadline(ended.at if ended else used.at, "flash_use", of_record=False)
        part = duty.part(
            "that it was used within the time for flash sterilisation", "快速灭菌物品限时使用"
        )
        timely = duty.timely(used.when, due)
        if timely is not None:
            duty.mark(
                part, timely,
                say("used {at}; due {due}", "{at}使用；截止{due}", at=case.clock(used.at),
                    due=case.clock(due)),
                used,
            )  # fmt: skip
        yield duty


# ---------------------------------------------------------------- as data

_NO_USE = say("no use is recorded", "无使用记录")

RULES = (
    Rule(
        id="10", title=say("Washed", "清洗消毒"),
        words=say("It was washed with A0 met before assembly.", "装配前经清洗消毒且A0值达标。"),
        source="WS 310.2-2016; EN ISO 15883-1", clause="5.5?", requires_record=True,
        holder="cleaner", applies_to=_PACKAGE, area=Area.PACKAGE, is_critical=True,
        otherwise=say("neither its assembly nor its loading is recorded", "无装配记录，亦无装载记录"), judge=_washed,
    ),
    Rule(
        id="11", title=say("Assembled", "检查包装"),
        words=say("The count sheet is complete at assembly, a second person checked where required, "
                  "and the seal test of the day passed.",
                  "装配时清点单完整，按规定双人核对，当日封口测试合格。"),
        source="WS 310.2-2016", clause="5.7?", requires_record=True, holder="assembler",
        applies_to=_PACKAGE, area=Area.PACKAGE, is_critical=True,
        otherwise=say("no assembly is recorded", "无装配记录"), judge=_assembled,
    ),
    Rule(
        id="18", title=say("Checked at use", "使用前检查"),
        words=say("Expiry and integrity are checked at use, and it is not used after expiry.",
                  "使用前检查有效期与包装完整性，过期不得使用。"),
        source="WS 310.1-2016", clause="4.6?", requires_record=True, holder="user",
        applies_to=_PACKAGE, area=Area.USE, otherwise=_NO_USE, judge=_checked,
    ),
    Rule(
        id="20", title=say("Use recorded", "使用登记"),
        words=say("The internal indicator is checked at opening, the use is recorded with a case "
                  "token, and it is counted.", "开包检查包内指示物，登记使用病例代码并清点。"),
        source="WS 310.3-2016", clause="5.4?", requires_record=True, holder="user",
        applies_to=_PACKAGE, area=Area.USE, otherwise=_NO_USE, judge=_use_recorded,
    ),
    Rule(
        id="21", title=say("Soiled returned", "污染器械回收"),
        words=say("Soiled instruments are returned in time, closed and pre-treated, and a special "
                  "infection is declared; they are not counted in clinical places.",
                  "污染器械按时密闭送回并预处理，说明特殊感染；不在诊疗场所清点。"),
        source="WS 310.2-2016", clause="5.1?", requires_record=True, holder="user",
        applies_to=_PACKAGE, area=Area.USE, terms=("soiled_return",),
        otherwise=say("neither a use nor a soiled return is recorded", "无使用记录，亦无污染送回记录"),
        judge=_soiled_returned,
    ),
    Rule(
        id="23", title=say("Maintained", "维护校准"),
        words=say("Maintenance and calibration are in date when the asset is used.",
                  "使用时设备维护与校准在有效期内。"),
        source="group rule; Measures for medical devices in use?", clause="", requires_record=True,
        holder="owner", applies_to=frozenset({SubjectKind.ASSET}), area=Area.MACHINE,
        otherwise=_NO_USE, judge=_maintained,
    ),
    Rule(
        id="24", title=say("Damage or loss reported", "损坏与缺失报告"),
        words=say("Damage or loss is reported within the agreed time.", "在约定时间内报告损坏或缺失。"),
        source="group rule", clause="", requires_record=True, holder="custodian",
        applies_to=_THING, area=Area.PACKAGE, terms=("damage_report",),
        otherwise=say("nothing is recorded as damaged, wet or short", "无损坏、潮湿或缺件的记录"),
        judge=_reported,
    ),
    Rule(
        id="25", title=say("Who signed is who acted", "签署人与操作人一致"),
        words=say("A shared key signs while its unit's shift is open, and not after its end.",
                  "共用密钥仅在班次进行中签署，班次结束后不得使用。"),
        source="Electronic Signature Law; group rule", clause="13", requires_record=True,
        holder="the unit, never a person", applies_to=frozenset(SubjectKind), area=Area.SHIFTS,
        otherwise=say("nothing is recorded that was signed with hands on it", "无实际操作的签署记录"), judge=_signed_by_who_acted,
    ),
    Rule(
        id="27", title=say("Soiled counted", "污染器械清点"),
        words=say("Soiled instruments are counted at reception the same day by two, and differences "
                  "are told in time.", "污染器械接收当日双人清点，差异按时告知。"),
        source="WS 310.2-2016; group rule", clause="5.1?", requires_record=True, holder="cleaner",
        applies_to=_PACKAGE, area=Area.PACKAGE, terms=("differences_told",),
        otherwise=say("no receipt of it as soiled is recorded", "无污染器械接收记录"), judge=_soiled_counted,
    ),
    Rule(
        id="28", title=say("Stored", "储存"),
        words=say("It is stored within the unit's conditions; what was flash-sterilised is used "
                  "within 4 hours.", "按规定条件储存；快速灭菌物品4小时内使用。"),
        source="WS 310.2-2016", clause="5.10?, 5.8?", requires_record=True, holder="user",
        applies_to=_PACKAGE, area=Area.USE, terms=("flash_use",),
        otherwise=say("no storing at a unit is recorded", "无储存记录"), judge=_stored,
    ),
)  # fmt: skip
