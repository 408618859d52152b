"""Values → accepted with held keys, or prepared for others; and the answer that is given."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.cli.options import local_caller, opened
from ledger.cli.printing import answer, note, print_pairs, print_table, say
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.acts.asking import Door
    from ledger.domain.acts.vocabulary import Act
    from ledger.steps.accepting.submit import Receipt
    from ledger.steps.instance import Instance

_PAUSE_SECONDS = 0.1


def record(
    act: Act,
    values: dict[str, Any],
    door: Door,
    *,
    home: Path,
    as_json: bool,
    wait: float,
    prepare_to: Path | None,
) -> None:
    """Make the draft and accept it in one transaction; or prepare it, and write what is to sign."""
    from ledger.steps.accepting.drafting import make_draft, spelled
    from ledger.steps.accepting.handing import handed
    from ledger.steps.accepting.prepare import prepare
    from ledger.steps.accepting.submit import record_with_held_keys

    caller = local_caller()
    with opened(home) as instance:
        with instance.database.transaction() as tx, spelled(act, door.spell):
            draft = make_draft(instance, tx, caller, act, values, door)
            if prepare_to is not None:
                plain = handed(tx, prepare(instance, tx, caller, draft))
                _write_new(prepare_to, plain)
            else:
                receipt = record_with_held_keys(instance, tx, caller, draft)
        if prepare_to is None:
            give_receipt(instance, receipt, act.says(draft.message), as_json=as_json, wait=wait)
        else:
            _give_prepared(plain, prepare_to, as_json=as_json)


def _write_new(file: Path, plain: dict[str, Any]) -> None:
    """Into a new file that only its owner reads: the secrets of a record are in it."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened_:
            json.dump(plain, opened_, ensure_ascii=False, indent=2)
    except OSError as error:
        raise InvalidInput(
            f"{file}: {error.strerror}", field="--prepare", rule="a new file in a folder"
        ) from None


def _give_prepared(plain: dict[str, Any], file: Path, *, as_json: bool) -> None:
    names = ("party", "signer", "held_here")

    def human() -> None:
        say(f"Prepared in {file}; it waits until {plain['expires_at']}.")
        print_table(names, [[each[name] for name in names] for each in plain["parties"]])
        say("Sign the digest where the keys are, then:")
        say(f"steriledger operation submit {plain['digest']} --signature PARTY=0x… --held PARTY")

    shown = {name: plain[name] for name in ("digest", "kind", "expires_at", "parties")}
    answer({**shown, "file": str(file)}, as_json=as_json, human=human)


def give_receipt(
    instance: Instance, receipt: Receipt, what: str, *, as_json: bool, wait: float
) -> None:
    """Print what is promised, once the chain has it or the time is over."""
    from ledger.domain.outbox.operation_states import OperationState
    from ledger.steps.answering.status import WorkerState, status

    state = wait_until_final(instance, receipt, wait)
    if wait and state == OperationState.OWED.value:
        worker = status(instance).worker
        if worker is not WorkerState.RUNS:
            note(
                f"nothing writes to the chain now, the worker is {worker.value}: steriledger status"
            )
    promise = json.loads(receipt.payload)
    plain = {**promise, "state": state, "receipt_signature": "0x" + receipt.signature.hex()}

    def human() -> None:
        say(f"Accepted: {what}.")
        print_pairs(
            [("digest", promise["digest"]), ("accepted", promise["accepted_at"]), ("chain", state)]
        )

    answer(plain, as_json=as_json, human=human)


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
