"""Change of an operation's state → log line, once it is durable.

The digest is the id that follows a record: every line of an operation has it, from the request that
brought it to the block that holds it.  Whichever process and step asks for the change, its line is
made here.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy import Connection, select

from ledger.domain.outbox.operation_states import OperationState
from ledger.storage.engine.database import after_commit
from ledger.storage.engine.rows import chunks
from ledger.storage.index_tables import idx_operations

#: how many digests one line names at most
MOST_IN_A_LINE = 50

_S = OperationState
_LEVELS: Mapping[OperationState, int] = {
    # the embedded chain's blocks are final at once: the next line says it
    _S.MINED: logging.DEBUG,
    _S.REFUSED: logging.WARNING,
    _S.STUCK: logging.ERROR,
}
_EVENTS: Mapping[OperationState, str] = {_S.OWED: "owed_again"}

log = structlog.get_logger("operations")


def trace_acceptance(tx: Connection, digest: bytes, *, kind: str, unit: int) -> None:
    """Tell that an operation is accepted."""
    after_commit(tx, partial(log.info, "accepted", digest=_hex(digest), kind=kind, unit=unit))


def trace_move(
    tx: Connection,
    digests: Sequence[bytes],
    to: OperationState,
    *,
    reason: str | None,
    transaction_hash: bytes | None,
) -> None:
    """Tell where operations stand now: with the transaction, the block or the reason."""
    facts = {
        "transaction": None if transaction_hash is None else _hex(transaction_hash),
        "reason": reason,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    if to is not _S.FINAL:
        _tell(tx, to, digests, known)
        return
    for block, recorded in _by_block(tx, digests).items():
        _tell(tx, to, recorded, known if block is None else {**known, "block": block})


def _tell(
    tx: Connection,
    to: OperationState,
    digests: Sequence[bytes],
    facts: Mapping[str, str | int],
) -> None:
    level, event = _LEVELS.get(to, logging.INFO), _EVENTS.get(to, to.value)
    for start in range(0, len(digests), MOST_IN_A_LINE):
        part = [_hex(digest) for digest in digests[start : start + MOST_IN_A_LINE]]
        named = {"digest": part[0]} if len(part) == 1 else {"digests": part}
        after_commit(tx, partial(log.log, level, event, **named, **facts))


def _by_block(tx: Connection, digests: Sequence[bytes]) -> dict[int | None, list[bytes]]:
    """The digests by the height of their block, as the index has it; None where it has none."""
    heights: dict[bytes, int] = {}
    c = idx_operations.c
    for part in chunks(digests):
        rows = tx.execute(select(c.digest, c.height).where(c.digest.in_(part)))
        heights.update((row.digest, row.height) for row in rows)
    found: dict[int | None, list[bytes]] = {}
    for digest in digests:
        found.setdefault(heights.get(digest), []).append(digest)
    return found


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
