from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import text

from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, MOVES, OperationState, verify_move
from ledger.storage.engine.database import Database
from ledger.storage.engine.rows import CHUNK, values_of
from ledger.storage.operations import (
    NewOperation,
    ReceiptRow,
    SignatureRow,
    count_by_state,
    find_oldest_owed,
    find_operation,
    get_operation,
    get_receipt,
    insert_dependencies,
    insert_operation,
    insert_receipt,
    insert_signatures,
    list_by_digests,
    list_by_subject,
    list_dependencies,
    list_dependents,
    list_latest_operations,
    list_operations,
    list_owed,
    list_signatures,
    list_states,
    move_operation,
    move_operations,
)
from tests.storage.examples import LATER, NOON, accept, digest, operation, word

State = OperationState
ALL = frozenset(State)


def state_of(database: Database, number: int) -> OperationState:
    with database.reading() as tx:
        return get_operation(tx, digest(number)).state


def history(database: Database, number: int) -> list[tuple[OperationState, str | None]]:
    with database.reading() as tx:
        return [(row.state, row.reason) for row in list_states(tx, digest(number))]


# ------------------------------------------------------------------------------------ acceptance


def test_an_accepted_operation_comes_back_with_its_number_and_first_state(
    database: Database,
) -> None:
    new = operation(1, parent=word("machine"))
    with database.transaction() as tx:
        sequence = accept(tx, new)
    with database.reading() as tx:
        row = get_operation(tx, digest(1))
        states = list_states(tx, digest(1))
    assert values_of(row) == {**values_of(new), "sequence": sequence}
    assert [(s.state, s.at, s.reason, s.transaction_hash) for s in states] == [
        (State.OWED, NOON, None, None)
    ]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(operation(1, subject=word("other")), id="digest and record"),
        pytest.param(operation(2, subject=word("subject 1")), id="place"),
    ],
)
def test_a_second_operation_in_the_same_place_conflicts_and_leaves_nothing(
    database: Database, second: NewOperation
) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
    with pytest.raises(Conflict), database.transaction() as tx:
        accept(tx, second)
    with database.reading() as tx:
        assert [row.digest for row in list_operations(tx)] == [digest(1)]
        assert len(list_states(tx, digest(1))) == 1
        assert tx.execute(text("SELECT count(*) FROM records")).scalar_one() == 1


