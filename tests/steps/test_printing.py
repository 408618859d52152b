"""Labels: serials reserved for outages, and what became of a printing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.custody.codes import read_shot
from ledger.domain.custody.labelling import Symbol, element_string
from ledger.domain.custody.lines import Deed
from ledger.domain.custody.printing import FOLLOWS, TOLD, PrintState
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.printing import (
    Print,
    Roll,
    kit_of,
    list_prints,
    list_rolls,
    next_reserved,
    reserve,
    sent,
    tell,
)
from ledger.steps.accepting.scanning import Scan, look, report
from ledger.steps.answering.labelling import labels_sent
from ledger.steps.answering.packages import find_package, trace
from ledger.steps.reading.scan_lists import parse_list
from ledger.storage.engine.database import Database
from ledger.storage.labels import list_print_states
from tests.house import AT_A_DOOR, CENTRE, MEMBER, House, build_house

FIRST, SECOND, THIRD = "SL1PQ0123", "SL1R2PQ0127", "SL1R3PQ0175"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre that packed one package, and a member."""
    house = build_house(database, tmp_path)
    for unit in (CENTRE, MEMBER):
        house.enrol(unit, f"Scanner {unit}", Right.SCAN)
    with house.instance.database.transaction() as tx:
        wanted = Assembly(set=None, serials=["Q01"], expires="2027-05-01")
        assemble(house.instance, tx, house.caller, CENTRE, wanted, AT_A_DOOR)
    return house


def send(house: House, *said: str, unit: int = CENTRE, again: bool = False) -> list[Print]:
    with house.instance.database.transaction() as tx:
        return sent(house.instance, tx, house.caller, unit, said, again=again)


def told(house: House, state: PrintState, *said: str, unit: int = CENTRE) -> tuple[int, list[str]]:
    """How many reports were made, and the states."""
    with house.instance.database.transaction() as tx:
        receipts, prints = tell(house.instance, tx, house.caller, unit, state, said, AT_A_DOOR)
    return len(receipts), [each.state for each in prints]


def codes_of(house: House, name: str = "1/Q01") -> tuple[set[str], set[str]]:
    with house.instance.database.reading() as tx:
        package = find_package(tx, house.caller, name).package
    return package.codes, package.voided


def reserved(house: House, count: int, unit: int = CENTRE) -> Roll:
    with house.instance.database.transaction() as tx:
        return reserve(house.instance, tx, house.caller, unit, count)


def looked(house: House, scans: Sequence[Scan], unit: int = CENTRE) -> list[str]:
    with house.instance.database.transaction() as tx:
        told_of = look(house.instance, tx, unit, scans)
        report(house.instance, tx, house.caller, unit, scans, AT_A_DOOR)
    return [each.text() for each in told_of]


def test_the_first_label_says_nothing_new_and_a_reprint_voids_it_once_it_is_printed(
    house: House,
) -> None:
    (first,) = send(house, "centre/Q01")
    assert (first.issue, first.code, first.state) == (1, FIRST, "sent")
    assert told(house, PrintState.PRINTED, "1/Q01") == (0, ["printed"])
    (second,) = send(house, FIRST)
    assert (second.number, second.issue, second.code) == (2, 2, SECOND)
    assert codes_of(house) == ({FIRST}, set())
    assert told(house, PrintState.PRINTED, "1/Q01") == (1, ["printed"])
    assert codes_of(house) == ({SECOND}, {FIRST})
    with house.instance.database.reading() as tx:
        assert [line.deed for line in trace(tx, house.caller, SECOND).lines][-2:] == [
            "label_voided",
            "labelled",
        ]
        # nobody looked at the package for it
        assert {line.basis for line in trace(tx, house.caller, SECOND).lines[-2:]} == {"inferred"}


def test_what_became_of_a_label_is_decided_once_and_before_the_next_is_sent(house: House) -> None:
    send(house, "1/Q01")
    assert told(house, PrintState.NOT_KNOWN, "1/Q01") == (0, ["not_known"])
    with pytest.raises(Conflict, match="may have been printed"), house.nothing_stored():
        send(house, "1/Q01")
    with pytest.raises(Conflict, match="not known already"):
        told(house, PrintState.NOT_KNOWN, "1/Q01")
    told(house, PrintState.NOT_PRINTED, "1/Q01")
    with pytest.raises(Conflict, match="not printed already"), house.nothing_stored():
        told(house, PrintState.PRINTED, "1/Q01")
    # what never was on paper is no label: the next is the first still
    assert send(house, "1/Q01")[0].issue == 1
    with house.instance.database.reading() as tx:
        rows = list_print_states(tx, "1/Q01", 1)
        assert [row.state.value for row in rows] == ["sent", "not_known", "not_printed"]
        assert {row.by for row in rows} == {house.caller.person}
        shown = list_prints(tx, house.caller, CENTRE, open_only=True)
        assert [(each.number, each.state) for each in shown] == [(2, "sent")]


