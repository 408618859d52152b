"""Duties on the way: 13 to 17, 22 and 26."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.duties.case import (
    NOT_THERE,
    Area,
    Case,
    Consignment,
    Deed,
    Event,
    SubjectKind,
    earliest,
)
from ledger.domain.duties.findings import Duty, Part, Rule, Say, Stance, in_chinese, say
from ledger.domain.records.commitments import FieldValue

_ON_THE_WAY = frozenset({SubjectKind.PACKAGE, SubjectKind.CONSIGNMENT, SubjectKind.ASSET})
_LENDING = frozenset({"loan", "return"})


# ---------------------------------------------------------------- 13


def _sent(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        sent = each.step(Deed.DISPATCHED)
        if sent is None or each.purpose != "clean":
            continue
        duty = Duty(case, each.giver, since=sent.at, of=each.name)
        seal = duty.part("which seal it was sent with", "发出时的封签号")
        if sent.fact("seal"):
            duty.mark(
                seal, True, say("sealed: {seal}", "封签：{seal}", seal=sent.fact("seal")), sent,
                facts=("seal",),
            )  # fmt: skip
        if case.kind is SubjectKind.PACKAGE:
            _in_date(duty, each, sent)
            _cooled(duty, sent)
        yield duty


def expires_at(case: Case) -> tuple[Event, datetime] | None:
    """When it expires by its label, and who says so."""
    for event in reversed(case.all(Deed.ASSEMBLED, Deed.LOADED, Deed.UNLOADED)):
        moment = event.moment("expires_at")
        if moment is not None:
            return event, moment
    return None


def last_use(case: Case, end: datetime) -> dict[str, str]:
    """Until when it may be used, in both languages: labels name a day, and it lasts to its end."""
    shown = case.clock(end)
    if shown.endswith("23:59"):
        return {"end": f"last day of use {shown[:10]}", "zh": f"可用至{shown[:10]}（含当日）"}
    return {"end": f"to be used until {shown}", "zh": f"可用至{shown}"}


def _in_date(duty: Duty, consignment: Consignment, sent: Event) -> None:
    part = duty.part("when it expires", "失效日期")
    label = expires_at(duty.case)
    if label is not None:
        received = consignment.delivered
        last = sent if received is None else received
        timely = duty.timely(last.when, label[1])
        if timely is not None:
            # that it was late on the way is not the sender's record
            late = not timely and duty.timely(sent.when, label[1]) is not False
            duty.mark(
                part, timely,
                say("{what} {at}; {end}", "{at}{was}；{zh}",
                    what="sent" if received is None else "delivered",
                    was="发出" if received is None else "送达",
                    at=duty.case.clock(last.at), **last_use(duty.case, label[1])),
                label[0], sent, last if late or timely else None, facts=("expires_at",),
            )  # fmt: skip


def _cooled(duty: Duty, sent: Event) -> None:
    part = duty.part("that it cooled before it was sent", "发出前已冷却")
    case = duty.case
    out = case.first(Deed.UNLOADED)
    if out is None and case.cycle is not None:
        out = case.cycle.ended
    if out is None:
        return
    allowed = case.terms_at(sent.at).duration("cooling")
    cooled = duty.timely(out.when, sent.at - allowed)
    if cooled is not None and sent.when is not None:
        duty.mark(
            part, cooled,
            say("unloaded {out}, sent {sent}; at least {n} min between them are asked for",
                "{out}卸载，{sent}发出；要求间隔至少{n}分钟", out=case.clock(out.at),
                sent=case.clock(sent.at), n=int(allowed.total_seconds()) // 60),
            out, sent,
        )  # fmt: skip


# ---------------------------------------------------------------- 14


def _taken_over(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        for taken in each.all(Deed.TAKEN_OVER):
            duty = Duty(case, taken.unit, since=taken.at, of=each.name)
            part = duty.part("that count and seals were checked", "已核对件数与封签")
            if taken.fact("automatic") is True:
                part.excused = say("an automatic pad: nobody looked", "自动起降点，无人查看")
            elif any(taken.fact(name) is not None for name in ("seal", "count", "boxes")):
                seal = taken.fact("seal")
                duty.mark(
                    part, True,
                    say("entered when it was taken over: {en}", "接收时录入：{zh}",
                        **_counted_words(taken)),
                    taken, facts=("count", "boxes", "seal"),
                )  # fmt: skip
                if seal is None:
                    checked = duty.part("that the seals were checked", "已核对封签")
                    sent = each.step(Deed.DISPATCHED)
                    if each.purpose != "clean" and sent is not None and not sent.fact("seal"):
                        checked.excused = say("it was sent without a seal", "发出时未加封")
            yield duty


def _counted_words(taken: Event) -> dict[str, str]:
    """What was entered when it was taken over, in both languages; nothing else is said."""
    named = (("boxes", "boxes", "箱数"), ("count", "packages", "件数"), ("seal", "seal", "封签"))
    told = [
        (en, zh, _seal(value)) for name, en, zh in named if (value := taken.fact(name)) is not None
    ]
    return {
        "en": ", ".join(f"{en} {value.en}" for en, _, value in told),
        "zh": "，".join(f"{zh}{value.zh}" for _, zh, value in told),
    }


def _seal(found: FieldValue) -> Say:
    """Its numbers, or how it was found."""
    return Say(en=str(found).replace("_", " "), zh=in_chinese(found))


# ---------------------------------------------------------------- 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """From one carrier's take-over to its end."""

    taken: Event
    #: the next carrier's take-over; None: it delivered
    next: Event | None

    def holds(self, step: Event) -> bool:
        """Whether a step lies in it."""
        is_after = self.taken.order <= step.order
        return is_after and (self.next is None or step.order < self.next.order)