def test_two_operations_cannot_commit_to_one_record(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
    values = {**values_of(operation(2)), "record_id": f"{1:032x}"}
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_operation(tx, NewOperation(**values))
    with database.reading() as tx:
        assert find_operation(tx, digest(2)) is None


@pytest.mark.parametrize("given_up", sorted(GIVEN_UP))
def test_a_place_is_free_again_once_its_operation_is_given_up(
    database: Database, given_up: OperationState
) -> None:
    subject = word("cycle")
    with database.transaction() as tx:
        accept(tx, operation(1, subject=subject, state=given_up))
        accept(tx, operation(2, subject=subject))
    with database.reading() as tx:
        assert [row.digest for row in list_by_subject(tx, subject)] == [digest(1), digest(2)]
        standing = list_by_subject(tx, subject, standing=True)
    assert [row.digest for row in standing] == [digest(2)]


@pytest.mark.parametrize("taken", sorted(ALL - GIVEN_UP))
def test_a_place_is_taken_while_its_operation_stands(
    database: Database, taken: OperationState
) -> None:
    subject = word("cycle")
    with database.transaction() as tx:
        accept(tx, operation(1, subject=subject, state=taken))
    with pytest.raises(Conflict), database.transaction() as tx:
        accept(tx, operation(2, subject=subject))


def test_an_amendment_has_a_place_of_its_own(database: Database) -> None:
    subject = word("cycle")
    with database.transaction() as tx:
        accept(tx, operation(1, subject=subject))
        accept(tx, operation(2, subject=subject, replaces=digest(1)))
    with pytest.raises(Conflict), database.transaction() as tx:
        accept(tx, operation(3, subject=subject, replaces=digest(1)))


def test_sequence_numbers_are_never_used_again(database: Database) -> None:
    with database.transaction() as tx:
        first = accept(tx, operation(1))
        tx.execute(text("DELETE FROM operation_states"))
        tx.execute(text("DELETE FROM operations"))
        second = accept(tx, operation(2))
    assert second > first


# ----------------------------------------------------------------------------------------- moves


def test_the_table_of_moves_names_every_state_and_one_end() -> None:
    assert set(MOVES) == ALL
    assert {state for state, after in MOVES.items() if not after} == {State.EXPIRED}
    assert frozenset().union(*MOVES.values()) == ALL - {State.PREPARED}


@pytest.mark.parametrize("before,after", list(product(State, State)))
def test_a_move_happens_exactly_when_the_table_has_it(
    sqlite_database: Database, before: OperationState, after: OperationState
) -> None:
    with sqlite_database.transaction() as tx:
        accept(tx, operation(1, state=before))
    if after in MOVES[before]:
        verify_move(before, after)
        with sqlite_database.transaction() as tx:
            move_operation(tx, digest(1), after, LATER, expected=[before], reason="told")
        assert state_of(sqlite_database, 1) is after
        assert history(sqlite_database, 1) == [(before, None), (after, "told")]
    else:
        with (
            pytest.raises(Inconsistent, match=f"from {before} to {after}"),
            sqlite_database.transaction() as tx,
        ):
            move_operation(tx, digest(1), after, LATER, expected=[before])
        assert state_of(sqlite_database, 1) is before
        assert history(sqlite_database, 1) == [(before, None)]


def test_a_move_is_dated_and_names_its_transaction(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        move_operation(
            tx, digest(1), State.SENT, LATER, expected=[State.OWED], transaction_hash=word("tx")
        )
    with database.reading() as tx:
        last = list_states(tx, digest(1))[-1]
    assert (last.state, last.at, last.transaction_hash) == (State.SENT, LATER, word("tx"))


def test_a_move_from_an_unexpected_state_conflicts_and_changes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
    with pytest.raises(Conflict, match="is owed") as caught, database.transaction() as tx:
        move_operation(tx, digest(1), State.MINED, LATER, expected=[State.SENT])
    assert caught.value.rule == "it moves to mined from sent"
    assert state_of(database, 1) is State.OWED
    assert history(database, 1) == [(State.OWED, None)]


def test_many_operations_move_together_or_not_at_all(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        accept(tx, operation(2))
        accept(tx, operation(3, state=State.STUCK))
    three = [digest(1), digest(2), digest(3)]
    with pytest.raises(Conflict), database.transaction() as tx:
        move_operations(tx, three, State.SENT, LATER, expected=[State.OWED])
    assert [state_of(database, n) for n in (1, 2, 3)] == [State.OWED, State.OWED, State.STUCK]
    with database.transaction() as tx:
        move_operations(tx, three[:2], State.SENT, LATER, expected=[State.OWED])
    assert [state_of(database, n) for n in (1, 2, 3)] == [State.SENT, State.SENT, State.STUCK]
    assert [len(history(database, n)) for n in (1, 2, 3)] == [2, 2, 1]


def test_moving_nothing_changes_nothing(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        move_operations(tx, [], State.SENT, LATER, expected=[State.OWED])
    assert history(database, 1) == [(State.OWED, None)]


def test_moving_an_unknown_operation_says_which(database: Database) -> None:
    with pytest.raises(NotFound, match=digest(9).hex()), database.transaction() as tx:
        move_operation(tx, digest(9), State.SENT, LATER, expected=[State.OWED])


def test_more_operations_than_one_statement_takes_move_at_once(database: Database) -> None:
    numbers = range(CHUNK + 5)
    with database.transaction() as tx:
        for number in numbers:
            accept(tx, operation(number))
        move_operations(tx, map(digest, numbers), State.SENT, LATER, expected=[State.OWED])
        found = list_by_digests(tx, map(digest, numbers))
        assert count_by_state(tx)[State.SENT] == len(numbers)
    assert [row.digest for row in found] == [digest(number) for number in numbers]


# ----------------------------------------------------------------------------------------- reads


def test_another_units_operation_is_not_found(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1, unit=1))
        accept(tx, operation(2, unit=2))
    with database.reading() as tx:
        assert find_operation(tx, digest(2), unit=1) is None
        assert find_operation(tx, digest(2), unit=2) is not None
        assert [row.unit for row in list_operations(tx, unit=1)] == [1]
        assert [row.unit for row in list_latest_operations(tx, unit=2)] == [2]
        assert list_by_subject(tx, word("subject 2"), unit=1) == []
        assert count_by_state(tx, unit=1)[State.OWED] == 1
        with pytest.raises(NotFound):
            get_operation(tx, digest(2), unit=1)


def test_pages_follow_each_other_without_gap_or_overlap(database: Database) -> None:
    with database.transaction() as tx:
        for number in range(7):
            accept(tx, operation(number, kind="CycleEnding" if number % 2 else "CycleOpening"))
    forward, backward = [], []
    with database.reading() as tx:
        after = 0
        while page := list_operations(tx, after=after, limit=3):
            forward += page
            after = page[-1].sequence
        before = None
        while page := list_latest_operations(tx, before=before, limit=3):
            backward += page
            before = page[-1].sequence
        endings = list_operations(tx, kind="CycleEnding")
        latest = list_latest_operations(tx, kind="CycleEnding", limit=1)
    assert [row.digest for row in forward] == [digest(number) for number in range(7)]
    assert backward == forward[::-1]
    assert [row.digest for row in endings] == [digest(1), digest(3), digest(5)]
    assert [row.digest for row in latest] == [digest(5)]


def test_what_is_owed_is_listed_from_the_oldest(database: Database) -> None:
    with database.reading() as tx:
        assert find_oldest_owed(tx) is None
        assert count_by_state(tx) == dict.fromkeys(State, 0)
    with database.transaction() as tx:
        accept(tx, operation(1, state=State.FINAL))
        for number in (2, 3, 4):
            accept(tx, operation(number))
    with database.reading() as tx:
        oldest = find_oldest_owed(tx)
        assert [row.digest for row in list_owed(tx, 2)] == [digest(2), digest(3)]
        counts = count_by_state(tx)
    assert oldest is not None
    assert oldest.digest == digest(2)
    assert counts == {**dict.fromkeys(State, 0), State.FINAL: 1, State.OWED: 3}


# ----------------------------------------------------------------- what hangs on an operation


def test_signatures_come_back_by_party_and_a_party_signs_once(database: Database) -> None:
    rows = [
        SignatureRow(digest=digest(1), party=party, signer=b"s" * 20, signature=b"x" * 65)
        for party in (Party.NEW_KEY, Party.SIGNER)
    ]
    with database.transaction() as tx:
        accept(tx, operation(1))
        insert_signatures(tx, rows)
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_signatures(tx, rows[:1])
    with database.reading() as tx:
        assert list_signatures(tx, [digest(1), digest(2)]) == rows


def test_dependencies_are_read_from_both_ends(database: Database) -> None:
    with database.transaction() as tx:
        accept(tx, operation(1))
        accept(tx, operation(2))
        before = {digest(1): True, Digest(word("relayed")): False}
        insert_dependencies(tx, digest(2), before)
        insert_dependencies(tx, digest(1), {})
    with database.reading() as tx:
        waits_for = {row.predecessor: row.needed for row in list_dependencies(tx, [digest(2)])}
        assert waits_for == before
        assert list_dependencies(tx, [digest(1)]) == []
        assert [row.digest for row in list_dependents(tx, digest(1))] == [digest(2)]
        assert list_dependents(tx, digest(2)) == []


def test_an_operation_has_one_receipt(database: Database) -> None:
    row = ReceiptRow(digest=digest(1), payload=b"{}", signature=b"s" * 64, key=b"k" * 32)
    with database.transaction() as tx:
        accept(tx, operation(1))
        with pytest.raises(NotFound):
            get_receipt(tx, digest(1))
        insert_receipt(tx, row)
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_receipt(tx, row)
    with database.reading() as tx:
        assert get_receipt(tx, digest(1)) == row
        with pytest.raises(NotFound):
            get_receipt(tx, digest(2))


def test_an_operation_of_a_wrong_digest_is_refused(database: Database) -> None:
    values = {**values_of(operation(1)), "digest": b"short"}
    with pytest.raises(InvalidInput, match="has 5 bytes"), database.transaction() as tx:
        insert_operation(tx, NewOperation(**values))
    with database.reading() as tx:
        assert list_operations(tx) == []