def test_nothing_follows_what_is_decided() -> None:
    assert {state for state, following in FOLLOWS.items() if not following} == {
        PrintState.PRINTED,
        PrintState.NOT_PRINTED,
    }
    assert {each for following in FOLLOWS.values() for each in following} == set(TOLD)


def test_a_label_that_was_printed_elsewhere_is_voided_too(house: House) -> None:
    assert send(house, "1/Q01", again=True)[0].code == SECOND
    told(house, PrintState.PRINTED, "1/Q01")
    assert send(house, "1/Q01", again=True)[0].code == THIRD
    told(house, PrintState.PRINTED, "1/Q01")
    assert codes_of(house) == ({THIRD}, {FIRST, SECOND})


def test_every_label_of_a_package_is_read_as_that_package() -> None:
    assert {read_shot(code).package for code in (FIRST, SECOND, THIRD)} == {"1/Q01"}
    assert [t.value for t in read_shot(SECOND + THIRD).troubles] == ["two_codes"]


def test_who_has_a_package_labels_it(house: House) -> None:
    looked(house, [Scan(act=Deed.STORED, said="1/Q50")], unit=MEMBER)
    with pytest.raises(Refused, match="at another unit"), house.nothing_stored():
        send(house, "1/Q50")
    assert send(house, "1/Q50", unit=MEMBER)[0].issue == 1
    for stranger, name in ((MEMBER, "1/Q01"), (CENTRE, "1/Q77")):
        with pytest.raises(NotFound, match=f"no package {name}"), house.nothing_stored():
            send(house, name, unit=stranger)
    reader = replace(house.caller, unit=MEMBER, scopes=frozenset({Scope.READ_UNIT, Scope.SCAN}))
    with house.instance.database.reading() as tx, pytest.raises(NotFound, match="not yours"):
        list_prints(tx, reader, CENTRE)


def test_a_label_that_another_unit_sent_keeps_nobody_from_printing_and_is_voided(
    house: House,
) -> None:
    house.enrol(CENTRE, "Desk", Right.DISPATCH)
    house.enrol(MEMBER, "Ward", Right.RECEIVE)
    send(house, "1/Q01", again=True)
    house.say(
        "Dispatch", unit="centre", slip="1", receiver="member", taker="member", purpose="soiled",
        basis="scanned", lines=[{"assembler": "centre", "package": "Q01"}],
    )  # fmt: skip
    house.say("TakeOver", unit="member", consignment="centre/1", outcome="kept", rest="scanned")
    # which of the centre's came out nobody knows, and no two labels are alike
    assert send(house, "1/Q01", unit=MEMBER)[0].code == THIRD
    with pytest.raises(Conflict, match="may have been printed"):
        send(house, "1/Q01", unit=MEMBER)
    assert told(house, PrintState.PRINTED, "1/Q01", unit=MEMBER) == (1, ["printed"])
    assert codes_of(house) == ({THIRD}, {FIRST, SECOND})
    # that it came out, told late, makes it no label of the package again
    assert told(house, PrintState.PRINTED, "1/Q01") == (0, ["printed"])
    assert codes_of(house) == ({THIRD}, {FIRST, SECOND})


def test_labels_that_never_were_are_not_voided(house: House) -> None:
    looked(house, [Scan(act=Deed.STORED, said="1/Q50")])
    (label,) = send(house, "1/Q50", again=True)
    told(house, PrintState.PRINTED, "1/Q50")
    assert codes_of(house, "1/Q50") == ({label.code}, set())


def test_a_label_printed_beforehand_is_voided_though_its_set_has_a_gtin_by_then(
    house: House,
) -> None:
    reserved(house, 1)
    (beforehand,) = send(house, "1/R1.001")
    told(house, PrintState.PRINTED, "1/R1.001")
    house.say(
        "SetDefinition", unit="centre", set="HIP", version=1, instruments=37, title="HIP",
        gtin="9506000134352",
    )  # fmt: skip
    packed = Assembly(set="HIP", serials=["R1.001"], expires="2027-05-01")
    with house.instance.database.transaction() as tx:
        _, (made,) = assemble(house.instance, tx, house.caller, CENTRE, packed, AT_A_DOOR)
    (again,) = send(house, "1/R1.001")
    told(house, PrintState.PRINTED, "1/R1.001")
    assert codes_of(house, "1/R1.001") == ({again.code}, {beforehand.code, made.code})


