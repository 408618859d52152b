"""Shown operations become the case that is judged: what stands, what staged, who said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.package_decision import PackageDecisionKind
from ledger.domain.acts.recall_order import RecallStage
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.terms import SUBJECT, parts_of
from ledger.domain.acts.words import Purpose
from ledger.domain.duties.answering import answer, answer_to_plain, list_findings
from ledger.domain.duties.case import Area, Case, Deed, SubjectKind
from ledger.domain.duties.interval import intervals
from ledger.domain.duties.pages import Said
from ledger.domain.duties.reading import Question, Read, read_case
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import EquipmentId, cycle_id, to_hex
from ledger.domain.records.commitments import FieldValue
from tests.domain.duties.kit import M1, M3, UNITS, L, at, iso, word
from tests.domain.duties.test_terms import document

_numbers = count(1)
MACHINE = EquipmentId(b"\x22" * 32)
PACK = "1/Q20"


def run(number: int, epoch: int = 1) -> bytes:
    return cycle_id(MACHINE, epoch, number)


def said(  # one operation: who, when, and what it says
    of: str,
    when: str,
    facts: Mapping[str, FieldValue] | None = None,
    *,
    unit: int = L,
    mined: str | None = None,
    **message: Any,
) -> Said:
    number = next(_numbers)
    replaces = message.pop("replaces", None)
    return Said(
        digest=number.to_bytes(32, "big"),
        act=ACTS[of],
        message={
            "unit": unit,
            "signedBy": unit.to_bytes(32, "big"),
            "signedAt": int(at(when).timestamp()),
            "record": bytes(32),
            "replaces": bytes(32) if replaces is None else replaces.digest,
            **message,
        },
        facts=facts or {},
        block=number,
        log=0,
        mined_at=int(at(mined or when).timestamp()),
    )


def packed(*numbers: int) -> bytes:
    return b"".join(n.to_bytes(8, "big", signed=True) for n in numbers).ljust(32, b"\0")


def opening(number: int = 2241, when: str = "3 08:00", epoch: int = 1) -> Said:
    return said(
        "CycleOpening", when, {"biological_indicator": True, "machine.state": "in_service"},
        equipment=MACHINE, epoch=epoch, number=number, startedAt=int(at(when).timestamp()),
    )  # fmt: skip


def load(number: int = 2241, when: str = "3 08:01") -> Said:
    facts: dict[str, FieldValue] = {"lines.0.package": PACK, "lines.0.owner": M1}
    return said("LoadDeclaration", when, facts, cycle=run(number))


def decision(
    kind: DecisionKind, when: str, outcome: str | None = None, number: int = 2241, **more: Any
) -> Said:
    facts: dict[str, FieldValue] = {"decision": kind.word, "reason": "as agreed"}
    if outcome is not None:
        facts |= {"lines.0.package": PACK, "lines.0.outcome": outcome}
    return said("CycleDecision", when, facts, cycle=run(number), kind=int(kind), **more)


def entered(how: ResultWord, when: str, number: int = 2241, **more: Any) -> Said:
    facts = {"result": "biological", "word": how.name.lower(), "read_at": iso(when)}
    content = packed(Result.BIOLOGICAL, how)
    return said("ResultEntry", when, facts, about=run(number), content=content, **more)


def ordered(first: int, last: int, when: str, epoch: int = 1, **more: Any) -> Said:
    stage = more.pop("stage", RecallStage.ORDERED)
    content = packed(epoch, first, last, stage)
    facts = {"stage": stage.name.lower(), "first": first, "last": last, "epoch": epoch}
    return said("RecallOrder", when, facts, about=MACHINE, content=content, **more)


def scan(act: str, when: str, outcome: str | None = None, unit: int = L, **columns: Any) -> Said:
    line = {"act": act, "package": PACK, "basis": "scanned", "happened": iso(when),
            "happened_text": None, "outcome": outcome, "case": None, "expires": None,
            "takes_back": None, **columns}  # fmt: skip
    facts = {f"lines.0.{name}": value for name, value in line.items()}
    return said("ScanReport", when, facts, unit=unit, about=bytes(32), content=bytes(32))


def read(  # a question about what is shown
    *pages: Said,
    kind: SubjectKind = SubjectKind.PACKAGE,
    subject: str = PACK,
    as_of: str = "6 18:00",
    then: str | None = None,
    hidden: tuple[Said, ...] = (),
) -> Read:
    question = Question(
        kind=kind, subject=subject, as_of=at(as_of), then=None if then is None else at(then)
    )
    return read_case(
        question, (*pages, *hidden), block=10**6, custody_of=lambda _: "station",
        hidden=[each.digest for each in hidden],
    )  # fmt: skip


def case(*pages: Said, **more: Any) -> Case:
    return replace(read(*pages, **more).case, units=UNITS)


def head(*pages: Said, **more: Any) -> str:
    return answer(case(*pages, **more)).head.en


# ---------------------------------------------------------------- what stands


def terms(version: int, holds_from: str, receipt: int, when: str, **more: Any) -> Said:
    plain = document(version=version, holds_from=iso(holds_from))
    plain["durations"]["receipt"]["seconds"] = receipt
    parsed = parse_terms(canonical(plain))
    facts = {f"lines.{n}.part": row["part"] for n, row in enumerate(parts_of(parsed))}
    return said("Terms", when, facts, unit=0, about=SUBJECT,
                content=bytes.fromhex(parsed.sha256), **more)  # fmt: skip


def test_a_new_version_of_the_terms_leaves_the_one_before_it_in_force_until_its_day() -> None:
    first = terms(1, "1 00:00", 3600, "1 00:00")
    second = terms(2, "20 00:00", 60, "4 00:00", replaces=first)
    judged = case(first, second, load(), opening())
    assert judged.terms_at(at("5 12:00")).version == 1
    assert judged.terms_at(at("21 12:00")).version == 2


def test_a_recall_that_ended_still_covers_its_cycles() -> None:
    order = ordered(2240, 2244, "5 09:10")
    ended = ordered(2240, 2244, "6 12:00", stage=RecallStage.ENDED, replaces=order)
    assert head(opening(), load(), order, ended).startswith("A recall covers it.")


def test_a_recall_of_one_epoch_covers_no_cycle_of_another() -> None:
    order = ordered(2240, 2244, "5 09:10", epoch=1)
    of_old = case(opening(), order, kind=SubjectKind.CYCLE, subject=to_hex(run(2241)))
    of_new = case(opening(epoch=2), order, kind=SubjectKind.CYCLE, subject=to_hex(run(2241, 2)))
    assert [r.first for r in of_old.recalls] == [2240]
    assert of_new.recalls == ()
    asked = case(
        opening(), opening(epoch=2, when="6 08:00"), order,
        kind=SubjectKind.RECALL, subject=to_hex(order.digest),
    )  # fmt: skip
    assert [c.epoch for c in asked.series] == [1]


def test_a_result_that_was_replaced_since_is_what_was_known_then() -> None:
    passed = entered(ResultWord.PASS, "5 08:30")
    corrected = entered(ResultWord.FAIL, "6 09:00", replaces=passed)
    found = read(opening(), load(), passed, corrected, then="5 18:00")
    assert found.before is not None
    assert found.before.cycle is not None
    assert found.case.cycle is not None
    assert found.before.cycle.word("biological") == "pass"
    assert found.case.cycle.word("biological") == "fail"


def test_as_of_a_past_moment_nothing_that_happened_later_is_judged() -> None:
    told = (opening(), load(), decision(DecisionKind.RELEASE_BIOLOGICAL_PENDING, "3 09:20"),
            entered(ResultWord.FAIL, "5 09:00"))  # fmt: skip
    assert "biological result failed" in head(*told, as_of="6 18:00")
    assert "biological result failed" not in head(*told, as_of="3 18:00")


# ---------------------------------------------------------------- the head


def test_a_failure_stands_beside_a_pass_that_does_not_replace_it() -> None:
    told = (opening(), load(), entered(ResultWord.FAIL, "5 09:00"))
    assert "biological result failed" in head(*told, entered(ResultWord.PASS, "5 10:00"))
    mended = entered(ResultWord.PASS, "5 10:00", replaces=told[-1])
    assert "failed" not in head(*told, mended)


def test_a_decision_that_keeps_it_from_use_stands_in_the_head() -> None:
    told = (opening(), load(), decision(DecisionKind.RELEASE, "3 09:20"))
    recalled = decision(DecisionKind.RECALL, "4 09:00", replaces=told[-1])
    assert "keeps it from use: recalled" in head(*told, recalled)
    corrected = decision(DecisionKind.CORRECT, "4 10:00", replaces=recalled)
    assert "keeps it from use: recalled" in head(*told, recalled, corrected)
    for kind, what in (("HOLD", "held"), ("EXCLUDE", "excluded"), ("RECALL", "recalled")):
        own = said(
            "PackageDecision", "4 09:00", {"lines.0.package": PACK}, about=run(2241),
            content=packed(PackageDecisionKind[kind]),
        )  # fmt: skip
        assert f"keeps it from use: {what}" in head(*told, own)
    lifted = said(
        "PackageDecision", "4 10:00", {"lines.0.package": PACK}, about=run(2241),
        content=packed(PackageDecisionKind.LIFT),
    )  # fmt: skip
    held = replace(lifted, digest=b"\7" * 32, message={
        **lifted.message, "content": packed(PackageDecisionKind.HOLD),
        "signedAt": int(at("4 09:00").timestamp()),
    })  # fmt: skip
    assert "keeps it from use" not in head(*told, held, lifted)


# ---------------------------------------------------------------- release


def used(when: str = "3 10:00") -> Said:
    return scan("used", when, "intact; label legible", M1, case="c-1")


def test_a_pack_that_waits_is_not_released_with_the_others() -> None:
    early = decision(DecisionKind.EMERGENCY_RELEASE, "3 08:20", "waiting")
    told = (opening(), load(), early, scan("issued", "3 09:00"))
    assert word(case(*told), "2") == "L not_met"
    left_out = decision(DecisionKind.RELEASE, "3 08:20", "torn")
    assert word(case(opening(), load(), left_out, scan("issued", "3 09:00")), "2") == "L not_met"
    added = decision(DecisionKind.CORRECT, "3 08:50", "added", replaces=early)
    assert word(case(*told, added), "2") == "L met"


def test_a_release_that_is_kept_elsewhere_is_read_from_what_was_signed() -> None:
    release = decision(DecisionKind.RELEASE, "3 09:20")
    hidden = replace(release, facts={})
    judged = case(opening(), load(), scan("issued", "3 10:00"), hidden=(hidden,))
    assert word(judged, "2") == "L met"
    failed = replace(entered(ResultWord.FAIL, "5 09:00"), facts={})
    order = replace(ordered(2240, 2244, "5 09:10"), facts={})
    unread = case(opening(), load(), hidden=(hidden, failed, order))
    assert "biological result failed" in answer(unread).head.en
    assert [r.last for r in unread.recalls] == [2244]


def test_a_notice_whose_addressee_is_kept_elsewhere_is_to_nobody_known() -> None:
    order = ordered(2240, 2244, "5 09:10")
    unread = replace(notice(order, "5 09:12"), facts={})
    (recall,) = case(opening(), load(), order, hidden=(unread,)).recalls
    assert recall.told == ()
    (recall,) = case(opening(), load(), order, notice(order, "5 09:12"), hidden=(unread,)).recalls
    assert recall.told == (M1,)


def test_by_terms_that_are_not_kept_here_nothing_is_met_or_not() -> None:
    unread = replace(terms(1, "1 00:00", 60, "1 00:00"), facts={})
    told = (opening(), load(), entered(ResultWord.PASS, "5 08:30"))
    judged = case(*told, hidden=(unread,))
    assert Area.TERMS in judged.unreadable
    assert word(judged, "5") == "L not_readable"
    assert word(case(*told), "5") == "L met"


# ---------------------------------------------------------------- the recall


def notice(order: Said, when: str, reached: str | None = None) -> Said:
    facts: dict[str, FieldValue] = {"to": M1, "reached_by": "sent", "reached_at": None}
    if reached is not None:
        facts |= {"reached_by": "call_confirmed", "reached_at": iso(reached)}
    return said("RecallNotice", when, facts, about=MACHINE, content=order.digest)


def saw(told: Said, when: str) -> Said:
    return said("Comment", when, {"stance": "seen"}, unit=M1, about=told.digest,
                content=packed(Stance.SEEN))  # fmt: skip


def found(order: Said, when: str) -> Said:
    return said("RecallAnswer", when, {"found": 5, "asked": 5}, unit=M1, about=order.digest,
                content=packed(5, 5))  # fmt: skip


def test_the_decider_s_own_note_of_a_call_holds_nothing_against_the_unit() -> None:
    order = ordered(2240, 2244, "5 09:10")
    told = (opening(), load(), order, notice(order, "5 09:12", "5 09:25"))
    assert word(case(*told, used("5 10:00")), "19") == "M1 not_recorded"


def test_a_pack_that_was_used_after_the_unit_saw_the_notice_was_used_after_it() -> None:
    order = ordered(2240, 2244, "5 09:10")
    sent = notice(order, "5 09:12")
    told = (opening(), load(), order, sent, saw(sent, "5 09:25"), found(order, "5 12:00"))
    assert word(case(*told, used("5 10:00")), "19") == "M1 not_met"
    assert word(case(*told, used("5 09:05")), "19") == "M1 met"


def test_an_answer_alone_does_not_say_since_when_the_notice_was_there() -> None:
    order = ordered(2240, 2244, "5 09:10")
    told = (opening(), load(), order, notice(order, "5 09:12"), found(order, "5 12:00"))
    assert word(case(*told, used("5 10:00")), "19") == "M1 not_recorded"
    assert word(case(*told, used("5 12:30")), "19") == "M1 not_met"


# ---------------------------------------------------------------- wet, dry, and the day of expiry


def test_wet_on_its_return_is_no_look_at_its_unloading() -> None:
    told = (opening(), load(), scan("stored", "3 09:15", "dry"), scan("issued", "3 10:00"))
    back = case(*told, scan("wet", "4 10:00"))
    assert {e.deed for e in back.history} == {Deed.LOADED, Deed.UNLOADED, Deed.ISSUED, Deed.WET}
    dried = case(*told, scan("inspected", "4 10:00", "dry"))
    assert sum(e.deed is Deed.UNLOADED for e in dried.history) == 1
    at_unloading = case(opening(), load(), scan("wet", "3 09:15"), scan("issued", "3 10:00"))
    assert Deed.WET not in {e.deed for e in at_unloading.history}


def test_it_expires_when_the_last_day_ends_at_the_group_s_clocks() -> None:
    packed_at = scan("assembled", "2 06:30", "10/10; second person", expires="2026-11-03")
    for when, expected in (("3 23:30", "M1 met"), ("4 07:30", "M1 not_met")):
        assert word(case(opening(), load(), packed_at, used(when)), "18") == expected


# ---------------------------------------------------------------- what has a field of its own

BOX = b"\x33" * 32


def sent(purpose: Purpose, when: str, unit: int, to: int, **facts: FieldValue) -> Said:
    named: dict[str, FieldValue] = {
        "lines.0.assembler": 1,
        "lines.0.package": "Q20",
        "seals": "7001",
        "slip": "4711",
    }
    return said("Dispatch", when, {**named, **facts}, unit=unit, receiver=to,
                purpose=int(purpose), slip=BOX)  # fmt: skip


def take(when: str, unit: int, box: bytes, **facts: FieldValue) -> Said:
    return said("TakeOver", when, {"seals": "intact", "boxes": 1, **facts}, unit=unit,
                consignment=box)  # fmt: skip


def give(when: str, unit: int, taker: int, box: bytes, **facts: FieldValue) -> Said:
    return said("HandOver", when, facts, unit=unit, taker=taker, consignment=box)


def carried(**facts: FieldValue) -> tuple[Said, ...]:
    """Dispatched by L to M1, taken by L's own van, handed over, and kept."""
    away = sent(Purpose.CLEAN, "3 10:15", L, M1)
    box = away.act.subject_of(away.message)
    return (
        opening(), load(), away, take("3 10:15", L, box, outcome="carried"),
        give("3 10:45", L, M1, box, **facts), take("3 10:50", M1, box, outcome="kept"),
    )  # fmt: skip


