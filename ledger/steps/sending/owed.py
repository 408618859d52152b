"""Owed operations → candidates for a transaction, with their signatures and what they wait for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.chain.calldata import Proofs
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import Party, find_kind, message_from_plain
from ledger.domain.outbox.batching import Candidate, Proof, estimated_gas, estimated_size
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.subjects.needs import is_needed
from ledger.steps.accepting.standing import read_operation
from ledger.storage.operations import (
    OwedRow,
    SignatureRow,
    list_by_digests,
    list_signatures_to_send,
    list_to_send,
    list_waits,
)

_ON_CHAIN = frozenset({OperationState.MINED, OperationState.FINAL})
#: What a signer or a unit signed before goes out before these, where it can.  Where it cannot, they
#: do not wait: a right is not kept alive by something that stands.
_ENDS_RIGHTS = frozenset({"SignerRevocation", "UnitClosure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One owed operation with all that a call needs."""

    row: OwedRow
    candidate: Candidate
    message: Mapping[str, Value]
    proofs: Proofs


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedPage:
    """Some owed operations in the order of their acceptance, and what is known around them."""

    owed: Mapping[Digest, Owed]
    #: digests on the chain that one of them waits for
    recorded: AbstractSet[Digest]
    #: digests that one of them waits for and that need a person
    stuck: AbstractSet[Digest]
    #: those whose predecessor was given up → that predecessor
    doomed: Mapping[Digest, Digest]
    #: those that the index has already, since somebody else relayed them → their transaction
    relayed: Mapping[Digest, bytes]
    #: whether more of them are owed
    is_full: bool


def read_owed(tx: Connection, *, deferred: AbstractSet[Digest], limit: int) -> OwedPage:
    """The oldest owed operations, with at most `limit` that are not deferred."""
    rows = _oldest(tx, deferred, limit)
    if not rows:
        return _NOTHING
    first, last = rows[0].sequence, rows[-1].sequence
    waits: dict[Digest, list[Digest]] = {row.digest: [] for row in rows}
    recorded: set[Digest] = set()
    stuck: set[Digest] = set()
    doomed: dict[Digest, Digest] = {}
    for digest, before, state in list_waits(tx, first, last):
        waits[digest].append(before)
        if state in _ON_CHAIN:
            recorded.add(before)
        elif state in GIVEN_UP:
            doomed[digest] = before
        elif state is OperationState.STUCK:
            stuck.add(before)
    signatures: dict[Digest, list[SignatureRow]] = {row.digest: [] for row in rows}
    for signature in list_signatures_to_send(tx, first, last):
        signatures[signature.digest].append(signature)
    passed = _only_earlier(tx, rows, waits)
    owed = (
        _owed(row, waits[row.digest], passed.get(row.digest, _NONE), signatures[row.digest])
        for row in rows
    )
    return OwedPage(
        owed={each.row.digest: each for each in owed},
        recorded=recorded,
        stuck=stuck,
        doomed=doomed,
        relayed={row.digest: row.relayed_by for row in rows if row.relayed_by is not None},
        is_full=sum(row.digest not in deferred for row in rows) == limit,
    )


_NONE: AbstractSet[Digest] = frozenset()
_NOTHING = OwedPage(owed={}, recorded=_NONE, stuck=_NONE, doomed={}, relayed={}, is_full=False)


def _only_earlier(
    tx: Connection, rows: Sequence[OwedRow], waits: Mapping[Digest, Sequence[Digest]]
) -> dict[Digest, AbstractSet[Digest]]:
    """What ends a right → those of its predecessors that it can be recorded without."""
    ending = [row for row in rows if row.kind in _ENDS_RIGHTS]
    if not ending:
        return {}
    wanted = {before for row in ending for before in waits[row.digest]}
    known = {row.digest: read_operation(row) for row in list_by_digests(tx, wanted)}
    return {
        row.digest: {
            before
            for before in waits[row.digest]
            if before in known and not is_needed(known[before], read_operation(row))
        }
        for row in ending
    }


def _oldest(tx: Connection, deferred: AbstractSet[Digest], limit: int) -> list[OwedRow]:
    rows: list[OwedRow] = []
    after, missing = 0, limit
    while missing:
        page = list_to_send(tx, after=after, limit=missing)
        rows += page
        if len(page) < missing:
            break
        after = page[-1].sequence
        missing -= sum(row.digest not in deferred for row in page)
    return rows


def _owed(
    row: OwedRow,
    waits: Sequence[Digest],
    only_earlier: AbstractSet[Digest],
    signatures: Sequence[SignatureRow],
) -> Owed:
    kind = find_kind(row.kind)
    # Whether the stored text is in its one form, the audit looks; here a changed one fits no
    # signature, and the contract says so.
    message = message_from_plain(kind, json.loads(row.message))
    # The contract knows the authority: a call carries its signature without a key.
    proofs = {
        each.party: Proof(
            signer=b"" if each.party is Party.AUTHORITY else each.signer,
            signature=each.signature,
        )
        for each in signatures
    }
    each = list(proofs.values())
    size = estimated_size(kind, message, each)
    candidate = Candidate(
        digest=row.digest,
        kind=kind,
        subject=row.subject,
        predecessors=frozenset(waits) - only_earlier,
        only_earlier=frozenset(only_earlier),
        gas=estimated_gas(kind, message, each, size=size),
        size=size,
    )
    return Owed(row=row, candidate=candidate, message=message, proofs=proofs)
