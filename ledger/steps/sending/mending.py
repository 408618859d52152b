"""Stuck → owed again or refused, because a person looked; the dated row says who and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Conflict, InvalidInput, NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.steps.instance import Instance
from ledger.steps.sending.refusals import refuse
from ledger.steps.sending.settle import PENDING, drop_lying
from ledger.storage import operations
from ledger.storage.operations import OperationRow, SignatureRow, StateRow
from ledger.storage.transactions import TransactionRow, list_transactions_of

#: hexadecimal digits that name an operation when no other begins with them
FEWEST_DIGITS = 8
MOST_DIGITS = 64
MOST_REASON = 500

_RETRIED, _REFUSED = "tried again", "refused"
_S = OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationView:
    """One operation with everything that says why it stands where it does."""

    operation: OperationRow
    states: Sequence[StateRow]
    signatures: Sequence[SignatureRow]
    #: what it waits for, as far as it is kept here
    predecessors: Sequence[OperationRow]
    #: what it waits for and is not kept here: somebody else recorded it, or nobody
    foreign_predecessors: Sequence[Digest]
    #: what waits for it
    dependents: Sequence[OperationRow]
    transactions: Sequence[TransactionRow]


def resolve_operation(tx: Connection, text: str) -> OperationRow:
    """An operation by its digest, or by the first eight or more of its hexadecimal digits.

    Raises InvalidInput for other text or when several begin so, and NotFound.
    """
    digits = text.removeprefix("0x").lower()
    is_hex = all(digit in "0123456789abcdef" for digit in digits)
    if not is_hex or not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise InvalidInput(
            f"{text[:80]!r} names no operation",
            field="DIGEST",
            rule=f"{FEWEST_DIGITS} to {MOST_DIGITS} hexadecimal digits, from the first on",
        )
    first = bytes.fromhex(digits.ljust(MOST_DIGITS, "0"))
    last = bytes.fromhex(digits.ljust(MOST_DIGITS, "f"))
    found = operations.list_between(tx, first, last, limit=2)
    if not found:
        raise NotFound(
            f"there is no operation {text}",
            field="DIGEST",
            remedy="see: steriledger operation list",
        )
    if len(found) > 1:
        raise InvalidInput(
            f"several operations begin with {text}", field="DIGEST", remedy="give more digits"
        )
    return found[0]


def show_operation(tx: Connection, digest: Digest) -> OperationView:
    """An operation and what is around it; raises NotFound."""
    row = operations.get_operation(tx, digest)
    waits = [each.predecessor for each in operations.list_dependencies(tx, [digest])]
    kept = operations.list_by_digests(tx, waits)
    known = {each.digest for each in kept}
    return OperationView(
        operation=row,
        states=operations.list_states(tx, digest),
        signatures=operations.list_signatures(tx, [digest]),
        predecessors=kept,
        foreign_predecessors=[each for each in waits if each not in known],
        dependents=operations.list_dependents(tx, digest),
        transactions=list_transactions_of(tx, digest),
    )


def retry_operation(
    instance: Instance, tx: Connection, digest: Digest, *, person: str, reason: str | None = None
) -> None:
    """A person looked: the operation is owed again, and sent in its turn.

    A transaction that carries it and is not mined is given up, with all that waits behind it.
    Raises NotFound for an unknown digest, Conflict when the operation is not stuck.
    """
    now, why = instance.clock(), _words(_RETRIED, person, reason)
    operations.move_operation(tx, digest, _S.OWED, now, expected=[_S.STUCK], reason=why)
    drop_lying(tx, digest, now, why)


def refuse_operation(
    instance: Instance, tx: Connection, digest: Digest, *, person: str, reason: str
) -> list[OperationRow]:
    """A person looked: the operation will never go out, and what cannot be without it neither.

    Returns all that were refused, the named one first.  Raises NotFound, InvalidInput without a
    reason, and Conflict when the operation is not stuck, or a transaction that carries it may
    still be mined.
    """
    row = operations.get_operation(tx, digest)
    if row.state is not _S.STUCK:
        raise Conflict(
            f"operation {to_hex(digest)} is {row.state}",
            field="DIGEST",
            rule="a person refuses only what is stuck; what is owed is still tried",
        )
    _require_dead(tx, digest)
    standing = [each for each in _followers(tx, digest) if each.state not in GIVEN_UP]
    refuse(tx, digest, _words(_REFUSED, person, reason), instance.clock())
    after = operations.list_by_digests(tx, [digest, *(each.digest for each in standing)])
    refused = [each for each in after if each.state is _S.REFUSED]
    return sorted(refused, key=lambda each: (each.digest != digest, each.sequence))


def _require_dead(tx: Connection, digest: Digest) -> None:
    for each in list_transactions_of(tx, digest):
        if each.state in PENDING:
            raise Conflict(
                f"transaction {to_hex(each.hash)}, which carries it, may still be mined",
                field="DIGEST",
                rule="what may still come on the chain is not refused here",
                remedy="mend the relayer's account and wait, or: steriledger operation retry",
            )


def _followers(tx: Connection, digest: Digest) -> list[OperationRow]:
    """Everything that waits for an operation, at any distance."""
    found: dict[Digest, OperationRow] = {}
    queue = [digest]
    while queue:
        for row in operations.list_dependents(tx, queue.pop()):
            if row.digest not in found:
                found[row.digest] = row
                queue.append(row.digest)
    return list(found.values())


def _words(what: str, person: str, reason: str | None) -> str:
    said = f"{what} by {person}"
    return said if reason is None else f"{said}: {require_reason(reason)}"


def unnamed(reason: str | None) -> str | None:
    """The reason of a state as another unit reads it: without the person who looked."""
    if reason is None:
        return None
    what = next((each for each in (_RETRIED, _REFUSED) if reason.startswith(f"{each} by ")), None)
    return reason if what is None else f"{what} by a person"


def require_reason(text: str) -> str:
    """A reason as it is kept; raises InvalidInput for an empty, a long or an unprintable one."""
    reason = " ".join(text.split())
    if not reason or len(reason) > MOST_REASON or not reason.isprintable():
        raise InvalidInput(
            "is no reason", field="--reason", rule=f"1 to {MOST_REASON} printable characters"
        )
    return reason