def test_the_log_of_a_leg_is_what_its_carrier_states_at_its_end() -> None:
    assert word(case(*carried()), "16") == "L not_recorded"
    assert word(case(*carried(transport_log="within")), "16") == "L met"
    assert word(case(*carried(transport_log="outside")), "16") == "L not_met"
    assert word(case(*carried(transport_log="none")), "16") == "L not_applicable"


def test_a_van_of_the_receiver_s_own_that_was_sealed_anew_says_so() -> None:
    *told, kept = carried(resealed="a box was added", seals="7002")
    found = replace(kept, facts={**kept.facts, "seals": "other_numbers"})
    assert word(case(*told, found), "15") == "L met"
    *silent, kept = carried()
    assert word(case(*silent, replace(kept, facts=found.facts)), "15") != "L met"


def test_a_soiled_return_states_how_it_was_closed_and_what_it_met() -> None:
    stated: dict[str, FieldValue] = {
        "closed": True,
        "pretreated": True,
        "special_infection": "none_known",
    }
    opened = scan("opened", "3 14:10", "10/10; intact", M1)
    for facts, expected in ((stated, "M1 met"), ({**stated, "closed": None}, "M1 not_recorded")):
        back = sent(Purpose.SOILED, "4 10:50", M1, L, **facts)
        assert word(case(opening(), load(), opened, back), "21") == expected