def test_a_reserved_serial_is_on_one_label_and_its_paper_log_names_it_without_the_unit(
    house: House,
) -> None:
    assert reserved(house, 2).serials == ("R1.001", "R1.002")
    assert reserved(house, 1, MEMBER).serials == ("R1.001",)
    with pytest.raises(InvalidInput, match="1 to 999"), house.nothing_stored():
        reserved(house, 1000)
    send(house, "1/R1.001")
    assert told(house, PrintState.PRINTED, "1/R1.001") == (0, ["printed"])
    with pytest.raises(Conflict, match="nothing is packed under it"):
        send(house, "1/R1.001")
    with pytest.raises(NotFound, match=r"1/R1\.003"):
        send(house, "1/R1.003")
    paper = b"paper,time,act,package\r\n17,about 13:00,assembled,R1.001\r\n17,,assembled,R1.001\r\n"
    scans = parse_list(paper, zone="UTC", basis="imported", day="2026-11-03")
    assert looked(house, scans) == [
        "1/R1.001: assembled",
        (
            "1/R1.001: assembled (its serial was used before: look whether two packages carry it) "
            "(its time names no moment: kept in words)"
        ),
    ]
    typed = Scan(act=Deed.ASSEMBLED, said="1/Z9", basis="imported")
    assert looked(house, [typed]) == ["1/Z9: assembled (its serial was not reserved)"]
    with house.instance.database.reading() as tx:
        assert [each.used for each in list_rolls(tx, house.caller, CENTRE)] == [("R1.001",)]
    # the label that was printed beforehand is voided by its reprint like any other
    assert send(house, "1/R1.001")[0].issue == 2


def test_what_is_on_paper_is_proposed_to_nobody(house: House) -> None:
    def proposed() -> str | None:
        with house.instance.database.reading() as tx:
            return next_reserved(tx, CENTRE)

    reserved(house, 2)
    assert proposed() is None, "the serials of a roll for paper are in a kit"
    with house.instance.database.transaction() as tx:
        reserve(house.instance, tx, house.caller, CENTRE, 2, for_paper=False)
    assert proposed() == "R2.001"
    send(house, "1/R2.001")
    told(house, PrintState.PRINTED, "1/R2.001")
    assert proposed() == "R2.002", "the label of the first was printed beforehand, and spoilt"
    with house.instance.database.transaction() as tx:
        assert kit_of(tx, house.caller, CENTRE, 2).for_paper
        with pytest.raises(NotFound, match="no roll 7"):
            kit_of(tx, house.caller, CENTRE, 7)
    assert proposed() is None


def test_a_roll_leaves_out_numbers_that_somebody_made_up(house: House) -> None:
    looked(house, [Scan(act=Deed.STORED, said="1/R1.500")])
    assert reserved(house, 1).serials == ("R2.001",)


def test_a_set_with_a_gtin_has_gs1_labels_and_a_reprint_voids_the_one_before(house: House) -> None:
    house.say(
        "SetDefinition", unit="centre", set="HIP", version=1, instruments=37, title="髋关节器械包",
        gtin="9506000134352",
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="is no GTIN"):
        house.say(
            "SetDefinition",
            unit="centre",
            set="KNEE",
            version=1,
            instruments=2,
            gtin="9506000134353",
        )
    packed = Assembly(set="HIP", serials=["Q07"], expires="2027-05-01", lot="S2/2241")
    with house.instance.database.transaction() as tx:
        _, made = assemble(house.instance, tx, house.caller, CENTRE, packed, AT_A_DOOR)
    first = "(01)09506000134352(10)S2/2241(17)270501(21)Q07"
    long = replace(packed, serials=["Q" * 19])
    with (
        house.instance.database.transaction() as tx,
        pytest.raises(InvalidInput, match="no room for a reprint"),
    ):
        assemble(house.instance, tx, house.caller, CENTRE, long, AT_A_DOOR)
    assert [each.code for each in made] == [first]
    assert [each.code for each in send(house, "1/Q07")] == [first]
    with house.instance.database.reading() as tx:
        (label,) = labels_sent(tx, house.caller, CENTRE, ["1/Q07"])
    assert (label.code, label.symbol, label.title) == (first, Symbol.GS1, "髋关节器械包")
    assert (label.name, dict(label.facts)["last_day"]) == ("centre/Q07", "2027-05-01")
    told(house, PrintState.PRINTED, "1/Q07")
    # a label that was printed is not drawn again: a reprint is another one
    with house.instance.database.reading() as tx, pytest.raises(Conflict, match="is printed"):
        labels_sent(tx, house.caller, CENTRE, ["1/Q07"])
    (again,) = send(house, element_string(first))
    assert again.code == first + "/2"
    # its scan confirms it, though no report names its code yet; the scan of the one before does not
    with pytest.raises(Conflict, match="is another label of 1/Q07"):
        told(house, PrintState.PRINTED, element_string(first))
    told(house, PrintState.PRINTED, element_string(again.code))
    with house.instance.database.reading() as tx:
        package = find_package(tx, house.caller, element_string(again.code)).package
    assert (package.name, package.codes, package.voided) == ("1/Q07", {again.code}, {first})
