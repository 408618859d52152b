from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from ledger.domain.errors import Conflict, NotFound
from ledger.storage.engine.database import Database
from ledger.storage.engine.rows import values_of
from ledger.storage.transactions import (
    NewTransaction,
    TransactionState,
    count_attempts,
    find_highest_nonce,
    get_transaction,
    insert_transaction,
    list_carried,
    list_transactions,
    list_transactions_of,
    move_transaction,
)
from tests.storage.examples import NOON, accept, digest, operation, word

State = TransactionState
ACCOUNT = b"r" * 20


def signed(nonce: int, attempt: int = 0, *, account: bytes = ACCOUNT) -> NewTransaction:
    return NewTransaction(
        chain_id=7,
        account=account,
        nonce=nonce,
        attempt=attempt,
        hash=word(f"{account.hex()} {nonce} {attempt}"),
        raw=b"raw",
        kind="openCycles",
        state=State.SIGNED,
        created_at=NOON,
    )


def test_a_transaction_is_kept_with_its_operations_in_order(database: Database) -> None:
    order = [digest(3), digest(1), digest(2)]
    with database.transaction() as tx:
        for number in (1, 2, 3):
            accept(tx, operation(number))
        kept = insert_transaction(tx, signed(0), order)
    with database.reading() as tx:
        row = get_transaction(tx, signed(0).hash)
        assert list_carried(tx, [kept.id]) == {kept.id: order}
        assert list_transactions_of(tx, digest(1)) == [row]
        assert list_transactions_of(tx, digest(9)) == []
    assert row == kept
    assert values_of(row) == {**values_of(signed(0)), "id": kept.id}


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(replace(signed(0), hash=word("other")), id="nonce and attempt"),
        pytest.param(replace(signed(1), hash=signed(0).hash), id="hash"),
    ],
)
def test_of_two_writers_with_the_same_nonce_the_second_conflicts(
    database: Database, again: NewTransaction
) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        insert_transaction(tx, signed(0), [digest(1)])
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_transaction(tx, again, [digest(1)])
    with database.reading() as tx:
        assert len(list_transactions(tx)) == 1
        carried = tx.execute(text("SELECT count(*) FROM transaction_operations")).scalar_one()
    assert carried == 1


def test_another_attempt_at_a_nonce_carries_the_same_operations(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        for attempt in (0, 1):
            insert_transaction(tx, signed(0, attempt), [digest(1)])
        insert_transaction(tx, signed(0, account=b"o" * 20))
    with database.reading() as tx:
        assert [row.attempt for row in list_transactions_of(tx, digest(1))] == [0, 1]
        assert count_attempts(tx, chain_id=7, account=ACCOUNT, since=0) == {0: 2}
        assert count_attempts(tx, chain_id=7, account=ACCOUNT, since=1) == {}
        assert count_attempts(tx, chain_id=8, account=ACCOUNT, since=0) == {}


def test_the_highest_nonce_leaves_out_what_was_dropped(database: Database) -> None:
    with database.transaction() as tx:
        assert find_highest_nonce(tx, chain_id=7, account=ACCOUNT) is None
        insert_transaction(tx, signed(4))
        insert_transaction(tx, signed(5))
        assert find_highest_nonce(tx, chain_id=7, account=ACCOUNT) == 5
        move_transaction(tx, signed(5).hash, State.DROPPED, expected=[State.SIGNED])
        assert find_highest_nonce(tx, chain_id=7, account=ACCOUNT) == 4
        assert find_highest_nonce(tx, chain_id=8, account=ACCOUNT) is None


def test_a_transaction_moves_from_where_it_is_expected_only(database: Database) -> None:
    name = signed(0).hash
    with database.transaction() as tx:
        insert_transaction(tx, signed(0))
        move_transaction(tx, name, State.MINED, expected=[State.SIGNED], block_height=12)
    with pytest.raises(Conflict, match="is mined"), database.transaction() as tx:
        move_transaction(tx, name, State.SENT, expected=[State.SIGNED, State.DROPPED])
    with pytest.raises(NotFound), database.transaction() as tx:
        move_transaction(tx, word("none"), State.SENT, expected=[State.SIGNED])
    with database.reading() as tx:
        row = get_transaction(tx, name)
        assert list_transactions(tx, states=[State.SIGNED]) == []
        assert list_transactions(tx, states=[State.MINED]) == [row]
        assert list_transactions(tx, after=row.id) == []
    assert (row.state, row.block_height) == (State.MINED, 12)