def test_the_programme_that_a_load_needs_is_held_against_the_one_that_ran() -> None:
    facts = {"lines.0.package": PACK, "lines.0.programme_required": "B134"}
    needed = said("LoadDeclaration", "3 08:01", facts, cycle=run(2241))
    for ran, expected in (("B134", "L met"), ("B121", "L not_met")):
        opened = opening()
        opened = replace(opened, facts={**opened.facts, "programme": ran})
        release = decision(DecisionKind.RELEASE, "3 09:20")
        passed = said("ResultEntry", "3 09:10", {}, about=run(2241),
                      content=packed(Result.PHYSICAL, ResultWord.PASS))  # fmt: skip
        assert word(case(opened, needed, passed, release), "1") == expected


def test_a_plasma_machine_owes_no_bowie_dick_test() -> None:
    def registered(**facts: FieldValue) -> tuple[Said, Said]:
        machine = said("EquipmentRegistration", "1 08:00", facts, serial=b"\x01" * 32)
        opened = opening()
        equipment = machine.act.subject_of(machine.message)
        return machine, replace(opened, message={**opened.message, "equipment": equipment})

    for facts, expected in (
        ({"process": "hydrogen_peroxide"}, "not_applicable"),
        ({"process": "steam", "pre_vacuum": False}, "not_applicable"),
        ({"process": "steam", "pre_vacuum": True}, "L not_recorded"),
    ):
        told = registered(**facts)
        own = to_hex(told[1].act.subject_of(told[1].message))
        assert word(case(*told, kind=SubjectKind.CYCLE, subject=own), "3") == expected


