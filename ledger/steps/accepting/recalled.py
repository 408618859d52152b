"""Database → the recalls of a machine, and whether it may release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ledger.domain.acts.recall_order import RecallStage
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import NOT_ENTERED
from ledger.domain.custody.lines import seconds_or_none
from ledger.domain.custody.standing import BiologicalResult, Order, Suspension, suspensions
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.steps.accepting.reading_back import read_facts, read_facts_of, read_operation
from ledger.storage import operations
from ledger.storage.numbers import highest_opened

_ORDER = "RecallOrder"


def orders_of(tx: Connection, machine: bytes) -> list[Order]:
    """The recalls that were ordered for a machine, oldest first, those that ended among them."""
    rows = [
        row for row in operations.list_by_subject(tx, machine, standing=True) if row.kind == _ORDER
    ]
    messages = {row.digest: read_operation(row).message for row in rows}
    ended = {
        word(message, "replaces")
        for message in messages.values()
        if packed_numbers(message)[3] == RecallStage.ENDED
    }
    found = []
    for row in rows:
        epoch, first, last, stage = packed_numbers(messages[row.digest])
        if stage == RecallStage.ORDERED:
            found.append(
                Order(
                    digest=row.digest,
                    epoch=epoch,
                    first=first,
                    last=last,
                    sequence=row.sequence,
                    at=row.signed_at,
                    has_ended=row.digest in ended,
                )
            )
    return found


def suspensions_of(tx: Connection, machine: bytes) -> Sequence[Suspension]:
    """When a machine was suspended, and whether it is."""
    orders = orders_of(tx, machine)
    if not orders:
        return []
    orders = [
        replace(each, highest=highest_opened(tx, machine, before=each.sequence)) for each in orders
    ]
    return suspensions(orders, list(_biological(tx, machine, since=orders[0].sequence)))


def _biological(tx: Connection, machine: bytes, *, since: int) -> Iterator[BiologicalResult]:
    """What was read of the cycles that were opened after a moment of our own order."""
    openings = {
        row.subject: row
        for row in operations.list_of_parent(tx, machine, "CycleOpening", after=since)
    }
    facts = read_facts_of(tx, list(openings.values()))
    rows = [row for row in operations.list_by_subjects(tx, openings) if row.state not in GIVEN_UP]
    withdrawn = {
        word(read_operation(row).message, "replaces") for row in rows if row.kind == "ResultEntry"
    }
    for row in rows:
        said = _word_of(tx, row)
        if said is None or row.digest in withdrawn:
            continue
        opened = openings[row.subject]
        opening = read_operation(opened).message
        happened = seconds_or_none(facts[opened.digest]["happened.utc"])
        yield BiologicalResult(
            epoch=integer(opening, "epoch"),
            number=integer(opening, "number"),
            opened=opened.sequence,
            ran=opened.signed_at if happened is None else happened,
            sequence=row.sequence,
            word=said,
        )


def _word_of(tx: Connection, row: operations.OperationRow) -> str | None:
    """The biological result that an operation states, or None."""
    if row.kind == "ResultEntry":
        result, how, *_ = packed_numbers(read_operation(row).message)
        return ResultWord(how).name.lower() if result == Result.BIOLOGICAL else None
    if row.kind != "CycleDecision":
        return None
    facts = read_facts(tx, row)
    said = str(facts["results.biological"])
    return None if said == NOT_ENTERED else said
