from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.sqlite import dialect

from ledger.domain.acts.words import Right
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.domain.outbox.operation_states import OperationState
from ledger.storage.engine.columns import Bytes32, Code, Uint64, UtcTime, Word
from ledger.storage.engine.database import Database
from ledger.storage.operations import get_operation
from tests.storage.examples import accept, digest, operation

SQLITE = dialect()

instants = st.datetimes(timezones=st.just(UTC)) | st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis wants it naive and adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@given(instants)
def test_an_instant_comes_back_the_same_in_utc(at: datetime) -> None:
    stored = UtcTime().process_bind_param(at, SQLITE)
    back = UtcTime().process_result_value(stored, SQLITE)
    assert back == at
    assert back is not None
    assert back.tzinfo is UTC


@given(instants, instants)
def test_instants_are_stored_in_their_order(first: datetime, second: datetime) -> None:
    stored = [UtcTime().process_bind_param(at, SQLITE) for at in sorted([first, second])]
    assert stored == sorted(stored, key=lambda number: number or 0)


@given(st.integers(0, 2**64 - 1))
def test_every_uint64_fits_a_signed_column_and_comes_back(value: int) -> None:
    stored = Uint64().process_bind_param(value, SQLITE)
    assert stored is not None
    assert -(2**63) <= stored < 2**63
    assert Uint64().process_result_value(stored, SQLITE) == value


@given(st.integers(max_value=-1) | st.integers(min_value=2**64))
def test_a_number_outside_uint64_is_refused(value: int) -> None:
    with pytest.raises(InvalidInput, match="does not fit"):
        Uint64().process_bind_param(value, SQLITE)


@given(st.binary(max_size=80).filter(lambda data: len(data) != 32))
def test_a_digest_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=f"has {len(data)} bytes"):
        Bytes32().process_bind_param(data, SQLITE)


def test_what_is_no_member_is_refused_on_its_way_in() -> None:
    with pytest.raises(InvalidInput, match="'gone' is not one of OperationState") as caught:
        Word(OperationState).process_bind_param("gone", SQLITE)
    assert "stuck" in str(caught.value.rule)


def test_flags_are_stored_as_their_bits() -> None:
    duties = Right.OPEN | Right.LOAD
    assert Code(Right).process_bind_param(duties, SQLITE) == 6
    assert Code(Right).process_result_value(6, SQLITE) == duties


def test_a_state_that_nobody_knows_stops_the_reader(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        tx.execute(text("UPDATE operations SET state = 'lost'"))
    with (
        pytest.raises(Inconsistent, match="'lost' where OperationState belongs"),
        database.reading() as tx,
    ):
        get_operation(tx, digest(1))