def test_the_user_of_an_early_release_was_told_once_it_saw_the_result() -> None:
    early = decision(DecisionKind.EMERGENCY_RELEASE, "3 08:20")
    passed = entered(ResultWord.PASS, "5 08:05")
    told = (opening(), load(), early, passed, used("3 10:00"))
    seen = said("Comment", "5 08:20", {"stance": "seen"}, unit=M1, about=passed.digest,
                content=packed(Stance.SEEN))  # fmt: skip
    assert word(case(*told), "7") == "L not_recorded"
    assert word(case(*told, seen), "7") == "L met"
    # a pack that waited for the result, and was added when it was there, was not released early
    waits = decision(DecisionKind.EMERGENCY_RELEASE, "3 08:20", "waiting")
    added = decision(DecisionKind.CORRECT, "5 08:10", "added", replaces=waits)
    assert word(case(opening(), load(), waits, passed, added, used("5 10:00")), "7") == (
        "not_applicable"
    )


def test_what_is_said_of_a_time_in_words_alone_is_no_moment() -> None:
    away = sent(Purpose.CLEAN, "3 16:00", L, M1, **{"happened.text": "about 13:05"})
    told = case(opening(), load(), away).consignments[0].steps[0]
    assert told.when is None
    dated = {"happened.text": "about 13:05", "happened.utc": iso("3 13:05")}
    away = sent(Purpose.CLEAN, "3 16:00", L, M1, **dated)
    assert case(opening(), load(), away).consignments[0].steps[0].at == at("3 13:05")


