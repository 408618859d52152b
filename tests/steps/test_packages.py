"""Packages from assembly to use: what is said of them, and what the gates answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Table

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Party, Right, UnitRole
from ledger.domain.callers import Caller, Scope
from ledger.domain.custody.codes import Command, make_command
from ledger.domain.custody.gates import Gate, Word
from ledger.domain.custody.lines import Deed, package_subject
from ledger.domain.custody.reading import Reader
from ledger.domain.custody.recalls import Found
from ledger.domain.encoding.identifiers import (
    Digest,
    UnitNumber,
    consignment_id,
    serial_hash,
    to_hex,
)
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.evidence.shape import Subject
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.cosigning import submit_with
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.prepare import prepare
from ledger.steps.accepting.recalling import Recalled, RecallRequest, end_recall, order_recall
from ledger.steps.accepting.scanning import MIDNIGHT, NO_MOMENT, UNKNOWN, Scan, look, report
from ledger.steps.accepting.telling import refill
from ledger.steps.answering.custody import show_consignment
from ledger.steps.answering.duties import trace_of
from ledger.steps.answering.exporting import export_evidence
from ledger.steps.answering.packages import (
    find_package,
    gate,
    gate_counted,
    holdings,
    list_against,
    operations_read,
    trace,
    where,
)
from ledger.steps.answering.recalls import list_recalls, show_recall
from ledger.steps.answering.showing import show_cycle
from ledger.steps.answering.status import ChainStatus, put_chain_status
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.packages import check_packages
from ledger.steps.sending.refusals import refuse
from ledger.storage import packages
from ledger.storage.engine.database import Database
from ledger.storage.index import put
from ledger.storage.operations import get_operation, list_latest_operations
from tests.house import AT_A_DOOR, CENTRE, MEMBER, SERIAL, House, build_house


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre and a member whose people scan and answer."""
    house = build_house(database, tmp_path)
    for unit in (CENTRE, MEMBER):
        house.enrol(unit, f"Scanner {unit}", Right.SCAN)
        house.enrol(unit, f"Answers {unit}", Right.ANSWER)
    return house


def packed(house: House, *serials: str, expires: str = "2027-05-01") -> None:
    with house.instance.database.transaction() as tx:
        wanted = Assembly(set=None, serials=serials, expires=expires)
        assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)


def scanned(house: House, unit: int, *scans: Scan) -> list[str]:
    with house.instance.database.transaction() as tx:
        _, looks = report(house.instance, tx, house.caller, unit, scans, AT_A_DOOR)
    return [each.text() for each in looks]


def loaded(house: House, number: int, *serials: str) -> None:
    house.open(number)
    house.say(
        "LoadDeclaration",
        cycle=f"{SERIAL}/{number}",
        lines=[
            {"owner": "member", "package_class": 1, "quantity": 1, "package": f"1/{serial}"}
            for serial in serials
        ],
    )
    house.end(number)


def released(house: House, number: int, count: int, *lines: dict[str, str], **more: object) -> None:
    house.say(
        "CycleDecision",
        cycle=f"{SERIAL}/{number}",
        decision="release",
        shares=[{"owner": "member", "package_class": 1, "delta": count}] if count else [],
        results={"physical": "pass"},
        lines=list(lines),
        **more,
    )


def asked(house: House, which: Gate, said: str, unit: int = CENTRE) -> str:
    with house.instance.database.reading() as tx:
        return gate(house.instance, tx, house.caller, which, said, unit=unit).text()


def differences(house: House) -> list[str]:
    findings = Findings()
    with house.instance.database.reading() as tx:
        check_packages(
            Stored(
                ours=tx,
                vault=house.instance.vault,
                deployment=house.instance.deployment(),
                findings=findings,
            )
        )
    return [str(each) for each in findings.listed]


def test_a_package_passes_the_gate_only_once_its_cycle_is_released(house: House) -> None:
    packed(house, "Q01", "Q02")
    assert asked(house, Gate.ISSUE, "1/Q01") == "no: in no declared load"
    loaded(house, 1, "Q01", "Q02")
    assert asked(house, Gate.ISSUE, "centre/Q01") == f"no: cycle {SERIAL}/1 is not released"
    released(house, 1, 2)
    assert asked(house, Gate.ISSUE, "1/Q01") == "yes"
    assert asked(house, Gate.USE, "1/Q01", MEMBER).startswith("no: not here: at centre since ")
    assert differences(house) == []


def test_shares_are_the_lines_without_what_is_left_out(house: House) -> None:
    packed(house, "Q01", "Q02", "Q03")
    loaded(house, 1, "Q01", "Q02", "Q03")
    left = {"package": "1/Q02", "outcome": "wet"}
    with pytest.raises(InvalidInput, match="the lines say 2"), house.nothing_stored():
        released(house, 1, 3, left)
    with pytest.raises(InvalidInput, match="not in the declared load"):
        released(house, 1, 3, {"package": "1/Q09", "outcome": "wet"})
    released(house, 1, 2, left)
    assert asked(house, Gate.USE, "1/Q02") == "no: left out of the release"


