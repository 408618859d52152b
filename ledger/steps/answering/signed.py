"""Index and records → what a key signed in a window, and how sure it is who that was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.words import Custody
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import SignerId, parse_hex32, to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import NotFound
from ledger.domain.operations import message_from_json
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.standing import Accepted, AcceptedRecords
from ledger.steps.answering.view import View
from ledger.storage import index

#: How sure it is who used a key, surest first.
ONE_PERSON, SHIFT_OPEN, NO_SHIFT = "one person's key", "a shift was open", "no shift recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLine(View):
    """One operation that a key signed."""

    digest: str
    act: str
    subject: str
    #: of its block, RFC 3339
    at: str
    sureness: str


def list_signed(
    tx: Connection, caller: Caller, signer: str, *, since: datetime, until: datetime
) -> list[SignedLine]:
    """What a signer, by its id, signed between two moments; raises NotFound for another unit's."""
    readable = caller.readable_unit
    identifier = SignerId(parse_hex32(signer, field="signer"))
    state = Accepted(tx).find(SignerState, identifier)
    if state is None or readable not in {None, state.unit}:
        raise NotFound(f"there is no signer {signer}", field="signer")
    shifts = list(_shifts(tx, identifier, state.unit))
    rows = index.list_signed_by(
        tx, state.signer, since=max(int(since.timestamp()), 0), until=max(int(until.timestamp()), 0)
    )
    return [_line(row, state, shifts) for row in rows]


def _shifts(tx: Connection, signer: SignerId, unit: int) -> Iterator[tuple[float, float]]:
    """The shifts of a key by its own unit's word, from when to when, in Unix seconds."""
    for facts in AcceptedRecords(tx).facts_about(signer, "Shift"):
        if facts["record.unit"] != unit:
            continue
        ended = facts["ended_at"]
        yield (
            datetime.fromisoformat(str(facts["begun_at"])).timestamp(),
            float("inf") if ended is None else datetime.fromisoformat(str(ended)).timestamp(),
        )


def _line(
    row: IndexedOperation, state: SignerState, shifts: list[tuple[float, float]]
) -> SignedLine:
    act = find_act(row.kind)
    is_open = any(begun <= row.timestamp <= ended for begun, ended in shifts)
    sureness = SHIFT_OPEN if is_open else NO_SHIFT
    if state.custody in {Custody.DEVICE, Custody.HARDWARE}:
        sureness = ONE_PERSON
    return SignedLine(
        digest=to_hex(row.digest),
        act=act.says(message_from_json(act, row.message)),
        subject=to_hex(row.subject),
        at=seconds_text(row.timestamp),
        sureness=sureness,
    )
