"""Baskets and containers: a code that stands for what lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.custody.codes import make_basket, read_shot
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.scanning import UNKNOWN, Scan, look, report
from ledger.steps.accepting.telling import refill
from ledger.steps.answering.baskets import BasketView, show_basket
from ledger.steps.answering.custody import show_consignment
from ledger.steps.answering.packages import holdings, where
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.packages import check_packages
from ledger.storage import packages
from ledger.storage.engine.database import Database
from tests.house import AT_A_DOOR, CENTRE, MEMBER, SERIAL, House, build_house

BASKET, OTHER = make_basket(1, "K7"), make_basket(1, "K8")
BOX = make_basket(1, "C2", is_container=True)


@pytest.fixture
def house(sqlite_database: Database, tmp_path: Path) -> House:
    """A centre that packed three packages of a set, two of which lie in a basket; and a member."""
    house = build_house(sqlite_database, tmp_path)
    house.enrol(CENTRE, "Desk", Right.SCAN | Right.DISPATCH)
    house.enrol(MEMBER, "Ward", Right.SCAN | Right.RECEIVE | Right.DISPATCH)
    with house.instance.database.transaction() as tx:
        wanted = Assembly(set="HIP", serials=["Q01", "Q02", "Q03"], expires="2027-05-01")
        assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)
    put(house, BASKET, "1/Q01", "1/Q02")
    return house


def scanned(house: House, unit: int, *scans: Scan) -> list[str]:
    with house.instance.database.transaction() as tx:
        _, looks = report(house.instance, tx, house.caller, unit, scans, AT_A_DOOR)
    return [each.text() for each in looks]


def put(house: House, basket: str, *names: str, unit: int = CENTRE) -> list[str]:
    scans = [Scan(act=Deed.PUT_IN, said=n, basis="scanned", basket=basket) for n in names]
    return scanned(house, unit, *scans)


def asked(house: House, scan: Scan, unit: int = CENTRE) -> str:
    with house.instance.database.reading() as tx:
        (found,) = look(house.instance, tx, unit, [scan])
    return found.text()


def shown(house: House, basket: str = BASKET, known: int | None = None) -> BasketView:
    with house.instance.database.reading() as tx:
        return show_basket(tx, house.caller, basket, known=known)


def inside(house: House, basket: str = BASKET, known: int | None = None) -> list[str]:
    return [each.package for each in shown(house, basket, known).packages]


def lines_of(house: House, slip: str, column: str) -> Sequence[str]:
    with house.instance.database.reading() as tx:
        view = show_consignment(tx, house.caller, f"centre/{slip}")
    return [getattr(each, column) for each in view.lines or ()]


def newest(house: House) -> int:
    with house.instance.database.reading() as tx:
        return packages.newest_sequence(tx)


def test_one_scan_of_a_basket_is_of_all_that_lies_in_it_and_is_inferred(house: House) -> None:
    assert scanned(house, CENTRE, Scan(act=Deed.STORED, said=BASKET, basis="scanned")) == [
        "1/Q01: stored",
        "1/Q02: stored",
    ]
    with house.instance.database.reading() as tx:
        last = packages.list_lines(tx, "1/Q01")[-1]
        assert (last.deed, last.basis, last.code) == (Deed.STORED, "inferred", BASKET)
        stands = where(tx, house.caller, "1/Q01")
    # whoever put it in had it before their eyes; who scanned the basket had not
    assert (stands.stage, stands.basket, stands.last_seen_by) == ("stored", BASKET, "centre")


def test_an_emptied_basket_is_empty_and_what_lay_in_it_is_known_as_it_was_then(
    house: House,
) -> None:
    before = newest(house)
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said=BASKET))
    assert (inside(house), inside(house, known=before)) == ([], ["1/Q01", "1/Q02"])
    assert asked(house, Scan(act=Deed.STORED, said=BASKET)) == (
        f"question: nothing that you have to do with is known to lie in {BASKET}"
    )
    assert asked(house, Scan(act=Deed.USED, said=BASKET)) == (
        f"question: {BASKET} is a basket: scan what lies in it"
    )
    put(house, BASKET, "1/Q01")
    scanned(house, CENTRE, Scan(act=Deed.OPENED, said="1/Q01"))
    assert inside(house) == [], "what was opened lies in no basket"


def test_a_package_in_two_baskets_is_noticed_and_lies_in_the_last(house: House) -> None:
    told = put(house, OTHER, "1/Q01")
    assert told == [f"1/Q01: put in (it lay in {BASKET}, and nobody took it out)"]
    assert (inside(house), inside(house, OTHER)) == (["1/Q02"], ["1/Q01"])
    with house.instance.database.reading() as tx:
        assert where(tx, house.caller, "1/Q01").out_of_order == ("put_in after assembled",)
    for basket, told_so in ((None, "is not named"), ("1/Q02", "is the code of no basket")):
        scan = Scan(act=Deed.PUT_IN, said="1/Q03", basket=basket)
        assert told_so in asked(house, scan)


def test_a_basket_is_loaded_dispatched_and_received_by_its_code(house: House) -> None:
    house.open(1)
    line = {"owner": "member", "package_class": 1, "package": BASKET, "quantity": 2}
    house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=[line])
    house.end(1)
    house.say(
        "CycleDecision", cycle=f"{SERIAL}/1", decision="release", results={"physical": "pass"},
        shares=[{"owner": "member", "package_class": 1, "delta": 2}],
    )  # fmt: skip
    way = {"receiver": "member", "taker": "member", "purpose": "clean", "basis": "scanned"}
    house.say("Dispatch", unit="centre", slip="1", lines=[{"basket": BASKET}], **way)
    assert lines_of(house, "1", "names") == ["package Q01 of unit 1", "package Q02 of unit 1"]
    house.say(
        "TakeOver", unit="member", consignment="centre/1", outcome="kept", basis="scanned",
        lines=[{"basket": BASKET, "outcome": "accepted"}],
    )  # fmt: skip
    assert lines_of(house, "1", "basis") == ["inferred", "inferred"]
    assert lines_of(house, "1", "outcome") == ["accepted", "accepted"]
    with house.instance.database.reading() as tx:
        stands = where(tx, house.caller, "1/Q02")
        assert (stands.holder, stands.basket, stands.overlays) == ("member", BASKET, ())
        held = holdings(house.instance, tx, house.caller, MEMBER)
        assert held.count == 2, "a basket is no package"
    assert scanned(house, MEMBER, Scan(act=Deed.TAKEN_OUT, said=BASKET)) == [
        "1/Q01: taken out",
        "1/Q02: taken out",
    ]


def test_a_basket_of_which_nothing_is_known_is_a_question(house: House) -> None:
    way = {"receiver": "member", "taker": "member", "purpose": "clean", "basis": "scanned"}
    with pytest.raises(InvalidInput, match="nothing is known to lie in"), house.nothing_stored():
        house.say("Dispatch", unit="centre", slip="1", lines=[{"basket": OTHER}], **way)
    house.open(1)
    line = {"owner": "member", "package_class": 1, "package": BASKET, "quantity": 3}
    with pytest.raises(InvalidInput, match="counts 3, and 2 lie in"), house.nothing_stored():
        house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=[line])


def test_a_container_has_seals_until_it_is_opened_and_a_side_until_it_is_washed(
    house: House,
) -> None:
    assert shown(house, BOX).side is None
    put(house, BOX, "1/Q03")
    scanned(house, CENTRE, Scan(act=Deed.SEALED, said=BOX, outcome="S-77"))
    view = shown(house, BOX)
    assert (view.is_container, view.side, view.seals, view.is_opened) == (
        True, "clean", ("S-77",), False,
    )  # fmt: skip
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said="1/Q03", basket=BOX))
    assert shown(house, BOX).is_opened
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q03"))
    told = put(house, BOX, "1/Q03")
    assert told == ["1/Q03: put in (soiled and clean things lie in one basket: it was clean)"]
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said="1/Q03", basket=BOX))
    assert (inside(house, BOX), shown(house, BOX).side) == ([], "dirty")
    assert "it was dirty" in put(house, BOX, "1/Q02")[0]
    assert shown(house, BOX).side == "mixed"
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said=BOX), Scan(act=Deed.WASHED, said=BOX))
    assert shown(house, BOX).side == "clean"


def test_a_sealed_container_is_opened_by_taking_a_package_out_by_its_own_code(
    house: House,
) -> None:
    put(house, BOX, "1/Q02", "1/Q03")
    scanned(house, CENTRE, Scan(act=Deed.SEALED, said=BOX, outcome="S-77"))
    assert not shown(house, BOX).is_opened
    before = newest(house)
    scanned(house, CENTRE, Scan(act=Deed.OPENED, said="1/Q03"))
    assert (shown(house, BOX).seals, shown(house, BOX).is_opened) == (("S-77",), True)
    assert not shown(house, BOX, before).is_opened


def test_the_side_that_a_container_had_is_told_as_it_was_known(house: House) -> None:
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q03"))
    with house.instance.database.reading() as tx:
        used = packages.list_lines(tx, "1/Q03")[-1]
    put(house, BOX, "1/Q03")
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said="1/Q03"))
    before = newest(house)
    told = f"{to_hex(used.digest)}:{used.line}"
    scanned(house, CENTRE, Scan(act=Deed.NOT_SO, said="1/Q03", takes_back=told, reason="another"))
    assert (shown(house, BOX).side, shown(house, BOX, before).side) == ("clean", "dirty")


def test_instruments_without_a_label_go_in_as_the_last_package_of_their_set(house: House) -> None:
    soiled = Scan(act=Deed.PUT_IN, set="centre/HIP", basis="counted", basket=OTHER)
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q03"))
    assert scanned(house, CENTRE, soiled) == ["1/Q03: put in"]
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q01"))
    assert asked(house, soiled) == "question: 1/HIP may be 1/Q01 or 1/Q03"
    # whoever has nothing to do with them is told of none
    assert asked(house, soiled, unit=MEMBER) == "1/HIP: put in"


def test_what_lies_in_a_basket_is_read_by_whom_it_concerns(house: House) -> None:
    stranger = replace(house.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}))
    with house.instance.database.reading() as tx:
        view = show_basket(tx, stranger, BASKET)
        with pytest.raises(InvalidInput, match="is the code of no basket"):
            show_basket(tx, stranger, "1/Q01")
    assert (view.packages, view.others, view.side) == ((), 0, None)


def test_whom_a_basket_does_not_concern_learns_nothing_of_it_by_a_scan(house: House) -> None:
    theirs = make_basket(MEMBER, "M1")
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q03"))
    put(house, BOX, "1/Q03")
    for code, name in ((theirs, "1/Q01"), (BOX, "2/Z1")):
        line = Scan(act=Deed.PUT_IN, said=name, basket=code)
        assert asked(house, line, unit=MEMBER) == f"{name}: put in ({UNKNOWN})"
        told = asked(house, line)
        assert "it lay in" in told or "it was dirty" in told, "the centre has it, or owns the other"
    packed = Scan(act=Deed.ASSEMBLED, said="1/Q01")
    assert asked(house, packed, unit=MEMBER) == "1/Q01: assembled"
    assert "its serial was used before" in asked(house, packed)


def test_baskets_follow_from_records_alone(house: House) -> None:
    put(house, BOX, "1/Q03")
    scanned(house, CENTRE, Scan(act=Deed.WASHED, said=BOX))
    before = shown(house), shown(house, BOX)
    with house.instance.database.transaction() as tx:
        refill(tx)
    assert (shown(house), shown(house, BOX)) == before
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
    assert findings.listed == []


def test_a_baskets_code_is_no_packages() -> None:
    assert (read_shot(BASKET).basket, read_shot(BASKET).package) == (BASKET, None)
    assert [each.value for each in read_shot("SL1BK790").troubles] == ["check_digit"]
    assert [each.value for each in read_shot(BASKET + BOX).troubles] == ["two_codes"]


def test_a_basket_lies_in_a_container_with_all_that_is_in_it(house: House) -> None:
    put(house, BOX, "1/Q03")
    assert put(house, BOX, BASKET) == [f"{BASKET}: put in"]
    assert (inside(house, BOX), shown(house, BOX).baskets) == (
        ["1/Q03", "1/Q01", "1/Q02"],
        (BASKET,),
    )
    scanned(house, CENTRE, Scan(act=Deed.SEALED, said=BOX, outcome="S-77"))
    with house.instance.database.reading() as tx:
        stands = where(tx, house.caller, "1/Q01")
    assert (stands.basket, stands.container, shown(house, BOX).is_opened) == (BASKET, BOX, False)
    before = newest(house)
    scanned(house, CENTRE, Scan(act=Deed.USED, said="1/Q01"))
    assert shown(house, BOX).is_opened, "what lay in its basket was used"
    assert put(house, OTHER, "1/Q01") + put(house, BOX, OTHER) == [
        "1/Q01: put in",
        f"{OTHER}: put in (soiled and clean things lie in one basket: it was clean)",
    ]
    assert (shown(house, BOX).side, shown(house, BASKET).side) == ("mixed", "clean")
    scanned(house, CENTRE, Scan(act=Deed.TAKEN_OUT, said=BOX))
    assert (inside(house, BOX), shown(house, BOX).baskets) == ([], ())
    assert (inside(house), shown(house).container) == (["1/Q02"], None), "it keeps what is in it"
    view = shown(house, BOX, before)
    assert (len(view.packages), view.baskets, view.is_opened) == (3, (BASKET,), False)
    assert [each.what for each in view.lines if each.deed == "put_in"] == ["1/Q03", BASKET]


def test_a_container_is_loaded_and_sent_with_what_its_baskets_hold(house: House) -> None:
    put(house, BOX, BASKET, "1/Q03")
    house.open(1)
    line = {"owner": "centre", "package_class": 1, "package": BOX, "quantity": 3}
    house.say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=[line])
    way = {"receiver": "member", "taker": "member", "purpose": "soiled", "basis": "scanned"}
    house.say("Dispatch", unit="centre", slip="1", lines=[{"basket": BOX}], **way)
    house.say(
        "TakeOver", unit="member", consignment="centre/1", outcome="kept", basis="scanned",
        lines=[{"basket": BASKET, "outcome": "accepted"}, {"package": "Q03", "assembler": "centre",
                                                           "outcome": "refused"}],
    )  # fmt: skip
    assert lines_of(house, "1", "outcome") == ["accepted", "accepted", "refused"]
    out = Scan(act=Deed.TAKEN_OUT, said=BASKET, basket=BOX, basis="scanned")
    assert scanned(house, MEMBER, out) == [f"{BASKET}: taken out"]
    assert (inside(house, BOX), inside(house)) == (["1/Q03"], ["1/Q01", "1/Q02"])
    test_baskets_follow_from_records_alone(house)


def test_a_basket_lies_in_a_container_and_in_nothing_else(house: House) -> None:
    for unit, said, into, told in (
        (CENTRE, BASKET, OTHER, f"{OTHER} is no container"),
        (CENTRE, BOX, make_basket(1, "C3", is_container=True), f"{BOX} is a container"),
        (MEMBER, BASKET, BOX, "nothing that you have to do with"),
    ):
        scan = Scan(act=Deed.PUT_IN, said=said, basket=into)
        assert told in asked(house, scan, unit)
    for act, beside in (("used", BOX), ("put_in", OTHER)):
        bad = {"act": act, "package": BASKET, "code": beside, "basis": "scanned"}
        with pytest.raises(InvalidInput, match="is a basket"), house.nothing_stored():
            house.say("ScanReport", unit="centre", lines=[bad])


def test_whoever_says_that_anothers_basket_lies_in_its_container_learns_nothing_of_it(
    house: House,
) -> None:
    put(house, BOX, BASKET)
    own = make_basket(MEMBER, "C9", is_container=True)
    claim = {"act": "put_in", "package": BASKET, "code": own, "basis": "scanned"}
    house.say("ScanReport", unit="member", lines=[claim])
    scanned(house, CENTRE, Scan(act=Deed.WASHED, said=BASKET), Scan(act=Deed.SEALED, said=BASKET))
    member = replace(house.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}))
    with house.instance.database.reading() as tx:
        view = show_basket(tx, member, own)
    assert (view.baskets, view.packages, view.others, view.seals) == ((), (), 0, ())
    assert [(each.deed, each.what) for each in view.lines] == [("put_in", BASKET)], "its own word"


def test_two_unknown_codes_of_one_moment_are_two(house: House) -> None:
    then = house.instance.clock()
    scans = [Scan(act=Deed.USED, said=each, happened=then) for each in ("X-7", "X-8", "X-7")]
    told = scanned(house, CENTRE, *scans)
    assert [each.partition(";")[0] for each in told] == [
        "unknown code X-7: used",
        "unknown code X-8: used",
        "was reported before: left out",
    ]