def test_what_was_used_is_recorded_with_what_the_gate_says_of_it(house: House) -> None:
    packed(house, "E05", expires="2026-11-01")
    loaded(house, 1, "E05")
    released(house, 1, 1)
    (told,) = scanned(house, CENTRE, Scan(act=Deed.USED, said="1/E05", case="k7"))
    assert told == "1/E05: used; no: expired on 2026-11-01"
    with house.instance.database.reading() as tx:
        (kept,) = list_against(tx, house.caller)
        assert (kept.deed, kept.against) == ("used", "no: expired on 2026-11-01")
        assert where(tx, house.caller, "1/E05").stage == "used"


def test_issuing_against_a_gate_takes_a_reason(house: House) -> None:
    packed(house, "Q01")
    with pytest.raises(Refused, match="in no declared load"), house.nothing_stored():
        scanned(house, CENTRE, Scan(act=Deed.ISSUED, said="1/Q01"))
    scanned(house, CENTRE, Scan(act=Deed.ISSUED, said="1/Q01", reason="no other set"))


def test_what_a_gate_says_is_asked_and_not_taken_from_who_reports(house: House) -> None:
    packed(house, "Q01")
    line = {"act": "issued", "package": "1/Q01", "basis": "scanned"}
    for told in ({}, {"against": "yes"}):
        with pytest.raises(InvalidInput, match="reason"), house.nothing_stored():
            house.say("ScanReport", unit="centre", lines=[{**line, **told}])
    house.say("ScanReport", unit="centre", lines=[{**line, "reason": "no other set"}])
    with house.instance.database.reading() as tx:
        (kept,) = list_against(tx, house.caller)
    assert kept.against == "no: in no declared load"


@pytest.mark.parametrize(
    "seen, told",
    [
        # what others recorded may be anything before anybody looked
        (None, "cannot know: nothing was heard since 2"),
        # a quiet group: its newest block is a day old, and a minute ago there was no other
        ({"minutes": 1}, "yes"),
        # the worker, or its node, is away
        ({"minutes": 16}, "cannot know: nothing was heard since 2"),
        # a far younger block is there and was not read
        ({"minutes": 1, "final": 90}, "cannot know: nothing was heard since 2"),
    ],
)
def test_a_gate_knows_as_long_as_the_groups_chain_is_followed(
    house: House, seen: dict[str, int] | None, told: str
) -> None:
    packed(house, "Q01")
    loaded(house, 1, "Q01")
    released(house, 1, 1)
    settings = house.instance.settings.model_copy(update={"chain_url": "http://node.invalid"})
    there = replace(house.instance, settings=settings)
    now = there.clock()
    with there.database.transaction() as tx:
        if seen is not None:
            put_chain_status(
                tx,
                ChainStatus(
                    height=7, hash=bytes(32), timestamp=now - timedelta(days=1), indexed=7,
                    final=seen.get("final", 7), open_because=None,
                    at=now - timedelta(minutes=seen["minutes"]),
                ),
            )  # fmt: skip
    with there.database.reading() as tx:
        answer = gate(there, tx, house.caller, Gate.USE, "1/Q01", unit=CENTRE)
    assert answer.text().startswith(told)
    assert answer.unchecked == (() if told == "yes" else ("release", "recall"))


def test_a_last_day_that_is_no_day_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput, match="is no day"), house.nothing_stored():
        packed(house, "Q01", expires="2026-13-45")


def test_the_same_line_twice_in_one_list_is_taken_once(house: House) -> None:
    packed(house, "Q01")
    used = Scan(act=Deed.USED, said="1/Q01", happened=house.clock())
    assert scanned(house, CENTRE, used, used)[1] == "was reported before: left out"
    with house.instance.database.reading() as tx:
        assert where(tx, house.caller, "1/Q01").out_of_order == ("used after assembled",)


def test_a_decision_of_packages_names_those_of_its_own_load(house: House) -> None:
    packed(house, "Q01", "Q02")
    loaded(house, 1, "Q01")
    loaded(house, 2, "Q02")
    decided = {"decision": "recall", "reason": "by mistake", "lines": [{"package": "1/Q01"}]}
    with pytest.raises(InvalidInput, match="not in the declared load"), house.nothing_stored():
        house.say("PackageDecision", cycle=f"{SERIAL}/2", **decided)
    house.say("PackageDecision", cycle=f"{SERIAL}/1", **decided)
    assert asked(house, Gate.USE, "1/Q01") == f"no: recalled; cycle {SERIAL}/1 is not released"


def test_what_was_done_against_a_gate_is_read_page_by_page_and_no_operation_is_parted(
    house: House,
) -> None:
    packed(house, "Q01", "Q02", "Q03")
    for serials in (("Q01",), ("Q02", "Q03")):
        scanned(house, CENTRE, *(Scan(act=Deed.USED, said=f"1/{each}") for each in serials))
    with house.instance.database.reading() as tx:
        first = list_against(tx, house.caller, limit=1)
        rest = list_against(tx, house.caller, before=first[-1].sequence, limit=1)
    assert [line.package for line in (*first, *rest)] == ["1/Q02", "1/Q03", "1/Q01"]


def test_another_units_report_contradicts_and_moves_nothing(house: House) -> None:
    packed(house, "Q01")
    scanned(house, MEMBER, Scan(act=Deed.USED, said="1/Q01"))
    with house.instance.database.reading() as tx:
        stands = where(tx, house.caller, "1/Q01")
    assert (stands.holder, stands.stage) == ("centre", "assembled")
    assert stands.contradicted_by[0].startswith("member: used at ")