# ---------------------------------------------------------------- who had no part in it


def test_a_third_party_s_report_is_shown_as_such_and_moves_nothing() -> None:
    """M3 never had it: what it reports stands in the answer, and in no finding and no interval."""
    torn = scan("damaged", "3 12:00", unit=M3)
    way = carried()
    before, after = case(*way), case(*way, torn)
    assert [e.unit for e in after.strangers] == [M3]
    assert list_findings(after) == list_findings(before)
    plain: dict[str, Any] = dict(answer_to_plain(answer(after)))
    (told,) = plain["third_parties"]
    assert "M3, which is not known here to have had it" in told["says"]["en"]
    assert plain["intervals"] == []
    own = case(*carried(), scan("damaged", "3 12:00", unit=M1))
    assert (own.strangers, word(own, "24")) == ((), "M1 met")


def test_a_load_of_a_unit_that_never_had_it_takes_it_out_of_no_cycle() -> None:
    way = carried()
    # later on the chain than its own
    theirs = [
        replace(each, message={**each.message, "unit": M3})
        for each in (opening(7, "4 08:00"), load(7, "4 08:01"))
    ]
    box = way[-1].message["consignment"]
    judged = case(*way, *theirs)
    assert judged.cycle is not None
    assert judged.cycle.number == 2241
    assert list_findings(judged) == list_findings(case(*way))
    log = said("TransportLog", "6 09:00", {"temperature": "within"}, unit=M3, about=box)
    with_a_log = case(*way, log, *theirs)
    assert with_a_log.cycle == judged.cycle