def legs(consignment: Consignment) -> Iterator[Leg]:
    """The carriers' legs in order."""
    taken = list(consignment.all(Deed.TAKEN_OVER))
    for at, each in enumerate(taken):
        yield Leg(taken=each, next=taken[at + 1] if at + 1 < len(taken) else None)


def _delivered(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        for leg in legs(each):
            if leg.taken.fact("vehicle") in {"van", "drone"}:
                yield _leg(case, each, leg)


def _leg(case: Case, consignment: Consignment, leg: Leg) -> Duty:
    carrier = leg.taken.unit
    duty = Duty(case, carrier, since=leg.taken.at, of=consignment.name)
    part = duty.part("when it arrived", "到达时间")
    diverted = next(
        (d for d in consignment.all(Deed.DIVERTED) if d.unit == carrier and leg.holds(d)), None
    )  # fmt: skip
    vehicle = leg.taken.fact("vehicle")
    name = "delivery_diverted" if diverted is not None else f"delivery_{vehicle}"
    due = duty.deadline(leg.taken.at, name, of_record=False)
    if diverted is not None:
        duty.mark(
            part, Stance.BESIDE,
            say("diverted {at}, and recorded", "{at}备降，已记录", at=case.clock(diverted.at)),
            diverted,
        )  # fmt: skip
    ends = _ends(case, consignment, leg)
    for end in ends:
        timely = duty.timely(end.when, due)
        if timely is not None:
            duty.mark(
                part, timely,
                say("taken over {a}, arrived {b} by the record of {unit}{same}; due {due}",
                    "{a}接收，{unit}记录{b}到达{zh}；截止{due}",
                    a=case.clock(leg.taken.at), b=case.clock(end.at), due=case.clock(due),
                    unit=case.code(end.unit), **_same_minute(case, leg.taken, end)),
                leg.taken, end,
            )  # fmt: skip
    back = consignment.step(Deed.TAKEN_BACK)
    if not ends and back is not None:
        part.excused = say("{unit} took it back at {at}", "{unit}于{at}收回",
                           unit=case.code(back.unit), at=case.clock(back.at))  # fmt: skip
    elif not ends:
        for told in (*consignment.all(Deed.MISSING), *consignment.all(Deed.FOUND)):
            duty.mark(
                part, Stance.BESIDE,
                say("{unit} says at {at} that it is {what}", "{unit}于{at}记录：{zh}",
                    unit=case.code(told.unit), at=case.clock(told.at),
                    what="lost" if told.deed is Deed.MISSING else "found",
                    zh="丢失" if told.deed is Deed.MISSING else "已找到"),
                told,
            )  # fmt: skip
        duty.leave_open(part, due)
    _same_seal(duty, consignment, leg)
    return duty


def _same_minute(case: Case, taken: Event, end: Event) -> dict[str, str]:
    """That two entries name one minute is said, so that nobody takes it for a slip of this list."""
    if case.clock(taken.at) != case.clock(end.at):
        return {"same": "", "zh": ""}
    return {"same": " (both entered with the same minute)", "zh": "（两者录入为同一分钟）"}


def _was_closed(case: Case, unit: int, arrived: Event) -> bool:
    return case.terms_at(arrived.at).open_from(unit, arrived.at) > arrived.at


def _ends(case: Case, consignment: Consignment, leg: Leg) -> list[Event]:
    """Both sides' times of the end of a leg.

    What is refused at the door, or sent on from there, had come: what follows is no part of it.
    """
    carrier = leg.taken.unit
    came = [a for a in consignment.all(Deed.ARRIVED) if leg.holds(a)]
    first = came[0].number("to") if came else None
    arrived = [a for a in came if a.number("to") == first]
    refused = next((r for r in consignment.all(Deed.REFUSED) if r.unit != carrier and arrived
                    and r.unit == (first or consignment.receiver) and leg.holds(r)), None)  # fmt: skip
    if refused is not None:
        return [*(a for a in arrived if a.order <= refused.order), refused]
    if not arrived and leg.next is not None:
        given = [h for h in consignment.all(Deed.HANDED_OVER) if h.unit == carrier and leg.holds(h)]
        return [*given[-1:], leg.next]
    if any(a.unit != carrier for a in arrived):
        return arrived
    if any(_was_closed(case, consignment.receiver, a) for a in arrived):
        return arrived  # the receipt of a unit that was closed says nothing of when it came
    receipts = [r for r in consignment.all(Deed.RECEIVED) if first in {None, r.unit}]
    return arrived + [r for r in receipts if r.unit != carrier or not arrived]


def _same_seal(duty: Duty, consignment: Consignment, leg: Leg) -> None:
    """A seal that changed on the leg needs a record of the resealing there; a broken one has none."""
    end = leg.next or consignment.step(Deed.RECEIVED)
    before, after = leg.taken.fact("seal"), None if end is None else end.fact("seal")
    if end is None or before is None or after is None or before == after:
        return
    part = duty.part("that it was resealed", "重新加封")
    resealed = next(
        (r for r in consignment.all(Deed.RESEALED) if r.unit == duty.holder and leg.holds(r)), None
    )
    is_told = resealed is not None and after != "broken"
    a, b = _seal(before), _seal(after)
    duty.mark(
        part, is_told,
        say("the seal was {a} and then {b}{told}", "封签由{a_zh}变为{b_zh}{told_zh}", a=a.en,
            b=b.en, a_zh=a.zh, b_zh=b.zh, told="; a resealing is recorded" if is_told else "",
            told_zh="；有重新加封记录" if is_told else ""),
        resealed if is_told else end, facts=("seal",),
    )  # fmt: skip


# ---------------------------------------------------------------- 16


#: What a log may be of; a hand-over says it of all that its vehicle logs.
_LOGS = {
    "transport_log": ("the transport log", "运输记录"),
    "temperature": ("the temperature log", "温度记录"),
    "shock": ("the shock log", "冲击记录"),
    "route": ("the route log", "路线记录"),
}


def _logged(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        carriers = {leg.taken.unit for leg in legs(each)}
        for leg in legs(each):
            duty = Duty(case, leg.taken.unit, since=leg.taken.at, of=each.name)
            part = duty.part("what the transport log shows", "运输记录仪所示")
            ended = each.step(Deed.RECEIVED) or each.step(Deed.TAKEN_BACK)
            until = ended if leg.next is None else leg.next
            for log in each.all(Deed.TRANSPORT_LOG):
                # another carrier's is of its own leg
                is_told = log.unit == duty.holder or log.unit not in carriers
                if is_told and _is_of(log, leg, until):
                    _judge_log(duty, part, log)
            if leg.next is None and until is None:
                part.open_until = case.as_of  # it is still on its way
            yield duty


def _is_of(log: Event, leg: Leg, until: Event | None) -> bool:
    """Whether a log was kept on a leg: its readings, or the hand-over that told of it, lie in it.

    One whose times nobody told is of every leg of who brought it.
    """
    if log.when is None:
        return log.unit == leg.taken.unit
    is_before = log.when.last < leg.taken.at
    return not is_before and (until is None or log.when.first <= until.at)


def _judge_log(duty: Duty, part: Part, log: Event) -> None:
    within = Stance.FOR if log.unit == duty.holder else Stance.BESIDE
    for name, (en, zh) in _LOGS.items():
        lies = log.fact(name)
        if lies == "none" and log.unit == duty.holder:
            part.excused = say("the vehicle keeps no log", "运输工具无记录装置")
        if lies not in {"within", "outside"}:
            continue
        duty.mark(
            part, within if lies == "within" else Stance.AGAINST,
            say("{en} lies {how} its limits", "{zh}{wie}", en=en, zh=zh,
                how="within" if lies == "within" else "outside",
                wie="在限值内" if lies == "within" else "超出限值"),
            log, facts=(name,),
        )  # fmt: skip


# ---------------------------------------------------------------- 17


def _received(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        came: dict[int, list[Event]] = {}
        for arrived in each.all(Deed.ARRIVED):
            came.setdefault(arrived.number("to") or each.receiver, []).append(arrived)
        for unit in dict.fromkeys((*came, each.receiver)):
            answers = [a for deed in (Deed.REFUSED, Deed.RECEIVED) for a in each.all(deed)
                       if a.unit == unit]  # fmt: skip
            if answers or unit in came:
                yield _answered(case, each, unit, came.get(unit, []), answers)


def _answered(
    case: Case, consignment: Consignment, unit: int, arrivals: list[Event], answers: list[Event]
) -> Duty:
    """Each arrival has its answer: what is refused at the door may be offered anew."""
    since = min(e.at for e in (*arrivals, *answers))
    duty = Duty(case, unit, since=since, of=consignment.name)
    parts: dict[str, Part] = {}
    for arrived in arrivals:
        refused = (a for a in answers if a.deed is Deed.REFUSED and arrived.order <= a.order)
        received = (a for a in answers if a.deed is Deed.RECEIVED)
        answer = next(refused, None) or next(received, None)
        # each offer is answered by itself
        name = "" if answer is None else answer.source.operation
        part = parts[name] = parts.get(name) or duty.part("that it was received", "已签收")
        if answer is not None:
            _in_time(duty, part, answer, arrived)
        else:
            _unanswered(duty, part, consignment, arrived)
    for answer in answers[-1:] if not arrivals else ():
        part = duty.part("that it was received", "已签收")
        if answer.when is not None:
            duty.mark(
                part, True,
                say("{what} {at}", "{at}{zh}", at=case.clock(answer.at), **_received_as(answer)),
                answer,
            )  # fmt: skip
    for answer in answers:
        if answer.fact("of_package") in NOT_THERE:
            named = str(answer.fact("of_package"))
            duty.mark(
                duty.parts[-1], Stance.BESIDE,
                say("of this package it says: {named}", "对该包注明：{zh}", named=named,
                    zh=in_chinese(named)),
                answer, facts=("of_package",),
            )  # fmt: skip
    return duty


def _unanswered(duty: Duty, part: Part, consignment: Consignment, arrived: Event) -> None:
    """It came, and nobody signed; what went on before the time was over needed nobody to."""
    case = duty.case
    due = _due(duty, arrived.at)
    duty.mark(
        part, Stance.BESIDE,
        say("{unit} says it came {at}{left}", "{unit}记录{at}送达{left_zh}",
            unit=case.code(arrived.unit), at=case.clock(arrived.at), **_left(arrived)),
        arrived,
    )  # fmt: skip
    later = [s for s in consignment.steps if s.deed in _GOING_ON and s.order > arrived.order]
    gone = earliest(s for s in later if s.unit != duty.holder)
    closed = case.closed.get(duty.holder)
    if closed is not None and closed <= min(due, case.as_of):
        part.excused = say("{unit} was closed for good at {at}", "{unit}已于{at}关闭",
                           unit=case.code(duty.holder), at=case.clock(closed))  # fmt: skip
    elif gone is not None and gone.at <= due:
        part.excused = say("it went on {at}", "{at}转出", at=case.clock(gone.at))
    else:
        duty.leave_open(part, due)


#: after these it is no longer at the door where it came
_GOING_ON = frozenset({Deed.ARRIVED, Deed.HANDED_OVER, Deed.TAKEN_OVER, Deed.TAKEN_BACK})


def _due(duty: Duty, arrived: datetime) -> datetime:
    """The agreed time from the arrival, or from when the receiver opens next."""
    opens = duty.case.terms_at(arrived).open_from(duty.holder, arrived)
    return duty.deadline(opens, "receipt", of_record=True)


def _in_time(duty: Duty, part: Part, receipt: Event, arrived: Event) -> None:
    case = duty.case
    due = _due(duty, arrived.at)
    timely = duty.timely(receipt.when, due)
    if timely is None:
        return
    duty.mark(
        part, timely,
        say("{unit} says it came {at}{left}; {what} {signed}, due {due}",
            "{unit}记录{at}送达{left_zh}；{signed}{zh}，截止{due}",
            unit=case.code(arrived.unit), at=case.clock(arrived.at), **_left(arrived),
            signed=case.clock(receipt.at), due=case.clock(due), **_received_as(receipt)),
        arrived, receipt,
    )  # fmt: skip
    if _was_closed(case, duty.holder, arrived):
        opens = case.terms_at(arrived.at).open_from(duty.holder, arrived.at)
        duty.mark(
            part, Stance.BESIDE,
            say("{unit} was closed when it came, and opened {at}",
                "送达时{unit}未营业，{at}营业", unit=case.code(duty.holder),
                at=case.clock(opens)),
            arrived,
        )  # fmt: skip


def _left(arrived: Event) -> dict[str, str]:
    """That nobody took it from whoever brought it."""
    is_left = bool(arrived.fact("left_at"))
    return {
        "left": " and was left unattended" if is_left else "",
        "left_zh": "，无人接收" if is_left else "",
    }


def _received_as(receipt: Event) -> dict[str, str]:
    if receipt.deed is Deed.REFUSED:
        return {"what": "refused", "zh": "拒收"}
    return {"what": "received", "zh": "签收"}


# ---------------------------------------------------------------- 22


def _handed_over(case: Case) -> Iterator[Duty]:
    for each in case.consignments:
        sent, received = each.step(Deed.DISPATCHED), each.step(Deed.RECEIVED)
        for unit, step in ((each.giver, sent), (each.receiver, received)):
            if step is None:
                continue
            duty = Duty(case, unit, since=step.at, of=each.name)
            part = duty.part("in which condition it was", "设备状况")
            found = step.fact("condition_is")
            if found is not None or step.fact("condition") is not None:
                duty.mark(
                    part, True,
                    say("{unit} stated its condition{how}", "{unit}已说明状况{zh}",
                        unit=case.code(unit), how="" if found is None else f": {found}",
                        zh="" if found is None else f"：{in_chinese(found)}"),
                    step, facts=("condition_is", "condition"),
                )  # fmt: skip
            yield duty


# ---------------------------------------------------------------- 26


def _counted(case: Case) -> Iterator[Duty]:
    if not case.is_loaner:
        return
    for each in case.consignments:
        if each.purpose not in _LENDING:
            continue
        counts = [
            (each.giver, each.step(Deed.DISPATCHED)),
            (each.receiver, each.step(Deed.RECEIVED)),
        ]
        for unit, step in counts:
            if step is None:
                continue
            duty = Duty(case, unit, since=step.at, of=each.name)
            part = duty.part("how many instruments were in it", "器械件数")
            if step.number("instruments") is not None:
                duty.mark(
                    part, True,
                    say("{unit} counted {n}", "{unit}清点{n}件", unit=case.code(unit),
                        n=step.fact("instruments")),
                    step, facts=("instruments",),
                )  # fmt: skip
            yield duty


# ---------------------------------------------------------------- why one does not apply

_NO_CARRIER = say("no take-over by a carrier is recorded", "无承运接收记录")


def _no_leg(case: Case) -> Say:
    if any(True for each in case.consignments for _ in each.all(Deed.TAKEN_OVER)):
        return say("no leg by van or drone is recorded", "无车辆或无人机运输记录")
    return _NO_CARRIER


def _no_loan(case: Case) -> Say:
    if case.is_loaner:
        return say("no lending or return of it is recorded", "无借出或归还记录")
    return say("it is no loaner", "非外来器械")


# ---------------------------------------------------------------- as data

RULES = (
    Rule(
        id="13", title=say("Sent", "发出"),
        words=say("It is sealed and the seal recorded at dispatch, delivered in date, and cooled "
                  "for 30 minutes.", "发出时加封并记录封签，送达时在有效期内，且已冷却30分钟。"),
        source="WS 310.2-2016; group rule", clause="5.9?, 5.10?", requires_record=True,
        holder="sender", applies_to=_ON_THE_WAY, area=Area.TRANSPORT, terms=("cooling",),
        otherwise=say("no sending of it as clean is recorded", "无作为无菌物品发出的记录"), judge=_sent,
    ),
    Rule(
        id="14", title=say("Taken over", "承运接收"),
        words=say("Count and seals are checked when it is taken over, and reservations are made "
                  "then.", "接收时核对件数与封签，当场提出保留意见。"),
        source="group rule; Civil Code 831?", clause="", requires_record=True, holder="carrier",
        applies_to=_ON_THE_WAY, area=Area.TRANSPORT,
        otherwise=_NO_CARRIER, judge=_taken_over,
    ),
    Rule(
        id="15", title=say("Delivered in time", "按时送达"),
        words=say("It is delivered within the agreed time by both sides' times; diversion and "
                  "resealing are recorded.", "按双方记录的时间在约定时限内送达；备降与重新加封须记录。"),
        source="group rule", clause="", requires_record=True, holder="carrier",
        applies_to=_ON_THE_WAY, area=Area.TRANSPORT,
        terms=("delivery_van", "delivery_drone", "delivery_diverted"),
        otherwise=_no_leg, judge=_delivered,
    ),
    Rule(
        id="16", title=say("Transport log", "运输记录"),
        words=say("The transport log lies within its limits, where the vehicle has one.",
                  "运输工具有温湿度记录的，记录应在限值内。"),
        source="WS 310.2-2016; group rule", clause="5.10?", requires_record=True, holder="carrier",
        applies_to=_ON_THE_WAY, area=Area.TRANSPORT,
        otherwise=_NO_CARRIER, judge=_logged,
    ),
    Rule(
        id="17", title=say("Received", "签收"),
        words=say("The receipt is signed within the agreed time of the arrival in opening hours, "
                  "and exceptions are named then.", "在营业时间内于送达后约定时限内签收，并当场说明异常。"),
        source="group rule; Civil Code 620, 621?", clause="", requires_record=True,
        holder="receiver", applies_to=_ON_THE_WAY, area=Area.TRANSPORT, terms=("receipt",),
        otherwise=say("neither an arrival nor a receipt is recorded", "无送达记录，亦无签收记录"), judge=_received,
    ),
    Rule(
        id="22", title=say("Shared asset handed over", "共享设备交接"),
        words=say("A shared asset is handed over with its condition stated by both sides.",
                  "共享设备交接时双方说明其状况。"),
        source="group rule", clause="", requires_record=True, holder="giver, taker",
        applies_to=frozenset({SubjectKind.ASSET}), area=Area.TRANSPORT,
        otherwise=say("no hand-over is recorded", "无交接记录"), judge=_handed_over,
    ),
    Rule(
        id="26", title=say("Loaner counted", "外来器械清点"),
        words=say("A loaner is counted at arrival and before its return, by both sides.",
                  "外来器械到达时及归还前由双方清点。"),
        source="WS 310.1-2016", clause="4.1.6?", requires_record=True, holder="receiver, supplier",
        applies_to=frozenset({SubjectKind.ASSET}), area=Area.TRANSPORT,
        otherwise=_no_loan, judge=_counted,
    ),
)  # fmt: skip