def test_a_line_is_taken_back_by_not_so(house: House) -> None:
    packed(house, "Q01")
    scanned(house, CENTRE, Scan(act=Deed.MISSING, said="1/Q01"))
    with house.instance.database.reading() as tx:
        view = trace(tx, house.caller, "1/Q01")
    missing = next(line for line in view.lines if line.deed == "missing")
    back = f"{missing.digest}:{missing.line}"
    with pytest.raises(InvalidInput, match="reason"):
        scanned(house, CENTRE, Scan(act=Deed.NOT_SO, said="1/Q01", takes_back=back))
    with pytest.raises(Refused, match="no line that your unit reported"):
        scanned(house, MEMBER, Scan(act=Deed.NOT_SO, said="1/Q01", takes_back=back, reason="?"))
    scanned(house, CENTRE, Scan(act=Deed.NOT_SO, said="1/Q01", takes_back=back, reason="was there"))
    with house.instance.database.reading() as tx:
        view = trace(tx, house.caller, "1/Q01")
        assert view.standing.stage == "assembled"
        then = trace(tx, house.caller, "1/Q01", known=view.known - 1)
        assert then.standing.stage == "missing"
    assert differences(house) == []


def test_a_code_is_found_voided_by_a_reprint_and_a_question_when_it_fits_two(house: House) -> None:
    packed(house, "Q01", "Q02")
    for serial in ("Q01", "Q02"):
        house.say(
            "ScanReport", unit="centre",
            lines=[
                {"act": "labelled", "package": f"1/{serial}", "code": "77001", "basis": "typed"},
            ],
        )  # fmt: skip
    with house.instance.database.reading() as tx:
        (seen,) = look(house.instance, tx, CENTRE, [Scan(act=Deed.STORED, said="77001")])
    assert seen.question == "'77001' fits 1/Q01 and 1/Q02"
    house.say(
        "ScanReport", unit="centre",
        lines=[{"act": "label_voided", "package": "1/Q02", "code": "77001", "basis": "typed"}],
    )  # fmt: skip
    with house.instance.database.reading() as tx:
        (seen,) = look(house.instance, tx, CENTRE, [Scan(act=Deed.STORED, said="77001")])
    assert seen.package == "1/Q01"
    assert scanned(house, CENTRE, Scan(act=Deed.FOUND, said="99999")) == [
        "unknown code 99999: found"
    ]
    assert differences(house) == []


def test_a_recall_holds_everything_at_once_and_suspends_the_machine(house: House) -> None:
    packed(house, "Q01", "Q02", "Q03")
    loaded(house, 1, "Q01", "Q02")
    released(house, 1, 2)
    loaded(house, 2, "Q03")
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q02", case="k9"))
    wanted = RecallRequest(
        equipment=SERIAL, first=1, last=3, cause="biological", reason="BI of 1 failed",
        is_mock=True,
    )  # fmt: skip
    with house.nothing_stored(), house.instance.database.transaction() as tx:
        mock = order_recall(house.instance, tx, house.caller, wanted, AT_A_DOOR)
    assert (mock.view.packages, mock.view.used, mock.view.to_find, mock.view.gaps) == (3, 1, 2, 1)
    with house.instance.database.transaction() as tx:
        real = RecallRequest(
            equipment=SERIAL, first=1, last=3, cause="biological", reason="BI of 1 failed"
        )
        done = order_recall(house.instance, tx, house.caller, real, AT_A_DOOR)
    assert done.decided == {1: "recalled", 2: "rejected"}
    assert asked(house, Gate.USE, "1/Q01") == "no: recalled"
    assert done.view.order is not None
    house.say(
        "RecallAnswer", unit="centre", order=done.view.order, found=1, asked=2,
        lines=[
            {"package": "1/Q01", "outcome": "found"},
            {"package": "1/Q03", "outcome": "not_found"},
        ],
    )  # fmt: skip
    with house.instance.database.transaction() as tx:
        _, view = end_recall(
            house.instance, tx, house.caller, done.view.order, "searched", AT_A_DOOR
        )
    assert (view.found, view.to_find, view.has_ended) == (1, 2, True)
    assert view.cannot_be_excluded == ("1/Q03",)
    # suspended until three cycles in a row passed
    for number in (4, 5, 6):
        packed(house, f"W0{number}")
        loaded(house, number, f"W0{number}")
        with pytest.raises(Refused, match="suspended"):
            released(house, number, 1)
        house.say("ResultEntry", cycle=f"{SERIAL}/{number}", result="biological", word="pass")
    released(house, 6, 1)
    assert asked(house, Gate.ISSUE, "1/W06") == "yes"
    assert differences(house) == []


def test_what_is_only_counted_is_asked_back_and_nobody_can_say_where(house: House) -> None:
    house.open(1)
    lines = [{"owner": "member", "package_class": 1, "quantity": 4}]
    house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=lines)
    done = ordered_back(house)
    assert (done.view.packages, done.view.counted_only) == (0, 4)
    member = replace(house.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}))
    with house.instance.database.reading() as tx:
        assert [each.counted_only for each in list_recalls(tx, member)] == [4]


