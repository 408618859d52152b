"""Draft → accepted with held keys, and the answer that every recording command gives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.cli.options import local_caller
from ledger.cli.printing import answer, print_pairs, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.domain.drafts import Circumstances, Draft
    from ledger.steps.accepting.submit import Receipt
    from ledger.steps.instance import Instance

_PAUSE_SECONDS = 0.1


def circumstances(
    *,
    reason: str | None = None,
    performer: str | None = None,
    checker: str | None = None,
) -> Circumstances:
    """What a record says of an act that was typed here."""
    from ledger.domain.drafts import Circumstances, People

    people = People(performer=performer, checker=checker, enterer=local_caller().person)
    return Circumstances(people=people, authenticated_by="local", reason=reason)


def act(
    instance: Instance,
    make: Callable[[Connection, Caller], Draft],
    *,
    what: str,
    as_json: bool,
    wait: float,
) -> Receipt:
    """Make the draft and accept it in one transaction; print the receipt."""
    from ledger.steps.accepting.submit import record_with_held_keys

    caller = local_caller()
    with instance.database.transaction() as tx:
        receipt = record_with_held_keys(instance, tx, caller, make(tx, caller))
    state = wait_until_final(instance, receipt, wait)
    promise = json.loads(receipt.payload)
    plain = {
        **promise,
        "state": state,
        "receipt_signature": "0x" + receipt.signature.hex(),
    }
    answer(plain, as_json=as_json, human=lambda: _print_receipt(what, promise, state))
    return receipt


def wait_until_final(instance: Instance, receipt: Receipt, seconds: float) -> str:
    """The operation's state, once it no longer waits for the chain or the time is over."""
    from ledger.domain.outbox.operation_states import OperationState
    from ledger.storage.operations import get_operation

    deadline = time.monotonic() + seconds
    while True:
        with instance.database.reading() as tx:
            state = get_operation(tx, receipt.digest).state
        settled = state in {OperationState.FINAL, OperationState.REFUSED, OperationState.STUCK}
        if settled or time.monotonic() >= deadline:
            return state.value
        time.sleep(_PAUSE_SECONDS)


def _print_receipt(what: str, promise: dict[str, object], state: str) -> None:
    say(f"Accepted: {what}.")
    print_pairs(
        [("digest", promise["digest"]), ("accepted", promise["accepted_at"]), ("chain", state)]
    )