def test_a_comment_of_a_unit_that_it_does_not_concern_is_called_a_third_party_s() -> None:
    *told, kept = carried()
    said_ = [said("Comment", "3 12:00", {"text": "x"}, unit=unit, about=kept.digest,
                  content=packed(Stance.AGREES)) for unit in (M1, M3)]  # fmt: skip
    judged = case(*told, kept, *said_)
    plain: dict[str, Any] = dict(answer_to_plain(answer(judged)))
    assert {e["unit"]: e["is_concerned"] for e in plain["statements"]} == {M1: True, M3: False}
    assert list_findings(judged) == list_findings(case(*told, kept))


# ---------------------------------------------------------------- what a receipt excepts


def test_what_was_not_in_the_box_was_last_seen_when_it_was_sent() -> None:
    *told, kept = carried()
    away = replace(told[2], facts={**told[2].facts, "lines.0.basis": "scanned"})
    line: dict[str, FieldValue] = {
        "lines.0.assembler": 1, "lines.0.package": "Q20", "lines.0.outcome": "missing",
    }  # fmt: skip
    short = replace(kept, facts={**kept.facts, **line})
    judged = case(*told[:2], away, *told[3:], short)
    (interval,) = intervals(judged)
    assert interval.says(judged).en.startswith("missing: last seen 2026-11-03 10:15")
    assert [h.unit for h in interval.held] == [L, M1]
    assert word(judged, "17") == "M1 met"
    assert word(judged, "24") == "L not_recorded, M1 met"
    order = ordered(2240, 2244, "5 09:10")
    asked = case(*told[:2], away, *told[3:], short, order)
    assert all(f.holder != M1 for f in list_findings(asked) if f.rule == "7")