def test_who_was_not_told_finds_nothing_and_a_notice_twice_asks_once(travelling: House) -> None:
    house = travelling
    order = ordered_back(house).view.order
    assert order is not None
    house.say(
        "RecallNotice", equipment=SERIAL, order=order, to="member", reached_by="call_confirmed",
        lines=[{"package": "1/Q01"}],
    )  # fmt: skip
    house.admit(8, "stranger", UnitRole.USER)
    house.enrol(8, "Answers 8", Right.ANSWER)
    house.say("RecallAnswer", unit=8, order=order, found=50, asked=50)
    house.say("RecallAnswer", unit=MEMBER, order=order, found=9, asked=9)
    with house.instance.database.reading() as tx:
        view = show_recall(tx, house.caller, order)
    asked_for = {each.name: each.asked for each in view.units}
    assert asked_for == {"centre": 3, "member": 3, "stranger": 0}
    assert (view.to_find, view.found) == (3, 3)


def test_a_recall_asks_for_what_its_load_names_and_another_unit_has(house: House) -> None:
    scanned(house, MEMBER, Scan(act=Deed.ASSEMBLED, said="2/X1"))
    house.open(1)
    lines = [{"owner": "centre", "package_class": 1, "quantity": 1, "package": "2/X1"}]
    house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=lines)
    centre = replace(house.caller, unit=CENTRE, scopes=frozenset({Scope.READ_UNIT}))
    order = ordered_back(house).view.order
    assert order is not None
    with house.instance.database.reading() as tx:
        (hidden,) = show_recall(tx, centre, order).reached
        (whole,) = show_recall(tx, house.caller, order).reached
    assert (hidden.package, hidden.holder, hidden.cannot_be_excluded) == ("2/X1", None, True)
    assert (whole.holder, whole.concerns) == (MEMBER, (MEMBER,))


def test_recalls_are_read_page_by_page_and_an_end_takes_no_place(house: House) -> None:
    packed(house, "Q01")
    loaded(house, 1, "Q01")
    orders = [ordered_back(house).view.order for _ in range(2)]
    with house.instance.database.transaction() as tx:
        end_recall(house.instance, tx, house.caller, str(orders[1]), "all found", AT_A_DOOR)
    with house.instance.database.reading() as tx:
        first = list_recalls(tx, house.caller, limit=1)
        rest = list_recalls(tx, house.caller, before=first[-1].cursor, limit=1)
        assert list_recalls(tx, house.caller, before=rest[-1].cursor) == []
    assert [view.order for view in (*first, *rest)] == orders[::-1]


def test_a_range_that_nobody_can_mean_is_refused_also_when_it_only_looks(house: House) -> None:
    for first, last in ((1, 2**53 - 1), (5, 4)):
        wanted = RecallRequest(
            equipment=SERIAL, first=first, last=last, cause="water", reason="?", is_mock=True
        )
        with (
            pytest.raises(InvalidInput, match="ends"),
            house.instance.database.transaction() as tx,
        ):
            order_recall(house.instance, tx, house.caller, wanted, AT_A_DOOR)


def ordered_back(house: House) -> Recalled:
    wanted = RecallRequest(
        equipment=SERIAL, first=1, last=1, cause="biological", reason="BI of 1 failed"
    )
    with house.instance.database.transaction() as tx:
        return order_recall(house.instance, tx, house.caller, wanted, AT_A_DOOR)


def test_a_result_that_comes_after_a_release_is_seen_by_the_gate(house: House) -> None:
    packed(house, "Q01")
    loaded(house, 1, "Q01")
    released(house, 1, 1)
    house.say("ResultEntry", cycle=f"{SERIAL}/1", result="biological", word="fail")
    assert asked(house, Gate.USE, "1/Q01") == f"no: cycle {SERIAL}/1: biological did not pass"


def test_refilled_tables_are_those_that_were_kept(house: House) -> None:
    packed(house, "Q01", "Q02")
    loaded(house, 1, "Q01", "Q02")
    released(house, 1, 2)
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q02", case="k9"))
    before = rows(house)
    with house.instance.database.transaction() as tx:
        assert refill(tx) == len(before["package_lines"])
    assert rows(house) == before


def rows(house: House) -> dict[str, list[tuple[object, ...]]]:
    with house.instance.database.reading() as tx:
        return {
            table.name: sorted(map(tuple, tx.execute(table.select())), key=repr)
            for table in (
                packages.package_lines, packages.packages, packages.codes, packages.package_readers,
            )
        }  # fmt: skip


def test_a_unit_reads_what_it_has_and_nothing_of_others(house: House) -> None:
    packed(house, "Q01")
    member = replace(house.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}))
    with house.instance.database.reading() as tx:
        with pytest.raises(NotFound):
            trace(tx, member, "1/Q01")
        with pytest.raises(NotFound):
            holdings(house.instance, tx, member, CENTRE)
        held = holdings(house.instance, tx, house.caller, CENTRE)
        assert (held.count, held.packages[0]["package"]) == (1, "1/Q01")
        assert (
            gate(house.instance, tx, house.caller, Gate.USE, "1/Q77", unit=1).word
            is Word.CANNOT_KNOW
        )


def test_a_serial_is_used_once(house: House) -> None:
    packed(house, "Q01")
    with pytest.raises(Conflict), house.nothing_stored():
        packed(house, "Q01")


def sent(house: House, slip: str, *serials: str, **more: object) -> str:
    digest = house.say(
        "Dispatch", unit=CENTRE, slip=slip, receiver=MEMBER, taker=MEMBER, purpose="clean",
        lines=[
            {"assembler": CENTRE, "package": serial, "quantity": 1, "basis": "scanned"}
            for serial in serials
        ],
        **more,
    ).digest  # fmt: skip
    return digest.hex()


