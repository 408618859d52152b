"""Personal fields go when their time is over; the facts and what was proved with them stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.domain.acts.words import Right
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.accepting.submit import Receipt
from ledger.steps.following.forgetting import forget_erased
from ledger.storage import directory, operations, records
from ledger.storage.engine.database import Database
from tests.house import CENTRE, House, build_house

NAMED = Circumstances(people=People(performer="Zhang Wei"))
FOUR_YEARS = 4 * 366


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


@pytest.fixture
def erasers(house: House) -> tuple[bytes, bytes]:
    """Two signers who may erase."""
    first, second = (house.enrol(CENTRE, name, Right.ERASE) for name in ("First", "Second"))
    return first, second


def erase(house: House, subject: Digest, keys: tuple[bytes, bytes]) -> Receipt:
    """Ask for the erasure of a record's personal fields."""
    names = {"signer": keys[0], "countersigner": keys[1]}
    return house.say(
        "RecordErasure",
        subject=to_hex(subject),
        reason="its time is over",
        **{name: to_hex(key) for name, key in names.items()},
    )


def make_final(house: House, digest: Digest) -> None:
    """The chain has it for good."""
    with house.instance.database.transaction() as tx:
        for state, then in (
            (OperationState.OWED, OperationState.MINED),
            (OperationState.MINED, OperationState.FINAL),
        ):
            operations.move_operation(tx, digest, then, house.clock(), expected=[state])


def test_a_record_is_kept_while_its_retention_runs(
    house: House, erasers: tuple[bytes, bytes]
) -> None:
    digest = house.open(1, circumstances=NAMED).digest
    house.wait(days=3 * 365)
    with house.nothing_stored(), pytest.raises(Refused, match="retained until"):
        erase(house, digest, erasers)


def test_a_legal_hold_keeps_a_record(house: House, erasers: tuple[bytes, bytes]) -> None:
    digest = house.open(1, circumstances=Circumstances(legal_hold=True)).digest
    house.wait(days=FOUR_YEARS)
    with house.nothing_stored(), pytest.raises(Refused, match="legal hold"):
        erase(house, digest, erasers)


def test_an_erasure_has_two_different_signers_with_the_right(
    house: House, erasers: tuple[bytes, bytes]
) -> None:
    digest = house.open(1, circumstances=NAMED).digest
    house.wait(days=FOUR_YEARS)
    with house.nothing_stored(), pytest.raises(InvalidInput, match="two signers"):
        erase(house, digest, (erasers[0], erasers[0]))
    with house.nothing_stored(), pytest.raises(Refused, match="right erase"):
        erase(house, digest, (erasers[0], house.operator))
    with house.nothing_stored(), pytest.raises(NotFound):
        erase(house, Digest(b"\5" * 32), erasers)


def test_personal_fields_go_only_when_the_erasure_is_final(
    house: House, erasers: tuple[bytes, bytes]
) -> None:
    digest = house.open(1, circumstances=NAMED).digest
    house.wait(days=FOUR_YEARS)
    erasure = erase(house, digest, erasers).digest
    with house.nothing_stored(), pytest.raises(Conflict, match="asked for already"):
        erase(house, digest, erasers)
    with house.instance.database.transaction() as tx:
        assert forget_erased(tx, house.clock()) == 0
    make_final(house, erasure)
    with house.instance.database.transaction() as tx:
        row = operations.get_operation(tx, digest)
        before = records.get_record(tx, row.record_id)
        assert forget_erased(tx, house.clock()) == 1
        after = records.get_record(tx, row.record_id)
        assert forget_erased(tx, house.clock()) == 0
    assert b"Zhang" in (before.personal or b"")
    assert after.personal is None
    assert (after.facts, after.root, after.personal_root) == (
        before.facts, before.root, before.personal_root,
    )  # fmt: skip
    with house.nothing_stored(), pytest.raises(Conflict, match="asked for already"):
        erase(house, digest, erasers)


def test_the_name_of_a_signer_goes_with_its_enrolment(
    house: House, erasers: tuple[bytes, bytes]
) -> None:
    key = house.enrol(CENTRE, "Wang Fang", Right.OPEN)
    with house.instance.database.reading() as tx:
        (row,) = [s for s in directory.list_signers(tx, unit=CENTRE) if s.signer == key]
    house.wait(days=FOUR_YEARS)
    make_final(house, erase(house, row.digest, erasers).digest)
    with house.instance.database.transaction() as tx:
        assert forget_erased(tx, house.clock()) == 1
        erased = directory.get_signer(tx, row.id)
    assert (erased.name, erased.signer) == (None, key)
