"""A stuck operation is tried again or given up by a person, and the history says by whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, InvalidInput, NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.accepting.prepare import VALID_FOR, prepare
from ledger.steps.instance import open_instance
from ledger.steps.keeping.housekeeping import keep_house
from ledger.steps.sending.mending import (
    refuse_operation,
    resolve_operation,
    retry_operation,
    show_operation,
)
from ledger.storage.drafts import DraftRow, drafts, insert_draft
from ledger.storage.engine.database import Database
from ledger.storage.operations import get_operation, list_states, move_operation
from ledger.storage.transactions import (
    NewTransaction,
    TransactionState,
    insert_transaction,
    list_transactions_of,
    move_transaction,
)
from tests import making
from tests.house import Clock, House, build_house
from tests.steps.test_worker import is_deployed, wait_for, working

S = OperationState


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def stuck(house: House, digest: Digest) -> Digest:
    """The operation needs a person."""
    with house.instance.database.transaction() as tx:
        move_operation(tx, digest, S.STUCK, house.clock(), expected=[S.OWED], reason="look")
    return digest


def history(house: House, digest: Digest) -> list[tuple[OperationState, str | None]]:
    with house.instance.database.reading() as tx:
        return [(row.state, row.reason) for row in list_states(tx, digest)]


def state(house: House, digest: Digest) -> OperationState:
    with house.instance.database.reading() as tx:
        return get_operation(tx, digest).state


def retry(house: House, digest: Digest, reason: str | None = None) -> None:
    with house.instance.database.transaction() as tx:
        retry_operation(house.instance, tx, digest, person="Zhao", reason=reason)


def refuse(house: House, digest: Digest, reason: str = "typed twice") -> list[Digest]:
    with house.instance.database.transaction() as tx:
        refused = refuse_operation(house.instance, tx, digest, person="Zhao", reason=reason)
    return [row.digest for row in refused]


def carried(house: House, digest: Digest, to: TransactionState) -> None:
    """A transaction that carries the operation stands there."""
    new = NewTransaction(
        chain_id=1, account=b"\1" * 20, nonce=1, attempt=0, hash=b"\2" * 32, raw=b"raw",
        kind="open", state=TransactionState.SIGNED, created_at=house.clock(),
    )  # fmt: skip
    with house.instance.database.transaction() as tx:
        insert_transaction(tx, new, [digest])
        move_transaction(tx, new.hash, to, expected=[TransactionState.SIGNED])


def test_a_retried_operation_is_owed_again_and_its_history_says_who_asked(house: House) -> None:
    digest = stuck(house, house.open(1).digest)
    retry(house, digest, "the relayer was funded")
    assert history(house, digest) == [
        (S.OWED, None),
        (S.STUCK, "look"),
        (S.OWED, "tried again by Zhao: the relayer was funded"),
    ]


@pytest.mark.parametrize("at", [TransactionState.SIGNED, TransactionState.SENT])
def test_a_retry_gives_up_the_transaction_that_lies_at_the_node(
    house: House, at: TransactionState
) -> None:
    digest = stuck(house, house.open(1).digest)
    carried(house, digest, at)
    retry(house, digest)
    with house.instance.database.reading() as tx:
        assert [row.state for row in list_transactions_of(tx, digest)] == [TransactionState.DROPPED]
    assert history(house, digest)[-1] == (S.OWED, "tried again by Zhao")


@pytest.mark.parametrize("then", [S.OWED, S.MINED])
def test_only_a_stuck_operation_is_retried(house: House, then: OperationState) -> None:
    digest = house.open(1).digest
    if then is not S.OWED:
        with house.instance.database.transaction() as tx:
            move_operation(tx, digest, then, house.clock(), expected=[S.OWED])
    with house.nothing_stored(), pytest.raises(Conflict, match=f"is {then}"):
        retry(house, digest)
    with house.nothing_stored(), pytest.raises(Conflict, match=f"is {then}"):
        refuse(house, digest)


def test_an_unknown_operation_is_not_found(house: House) -> None:
    with house.nothing_stored(), pytest.raises(NotFound):
        retry(house, Digest(bytes(32)))
    with house.nothing_stored(), pytest.raises(NotFound):
        refuse(house, Digest(bytes(32)))


def test_a_refused_operation_takes_with_it_what_needs_it_and_frees_its_place(house: House) -> None:
    opening = house.open(1).digest
    load, ending = house.declare(1).digest, house.end(1).digest
    assert refuse(house, stuck(house, opening)) == [opening, load, ending]
    assert [state(house, each) for each in (opening, load, ending)] == [S.REFUSED] * 3
    assert history(house, opening)[-1] == (S.REFUSED, "refused by Zhao: typed twice")
    assert "follows from" in str(history(house, load)[-1][1])
    assert house.open(1).digest != opening


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 501, "bell\7"])
def test_a_refusal_says_why(house: House, reason: str) -> None:
    digest = stuck(house, house.open(1).digest)
    with house.nothing_stored(), pytest.raises(InvalidInput):
        refuse(house, digest, reason)
    assert state(house, digest) is S.STUCK


@pytest.mark.parametrize(
    "transaction,may_refuse",
    [
        (TransactionState.SIGNED, False),
        (TransactionState.SENT, False),
        (TransactionState.DROPPED, True),
        (TransactionState.MINED, True),
    ],
)
def test_what_may_still_be_mined_is_not_refused(
    house: House, transaction: TransactionState, may_refuse: bool
) -> None:
    digest = stuck(house, house.open(1).digest)
    carried(house, digest, transaction)
    if may_refuse:
        assert refuse(house, digest) == [digest]
        return
    with house.nothing_stored(), pytest.raises(Conflict, match="may still be mined"):
        refuse(house, digest)
    assert state(house, digest) is S.STUCK


def test_an_operation_is_named_by_the_beginning_of_its_digest(house: House) -> None:
    digest = house.open(1).digest
    with house.instance.database.reading() as tx:
        for text in (digest.hex(), "0x" + digest.hex(), digest.hex()[:8], "0x" + digest.hex()[:9]):
            assert resolve_operation(tx, text).digest == digest
            assert resolve_operation(tx, text.upper().replace("0X", "0x")).digest == digest
        unknown = f"{int(digest.hex()[:8], 16) ^ 1:08x}"
        with pytest.raises(NotFound):
            resolve_operation(tx, unknown)


@pytest.mark.parametrize("text", ["", "0x", "1234567", "g" * 64, "0x" + "1" * 65, "%" * 8])
def test_what_names_no_operation_is_said(house: House, text: str) -> None:
    with house.instance.database.reading() as tx, pytest.raises(InvalidInput):
        resolve_operation(tx, text)


def test_an_operation_is_shown_with_what_it_waits_for_and_what_carried_it(house: House) -> None:
    opening = house.open(1).digest
    load = house.declare(1).digest
    carried(house, opening, TransactionState.SENT)
    with house.instance.database.reading() as tx:
        view, later = show_operation(tx, opening), show_operation(tx, load)
    assert view.operation.digest == opening
    assert [each.digest for each in view.dependents] == [load]
    assert [each.state for each in view.transactions] == [TransactionState.SENT]
    assert [each.state for each in view.states] == [S.OWED]
    assert opening in {each.digest for each in later.predecessors}
    assert later.foreign_predecessors == []
    assert view.signatures


def test_a_prepared_operation_that_nobody_signed_is_dropped_by_the_housekeeping(
    house: House,
) -> None:
    for number in (1, 2):
        draft = making.opening(house.cycle(number), signer=house.operator)
        with house.instance.database.transaction() as tx:
            prepare(house.instance, tx, house.caller, draft)
        house.clock.now += VALID_FOR / 2
    dropped = keep_house(house.instance)
    assert (dropped.drafts, dropped.requests) == (1, 0)
    with house.instance.database.reading() as tx:
        assert len(tx.execute(select(drafts)).all()) == 1


def test_a_worker_keeps_house_when_it_starts(tmp_path: Path, database_address: str) -> None:
    instance = open_instance(Settings(home=tmp_path / "home", database_url=database_address))
    old = instance.clock() - VALID_FOR
    with instance.database.transaction() as tx:
        insert_draft(
            tx,
            DraftRow(
                digest=Digest(bytes(32)), kind="CycleOpening", unit=1, body=b"sealed",
                created_by="Zhao", created_at=old - VALID_FOR, expires_at=old,
            ),
        )  # fmt: skip

    def is_gone() -> bool:
        with instance.database.reading() as tx:
            return not tx.execute(select(drafts)).all()

    with working(instance):
        wait_for(is_gone)
    instance.close()


def test_a_worker_drops_what_expired_within_minutes(tmp_path: Path, database_address: str) -> None:
    opened = open_instance(Settings(home=tmp_path / "home", database_url=database_address))
    clock = Clock(now=opened.clock())
    instance = replace(opened, clock=clock)

    def left() -> int:
        with instance.database.reading() as tx:
            return len(tx.execute(select(drafts)).all())

    with working(instance):
        wait_for(lambda: is_deployed(instance))
        with instance.database.transaction() as tx:
            insert_draft(
                tx,
                DraftRow(
                    digest=Digest(bytes(32)), kind="CycleOpening", unit=1, body=b"sealed",
                    created_by="Zhao", created_at=clock.now, expires_at=clock.now + VALID_FOR,
                ),
            )  # fmt: skip
        clock.advance(minutes=14)
        assert left() == 1
        clock.advance(minutes=2)
        wait_for(lambda: left() == 0)
    instance.close()