def test_a_name_that_another_unit_mistypes_is_still_to_be_assembled(house: House) -> None:
    scanned(house, MEMBER, Scan(act=Deed.STORED, said="1/Q50"))
    packed(house, "Q50")
    with pytest.raises(Conflict), house.nothing_stored():
        packed(house, "Q50")


def test_a_preview_says_what_a_person_has_to_look_at(house: House) -> None:
    then = house.instance.clock() - timedelta(hours=30)
    scans = [
        Scan(act=Deed.STORED, said="1/NOPE", happened_text="13:61"),
        Scan(act=Deed.ASSEMBLED, said="R9.1", set="HIP", basis="imported", happened=then),
        Scan(
            act=Deed.STORED, said="centre/NOPE", basis="imported",
            happened=then - timedelta(hours=23),
        ),
        Scan(act=Deed.STORED, said="1/NOPE", happened=then + timedelta(days=365)),
        Scan(act=Deed.NOT_SO, said="1/NOPE", reason="another"),
    ]  # fmt: skip
    with house.instance.database.reading() as tx:
        told = [each.text() for each in look(house.instance, tx, CENTRE, scans)]
    assert told[0] == f"1/NOPE: stored ({NO_MOMENT}) ({UNKNOWN})"
    assert told[1] == "unknown code R9.1, 1/HIP: assembled"
    assert told[2] == f"1/NOPE: stored ({MIDNIGHT}) ({UNKNOWN})"
    assert "lies after the signature" in told[3]
    assert told[4] == "question: the line that it takes back is not named"


def test_what_is_reported_has_happened(house: House) -> None:
    packed(house, "Q01")
    later = Scan(act=Deed.STORED, said="1/Q01", happened=house.clock() + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="after the signature"), house.nothing_stored():
        scanned(house, CENTRE, later)
    with pytest.raises(InvalidInput, match="after the signature"), house.nothing_stored():
        house.say(
            "ScanReport", unit="centre", happened={"utc": datetime(2062, 1, 1, tzinfo=UTC)},
            lines=[{"act": "stored", "package": "1/Q01", "basis": "typed"}],
        )  # fmt: skip


@pytest.fixture
def travelling(house: House) -> House:
    """Three released packages on their way to the member."""
    house.enrol(CENTRE, "Sender", Right.DISPATCH)
    house.enrol(MEMBER, "Receiver", Right.RECEIVE | Right.CARRY)
    packed(house, "Q01", "Q02", "Q03")
    loaded(house, 1, "Q01", "Q02", "Q03")
    released(house, 1, 3)
    sent(house, "4711", "Q01", "Q02", "Q03")
    return house


def test_a_consignment_moves_its_packages_from_hand_to_hand(travelling: House) -> None:
    house = travelling
    assert asked(house, Gate.USE, "1/Q01", MEMBER) == "no: in transit to member"
    house.say(
        "TakeOver", unit=MEMBER, consignment="centre/4711", outcome="kept",
        lines=[
            {"outcome": "accepted", "assembler": CENTRE, "package": "Q01", "basis": "scanned"},
            {"outcome": "accepted", "assembler": CENTRE, "package": "Q02", "basis": "inferred"},
        ],
    )  # fmt: skip
    assert asked(house, Gate.USE, "1/Q01", MEMBER) == "yes"
    with house.instance.database.reading() as tx:
        first, second, third = (where(tx, house.caller, f"1/Q0{n}") for n in (1, 2, 3))
        assert (first.holder, first.stage, first.basis) == ("member", "stored", "scanned")
        assert (second.holder, second.basis, second.last_seen_by) == (
            "member",
            "inferred",
            "centre",
        )
        assert (third.holder, third.stage) == ("centre", "missing")
        assert holdings(house.instance, tx, house.caller, MEMBER).count == 2
    before = rows(house)
    with house.instance.database.transaction() as tx:
        refill(tx)
    assert rows(house) == before
    assert differences(house) == []


def test_a_package_is_not_offered_twice_without_a_reason(travelling: House) -> None:
    with pytest.raises(Refused, match="in transit to member"), travelling.nothing_stored():
        sent(travelling, "4712", "Q01")
    sent(travelling, "4712", "Q01", reason="the first box came back")
    with travelling.instance.database.reading() as tx:
        (kept,) = list_against(tx, travelling.caller)
    assert (kept.deed, kept.reason) == ("dispatched", "the first box came back")


def test_what_was_prepared_is_held_against_the_gates_again(travelling: House) -> None:
    house = travelling
    packed(house, "Q04")
    loaded(house, 2, "Q04")
    released(house, 2, 1)
    values = {
        "unit": CENTRE, "receiver": MEMBER, "taker": MEMBER, "purpose": "clean",
        "lines": [{"assembler": CENTRE, "package": "Q04", "basis": "scanned"}],
    }  # fmt: skip
    waiting = []
    for slip in ("4712", "4713"):
        with house.instance.database.transaction() as tx:
            told = {**values, "slip": slip}
            draft = make_draft(house.instance, tx, house.caller, ACTS["Dispatch"], told, AT_A_DOOR)
            waiting.append(prepare(house.instance, tx, house.caller, draft).operation.digest)

    def submitted(digest: Digest) -> None:
        with house.instance.database.transaction() as tx:
            submit_with(house.instance, tx, house.caller, digest, {}, held=[Party.SIGNER])

    submitted(waiting[0])
    with pytest.raises(Conflict, match="in transit to member"), house.nothing_stored():
        submitted(waiting[1])


