"""One person has one name here, however it was typed, and nobody else one that looks like it."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Scope
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import Conflict, InvalidInput
from ledger.domain.records.records import fields_from_bytes
from ledger.steps.accepting.resolving import resolve_machine, resolve_signer, resolve_unit
from ledger.steps.asking.tokens import create_token
from ledger.storage import directory
from ledger.storage.engine.database import Database
from ledger.storage.operations import find_operation
from ledger.storage.records import get_record
from ledger.storage.tokens import get_token
from tests import making
from tests.house import CENTRE, MEMBER, House, build_house

NAME = "Jos\u00e9 \u00c5str\u00f6m"
APART = unicodedata.normalize("NFD", NAME)
assert NAME != APART


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def test_a_name_is_kept_in_one_form_and_found_in_each(house: House) -> None:
    key = house.enrol(CENTRE, APART, Right.OPEN)
    house.admit(3, unicodedata.normalize("NFD", "S\u00dcD"), UnitRole.USER)
    house.register(CENTRE, unicodedata.normalize("NFD", "N\u00ba \u00fc7"))
    with house.instance.database.reading() as tx:
        for text in (NAME, APART):
            row = resolve_signer(tx, house.caller, CENTRE, Right.OPEN, text)
            assert (row.signer, row.name) == (key, NAME)
        for text in ("S\u00dcD", "SU\u0308D"):
            unit = resolve_unit(tx, text)
            assert (unit.number, unit.code) == (3, "S\u00dcD")
        for text in ("N\u00ba \u00fc7", "N\u00ba u\u03087"):
            machine = resolve_machine(tx, house.caller, text)
            assert machine.serial == "N\u00ba \u00fc7"
    with pytest.raises(Conflict, match="registered already"), house.nothing_stored():
        house.register(CENTRE, "N\u00ba \u00fc7")


def test_people_of_a_record_are_kept_in_one_form(house: House) -> None:
    people = People(performer=APART, checker=APART, enterer=APART, on_behalf_of=APART)
    receipt = house.open(1, circumstances=Circumstances(people=people))
    with house.instance.database.reading() as tx:
        row = find_operation(tx, receipt.digest)
        assert row is not None
        personal = get_record(tx, row.record_id).personal
    assert set(fields_from_bytes(personal or b"{}").values()) == {NAME}


@pytest.mark.parametrize("other", ["\u0410nna", "ANNA", "\uff21nna", "Ann\u0430"], ids=range(4))
def test_a_name_that_looks_like_a_signers_is_not_enrolled_beside_it(
    house: House, other: str
) -> None:
    house.enrol(CENTRE, "Anna", Right.OPEN)
    key = house.key("new")
    with house.nothing_stored(), pytest.raises(Conflict) as caught:
        house.enrol_key(CENTRE, key, other, Right.OPEN)
    assert caught.value.what == "looks like 'Anna', who signs for this unit"
    assert caught.value.field == "name"
    house.enrol(MEMBER, other, Right.OPEN)  # at another unit it is another person
    house.enrol(CENTRE, " Anna", Right.OPEN)  # one person may have two keys


def test_a_name_is_free_again_when_whoever_looked_like_it_is_revoked(house: House) -> None:
    key = house.enrol(CENTRE, "\u0410nna", Right.OPEN)
    house.record(
        making.revocation(CENTRE, signer=signer_id(key), administrator=house.administrators[CENTRE])
    )
    house.enrol(CENTRE, "Anna", Right.OPEN)
    with house.instance.database.reading() as tx:
        assert resolve_signer(tx, house.caller, CENTRE, Right.OPEN, "Anna").name == "Anna"


@pytest.mark.parametrize("code", ["centre", "CENTRE", "\u0441entre", "c\u0435ntre", "centr\uff45"])
def test_a_code_that_looks_like_another_units_is_taken(house: House, code: str) -> None:
    before = house.counts()["units"]
    with pytest.raises(Conflict, match="another unit has the code 'centre'"):
        house.admit(3, code, UnitRole.USER)
    assert house.counts()["units"] == before
    with house.instance.database.reading() as tx:
        assert directory.find_unit(tx, 3) is None


@pytest.mark.parametrize("serial", ["S\u0410-1", "sa-1", "SA-l"])
def test_a_serial_that_looks_like_another_machines_of_the_unit_is_refused(
    house: House, serial: str
) -> None:
    house.register(CENTRE, "SA-1")
    with house.nothing_stored(), pytest.raises(Conflict, match="looks like 'SA-1'") as caught:
        house.register(CENTRE, serial)
    assert caught.value.field == "serial"
    house.register(MEMBER, serial)
    house.register(CENTRE, f"Maker:{serial}")


@pytest.mark.parametrize("name", ["An\u3164na", "An\u200dna", "Anna\u2800", "An\u00adna"])
def test_a_name_with_a_letter_that_nobody_sees_is_refused(house: House, name: str) -> None:
    key = house.key("new")
    with house.nothing_stored(), pytest.raises(InvalidInput) as caught:
        house.enrol_key(CENTRE, key, name, Right.OPEN)
    assert caught.value.field == "signer_name"
    assert "which nobody sees" in caught.value.what
    with (
        house.nothing_stored(),
        pytest.raises(InvalidInput, match="is not a name"),
        house.instance.database.transaction() as tx,
    ):
        create_token(
            house.instance, tx, person=name, unit=CENTRE, scopes=[Scope.READ_UNIT],
            lifetime=timedelta(days=1),
        )  # fmt: skip


def test_the_person_of_a_token_is_kept_in_one_form(house: House) -> None:
    with house.instance.database.transaction() as tx:
        token_id, _ = create_token(
            house.instance, tx, person=APART, unit=CENTRE, scopes=[Scope.READ_UNIT],
            lifetime=timedelta(days=1),
        )  # fmt: skip
        assert get_token(tx, token_id).person == NAME