def test_who_gets_it_after_a_re_route_owes_the_receipt_and_who_gave_it_back_none() -> None:
    away = sent(Purpose.CLEAN, "3 10:15", L, M1)
    box = away.act.subject_of(away.message)
    turned = said("Disposition", "3 10:40", {}, consignment=box, kind=2, receiver=M3)
    road = (opening(), load(), away, take("3 10:20", L, box, outcome="carried"), turned)
    kept = take("3 11:00", M3, box, outcome="kept")
    assert word(case(*road, give("3 10:55", L, M3, box), kept), "17") == "M3 met"
    back = take("3 11:00", L, box, outcome="kept")
    assert word(case(*road[:4], give("3 10:55", L, M1, box), back), "17") == "M1 not_applicable"
    late = take("3 11:26", L, box, outcome="kept")
    assert word(case(*road[:4], give("3 10:55", L, M1, box), late), "17") == "M1 not_recorded"
    no = take("3 11:00", M1, box, outcome="refused")
    assert word(case(*road[:4], give("3 10:55", L, M1, box), no), "17") == "M1 met"


def test_a_log_that_is_brought_later_counts_for_the_leg_that_its_readings_lie_in() -> None:
    *told, kept = carried()
    box = kept.message["consignment"]

    def log(begun: str, ended: str, unit: int = L, **facts: FieldValue) -> Said:
        times = {"begun_at": iso(begun), "ended_at": iso(ended)}
        return said("TransportLog", "6 09:00", {**times, **facts}, unit=unit, about=box)

    cold = log("3 10:10", "3 10:55", temperature="within", shock="none")
    assert word(case(*told, kept, cold), "16") == "L met"
    assert word(case(*told, kept, cold, log("3 10:10", "3 10:55", shock="outside")), "16") == (
        "L not_met"
    )
    early = log("2 10:10", "2 10:55", temperature="outside")
    assert word(case(*told, kept, early), "16") == "L not_recorded"
    theirs = log("3 10:10", "3 10:55", M1, temperature="outside")
    assert word(case(*told, kept, theirs), "16") == "L not_recorded"
    assert word(case(*told, kept, theirs, cold), "16") == "L disputed"
    stranger = case(*told, kept, log("3 10:10", "3 10:55", M3, temperature="within"))
    assert (word(stranger, "16"), [e.unit for e in stranger.strangers]) == ("L not_recorded", [M3])


def test_whom_an_early_release_was_for_stands_in_its_shares() -> None:
    shares = [{"owner": M3, "payer": M3, "packageClass": 1, "delta": 1}]
    early = decision(DecisionKind.EMERGENCY_RELEASE, "3 08:20", shares=shares)
    passed = entered(ResultWord.PASS, "5 08:05")
    own = {"kind": SubjectKind.CYCLE, "subject": to_hex(run(2241))}

    def seen(unit: int) -> Said:
        return said("Comment", "5 08:20", {}, unit=unit, about=passed.digest,
                    content=packed(Stance.SEEN))  # fmt: skip

    assert word(case(opening(), early, passed, seen(M1), **own), "7") == "L not_recorded"
    assert word(case(opening(), early, passed, seen(M3), **own), "7") == "L met"


# ---------------------------------------------------------------- assets


def test_an_asset_is_read_from_its_registration_its_reports_and_its_ways() -> None:
    registered = said("AssetRegistration", "1 08:00", {"code": "LS-7"}, code=b"\x07" * 32, kind=1)
    own = registered.act.subject_of(registered.message)
    away = sent(Purpose.LOAN, "3 10:15", L, M1, instruments=10)
    away = replace(away, message={**away.message, "asset": own})
    box = away.act.subject_of(away.message)
    kept = take("3 10:50", M1, box, outcome="kept", instruments=10)
    told = said("AssetReport", "4 10:00", {"what": "short", "instruments": 9,
                "instruments_expected": 10}, unit=M1, about=own)  # fmt: skip
    theirs = said("AssetReport", "4 11:00", {"what": "damaged"}, unit=M3, about=own)
    judged = case(registered, away, kept, told, theirs, kind=SubjectKind.ASSET, subject=to_hex(own))
    assert (judged.name, judged.owner, judged.is_loaner) == ("LS-7", L, True)
    assert [e.unit for e in judged.strangers] == [M3]
    (interval,) = intervals(judged)
    assert [h.unit for h in interval.held] == [M1]
    assert word(judged, "26") == "L met, M1 met"