def test_who_only_counts_asks_of_the_cycle_that_the_list_names(travelling: House) -> None:
    cycle = f"{SERIAL}/1"
    member = replace(travelling.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}))

    def counted() -> str:
        with travelling.instance.database.reading() as tx:
            return gate_counted(tx, member, Gate.USE, cycle).text()

    with pytest.raises(NotFound):
        counted()
    travelling.say(
        "Dispatch", unit=CENTRE, slip="4715", receiver=MEMBER, taker=MEMBER, purpose="clean",
        lines=[{"package_class": 1, "quantity": 4, "cycle": cycle, "basis": "counted"}],
    )  # fmt: skip
    assert counted() == f"cannot know: counted only, cycle {cycle} at best"


def test_a_refused_dispatch_is_told_again_under_its_slip(travelling: House) -> None:
    house = travelling
    with house.instance.database.reading() as tx:
        first = list_latest_operations(tx, kind="Dispatch", limit=1)[0].digest
    carried = house.say("TakeOver", unit=MEMBER, consignment="centre/4711", outcome="carried")
    refused(house, carried.digest)
    refused(house, first)
    sent(house, "4711", "Q01", "Q02", reason="told again", retells=to_hex(first))
    house.say("HandOver", unit=CENTRE, consignment="centre/4711", taker=MEMBER)
    house.say("TakeOver", unit=MEMBER, consignment="centre/4711", outcome="kept", rest="scanned")
    with house.instance.database.reading() as tx:
        one, left = (where(tx, house.caller, name) for name in ("1/Q01", "1/Q03"))
        view = show_consignment(tx, house.caller, "centre/4711")
    assert (one.holder, one.contradicted_by) == ("member", ())
    assert (left.holder, left.stage) == ("centre", "loaded"), "the second list leaves it out"
    assert [(each.names, each.sent) for each in view.lines or ()] == [
        ("package Q01 of unit 1", 1), ("package Q02 of unit 1", 1),
    ]  # fmt: skip
    assert differences(house) == []


def test_a_cancelled_consignment_leaves_its_packages_where_they_were(travelling: House) -> None:
    travelling.say(
        "Disposition", unit=CENTRE, consignment="centre/4711", kind="cancel", reason="no van"
    )
    with travelling.instance.database.reading() as tx:
        stands = where(tx, travelling.caller, "1/Q01")
    assert (stands.holder, stands.stage, stands.destination) == ("centre", "loaded", None)
    assert differences(travelling) == []


def test_what_one_says_and_another_denies_is_both_told(travelling: House) -> None:
    scanned(travelling, MEMBER, Scan(act=Deed.USED, said="1/Q01", case="k3"))
    with travelling.instance.database.reading() as tx:
        stands = where(tx, travelling.caller, "1/Q01")
    assert (stands.stage, stands.holder) == ("offered", "centre")
    assert [each.split(":")[0] for each in stands.contradicted_by] == ["member"]


# ---------------------------------------------------------------- who had it, and has it no more

VAN, WARD = 7, 8


def handed(house: House, by: int, to: int, slip: str, *serials: str, taker: int) -> str:
    """Dispatched, an hour after the last word, and taken by `taker`; the consignment's name."""
    house.clock.advance(hours=1)
    house.say(
        "Dispatch", unit=by, slip=slip, receiver=to, taker=taker, purpose="clean",
        lines=[{"assembler": CENTRE, "package": e, "basis": "scanned"} for e in serials],
        reason="asked for",
    )  # fmt: skip
    name = f"{by}/{slip}"
    outcome = "kept" if taker == to else "carried"
    house.clock.advance(hours=1)
    house.say("TakeOver", unit=taker, consignment=name, outcome=outcome, rest="scanned")
    return name


@pytest.fixture
def lent(travelling: House) -> House:
    """A package that a van brought to the member, which lent it to the ward, got it and used it."""
    house = travelling
    house.admit(VAN, "van", UnitRole.CARRIER)
    house.admit(WARD, "ward", UnitRole.USER)
    house.enrol(VAN, "Driver", Right.CARRY)
    house.enrol(WARD, "Desk", Right.DISPATCH | Right.RECEIVE)
    house.enrol(MEMBER, "Lender", Right.DISPATCH)
    house.say("Disposition", unit=CENTRE, consignment="centre/4711", kind="cancel", reason="no van")
    box = handed(house, CENTRE, MEMBER, "30", "Q01", "Q02", taker=VAN)
    house.say("HandOver", unit=VAN, consignment=box, taker=MEMBER)
    house.clock.advance(hours=1)
    house.say("TakeOver", unit=MEMBER, consignment=box, outcome="kept", rest="scanned")
    handed(house, MEMBER, WARD, "30", "Q01", taker=WARD)
    handed(house, WARD, MEMBER, "31", "Q01", taker=MEMBER)
    house.clock.advance(hours=1)
    scanned(house, MEMBER, Scan(act=Deed.USED, said="1/Q01", case="k3"))
    return house


def reading(house: House, unit: int) -> Caller:
    return replace(house.caller, unit=unit, scopes=frozenset({Scope.READ_UNIT}))


def test_a_carrier_is_told_how_much_it_has_and_no_name(lent: House) -> None:
    handed(lent, MEMBER, WARD, "32", "Q02", taker=VAN)
    with lent.instance.database.reading() as tx:
        told = holdings(lent.instance, tx, reading(lent, VAN), VAN)
        assert (told.count, told.packages) == (1, ())
        whole = holdings(lent.instance, tx, lent.caller, VAN)
        assert [each["package"] for each in whole.packages] == ["1/Q02"]


def test_a_recall_tells_who_had_a_package_no_more_than_its_own_trace(lent: House) -> None:
    order = ordered_back(lent).view.order
    assert order is not None
    with lent.instance.database.reading() as tx:
        for caller in (lent.caller, reading(lent, CENTRE), reading(lent, MEMBER)):
            (whole,) = (e for e in show_recall(tx, caller, order).reached if e.package == "1/Q01")
            assert (whole.used_by, whole.found) == (MEMBER, Found.USED)
        view = show_recall(tx, reading(lent, WARD), order)
        (own,) = view.reached
        assert (own.package, own.used_by, own.seen_by) == ("1/Q01", None, MEMBER)
        assert (own.found, view.used) == (Found.TO_FIND, 0)
        assert [each.order for each in list_recalls(tx, reading(lent, WARD))] == [order]
        # whoever only carried it has nothing of it any more
        assert list_recalls(tx, reading(lent, VAN)) == []
        with pytest.raises(NotFound):
            show_recall(tx, reading(lent, VAN), order)


def test_an_answer_names_nothing_that_came_after_the_readers_own_hand_over(lent: House) -> None:
    with lent.instance.database.reading() as tx:
        used = to_hex(list_latest_operations(tx, kind="ScanReport", limit=1)[0].digest)
        for unit, reads in ((MEMBER, True), (WARD, False), (VAN, False)):
            _, own = trace_of(tx, reading(lent, unit), "package", "1/Q01")
            assert own, unit
            assert (used in own) is reads, unit


def test_a_notice_is_read_by_whom_its_packages_concern(lent: House) -> None:
    order = ordered_back(lent).view.order
    told = {"equipment": SERIAL, "order": order, "to": "member", "reached_by": "call_confirmed"}
    digests = [
        lent.say("RecallNotice", **told, lines=[{"package": name}]).digest
        for name in ("1/Q01", "1/Q02")
    ]
    with lent.instance.database.reading() as tx:
        found = find_package(tx, reading(lent, WARD), "1/Q01")
        may_read = operations_read(Reader(unit=WARD), found.package, found.lines)
        stored = [get_operation(tx, digest) for digest in digests]
    rows = [
        IndexedOperation(
            digest=each.digest, kind=each.kind, unit=each.unit, subject=each.subject,
            also=None, message=b"{}", new_key=None, record=bytes(32), height=1, timestamp=1,
            block_hash=bytes(32), tx_hash=bytes(32), position=0, head=bytes(32),
        )
        for each in stored
    ]  # fmt: skip
    assert [may_read(row) for row in rows] == [True, False]


def test_a_carrier_is_given_no_file_of_what_it_carries(lent: House) -> None:
    handed(lent, MEMBER, WARD, "32", "Q02", taker=VAN)
    subject = Subject(type="package", id=package_subject("1/Q02"))
    with lent.instance.database.reading() as tx, pytest.raises(Refused, match="carries"):
        export_evidence(lent.instance, tx, reading(lent, VAN), subject)


# ---------------------------------------------------------------- refused by the chain, tampered


def refused(house: House, digest: bytes) -> None:
    with house.instance.database.transaction() as tx:
        refuse(tx, Digest(digest), "the signer was revoked meanwhile", house.clock())


def test_a_report_that_the_chain_refuses_stays_and_says_so(house: House) -> None:
    packed(house, "Q01")
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q01", case="k1"))
    with house.instance.database.reading() as tx:
        digest = list_latest_operations(tx, kind="ScanReport", limit=1)[0].digest
    refused(house, digest)
    with house.instance.database.reading() as tx:
        view = trace(tx, house.caller, "1/Q01")
    assert view.standing.stage == "used"
    assert {line.chain for line in view.lines if line.deed == "used"} == {"reported, not on chain"}
    assert differences(house) == []


def test_a_load_that_the_chain_refuses_never_stood(house: House) -> None:
    packed(house, "Q01")
    loaded(house, 1, "Q01")
    with house.instance.database.reading() as tx:
        digest = list_latest_operations(tx, kind="LoadDeclaration", limit=1)[0].digest
    refused(house, digest)
    assert asked(house, Gate.ISSUE, "1/Q01") == "no: in no declared load"
    assert differences(house) == []


def test_an_amended_load_leaves_out_what_the_first_one_named(house: House) -> None:
    packed(house, "Q01", "Q02")
    loaded(house, 1, "Q01", "Q02")
    house.say(
        "LoadDeclaration", cycle=f"{SERIAL}/1", reason="Q02 fell down",
        lines=[{"owner": "member", "package_class": 1, "quantity": 1, "package": "1/Q01"}],
    )  # fmt: skip
    released(house, 1, 1)
    assert asked(house, Gate.ISSUE, "1/Q01") == "yes"
    assert asked(house, Gate.ISSUE, "1/Q02") == "no: in no declared load"
    assert differences(house) == []


@pytest.mark.parametrize(
    "table, values",
    [
        (packages.package_lines, {"unit": 2}),
        (packages.package_lines, {"ended": 1}),
        (packages.packages, {"holder": 2}),
        (packages.codes, {"voided": 1}),
        (packages.package_readers, {"until": 5}),
    ],
    ids=lambda each: getattr(each, "name", None) or next(iter(each)),
)
def test_what_somebody_changes_in_the_tables_is_named_by_the_audit(
    house: House, table: Table, values: dict[str, int]
) -> None:
    packed(house, "Q01")
    with house.instance.database.transaction() as tx:
        tx.execute(table.update().values(**values))
    found = differences(house)
    assert any(table.name in each and next(iter(values)) in each for each in found)


def test_what_somebody_takes_out_of_the_tables_is_named_by_the_audit(house: House) -> None:
    packed(house, "Q01")
    for table in (
        packages.codes, packages.package_readers, packages.packages, packages.package_lines,
    ):  # fmt: skip
        with house.instance.database.transaction() as tx:
            tx.execute(table.delete())
        assert any(f"{table.name} " in each for each in differences(house))


def test_shares_that_do_not_fit_the_lines_are_named_by_the_audit(house: House) -> None:
    packed(house, "Q01", "Q02")
    loaded(house, 1, "Q01", "Q02")
    released(house, 1, 2)
    house.say(
        "PackageDecision", cycle=f"{SERIAL}/1", decision="exclude", reason="torn",
        lines=[{"package": "1/Q02"}],
    )  # fmt: skip
    assert asked(house, Gate.USE, "1/Q02") == "no: left out of the release"
    assert differences(house) == []
    with pytest.raises(InvalidInput, match="the lines say 1"):
        house.say(
            "CycleDecision", cycle=f"{SERIAL}/1", decision="correct", reason="other",
            shares=[{"owner": "member", "package_class": 1, "delta": -2}],
        )  # fmt: skip
    house.say(
        "CycleDecision", cycle=f"{SERIAL}/1", decision="correct", reason="Q02 is torn",
        shares=[{"owner": "member", "package_class": 1, "delta": -1}],
    )  # fmt: skip
    assert differences(house) == []


def test_a_list_of_scans_is_taken_whole_or_not_at_all(house: House) -> None:
    packed(house, "Q01")
    good = Scan(act=Deed.STORED, said="1/Q01")
    with pytest.raises(InvalidInput, match="two codes"), house.nothing_stored():
        scanned(house, CENTRE, good, Scan(act=Deed.STORED, said="SL1PQ0123\tSL1PQ0220"))


def test_soiled_instruments_are_those_of_the_last_package_of_their_set(house: House) -> None:
    house.say("SetDefinition", unit="centre", set="HIP", version=1, instruments=37)
    with house.instance.database.transaction() as tx:
        for serial in ("H1", "H2"):
            wanted = Assembly(set="HIP", serials=[serial], expires="2027-01-01")
            assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)
    scanned(house, CENTRE, Scan(act=Deed.OPENED, said="1/H1"))
    soiled = Scan(act=Deed.RECEIVED_SOILED, set="HIP", basis="counted")
    assert scanned(house, CENTRE, soiled) == ["1/H1: received soiled"]
    with house.instance.database.reading() as tx:
        assert trace(tx, house.caller, "1/H1").lines[-1].basis == "inferred"
    scanned(house, CENTRE, Scan(act=Deed.OPENED, said="1/H2"))
    with pytest.raises(InvalidInput, match="1/H2 or 1/H1"):
        scanned(house, CENTRE, soiled)


def test_cards_between_the_shots_speak_of_the_one_before(house: House) -> None:
    packed(house, "Q01", "Q02")
    said = ["1/Q01", make_command(Command.WET), "1/Q02", make_command(Command.UNDO)]
    shots = [Scan(act=Deed.STORED, said=each, basis="scanned") for each in said]
    assert scanned(house, CENTRE, *shots) == ["1/Q01: stored", "1/Q01: wet"]
    with pytest.raises(InvalidInput, match="before any package"), house.nothing_stored():
        scanned(house, CENTRE, shots[1])


@pytest.mark.parametrize("of", ["cycle", "machine", "consignment"])
def test_what_another_instance_of_the_chain_recorded_is_said_to_be_not_readable_here(
    travelling: House, of: str
) -> None:
    house = travelling
    box = consignment_id(UnitNumber(CENTRE), serial_hash("4711"))
    about = {"cycle": house.cycle(1).id, "machine": house.equipment, "consignment": box}[of]
    kinds = {"cycle": "ResultEntry", "machine": "RecallOrder", "consignment": "TakeOver"}
    before = asked(house, Gate.USE, "1/Q01", MEMBER)
    assert "not readable" not in before
    with house.instance.database.transaction() as tx:
        put(
            tx,
            [
                IndexedOperation(
                    digest=Digest(b"\x55" * 32), kind=kinds[of], unit=CENTRE, subject=about,
                    also=None, message=b"{}", new_key=None, record=bytes(32), height=1,
                    timestamp=1, block_hash=bytes(32), tx_hash=bytes(32), position=0,
                    head=bytes(32),
                )
            ],
        )  # fmt: skip
    after = asked(house, Gate.USE, "1/Q01", MEMBER)
    assert after == f"{before}; others recorded something about it that is not readable here"
    with house.instance.database.reading() as tx:
        assert where(tx, house.caller, "1/Q01").is_part_unknown
        remarks = show_cycle(tx, house.caller, f"{SERIAL}/1").remarks
    assert bool(remarks) is (of == "cycle")
