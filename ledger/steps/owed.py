"""Owed operations → candidates for a transaction, with their signatures and what they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.chain.calldata import Proofs
from ledger.domain.abi import Value
from ledger.domain.batching import Candidate, Proof, estimated_gas, estimated_size
from ledger.domain.identifiers import Digest
from ledger.domain.indexed import IndexedOperation
from ledger.domain.operation_states import GIVEN_UP, OperationState
from ledger.domain.operations import Party, find_kind, message_from_json
from ledger.storage import index
from ledger.storage.operations import (
    OperationRow,
    SignatureRow,
    list_by_digests,
    list_dependencies,
    list_operations,
    list_signatures,
)

_PAGE = 1000
_ON_CHAIN = frozenset({OperationState.MINED, OperationState.FINAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One owed operation with all that a call needs."""

    row: OperationRow
    candidate: Candidate
    message: Mapping[str, Value]
    proofs: Proofs


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedPage:
    """Some owed operations in the order of their acceptance, and what is known around them."""

    owed: Mapping[Digest, Owed]
    #: digests on the chain that one of them waits for
    recorded: frozenset[Digest]
    #: those whose predecessor was given up → that predecessor
    doomed: Mapping[Digest, Digest]
    #: those that the index has already: somebody relayed them before they came to us
    relayed: Mapping[Digest, IndexedOperation]


def read_owed(tx: Connection, *, deferred: AbstractSet[Digest], limit: int) -> OwedPage:
    """The oldest owed operations, with at most `limit` that are not deferred."""
    rows = _oldest(tx, deferred, limit)
    digests = [row.digest for row in rows]
    waits = _predecessors(tx, digests)
    states = _states(tx, {before for each in waits.values() for before in each})
    signatures = _signatures(tx, digests)
    owed = {row.digest: _owed(row, waits[row.digest], signatures[row.digest]) for row in rows}
    return OwedPage(
        owed=owed,
        recorded=frozenset(before for before, state in states.items() if state in _ON_CHAIN),
        doomed={
            digest: before
            for digest, each in waits.items()
            for before in each
            if states.get(before) in GIVEN_UP
        },
        relayed=_indexed(tx, digests),
    )


def _oldest(tx: Connection, deferred: AbstractSet[Digest], limit: int) -> list[OperationRow]:
    rows: list[OperationRow] = []
    after, ready = 0, 0
    while ready < limit:
        page = list_operations(tx, states=[OperationState.OWED], after=after, limit=_PAGE)
        for row in page:
            ready += row.digest not in deferred
            rows.append(row)
            if ready == limit:
                break
        if len(page) < _PAGE:
            break
        after = page[-1].sequence
    return rows


def _predecessors(tx: Connection, digests: Sequence[Digest]) -> dict[Digest, list[Digest]]:
    waits: dict[Digest, list[Digest]] = {digest: [] for digest in digests}
    for row in list_dependencies(tx, digests):
        waits[row.digest].append(row.predecessor)
    return waits


def _states(tx: Connection, digests: AbstractSet[Digest]) -> dict[Digest, OperationState]:
    """Where predecessors stand; one that is not ours is on the chain, or unknown and left out."""
    states = {row.digest: row.state for row in list_by_digests(tx, digests)}
    others = _indexed(tx, [digest for digest in digests if digest not in states])
    return states | dict.fromkeys(others, OperationState.FINAL)


def _indexed(tx: Connection, digests: Sequence[Digest]) -> dict[Digest, IndexedOperation]:
    found = (index.find(tx, IndexedOperation, digest) for digest in digests)
    return {row.digest: row for row in found if row is not None}


def _signatures(tx: Connection, digests: Sequence[Digest]) -> dict[Digest, list[SignatureRow]]:
    found: dict[Digest, list[SignatureRow]] = {digest: [] for digest in digests}
    for row in list_signatures(tx, digests):
        found[row.digest].append(row)
    return found


def _owed(row: OperationRow, waits: Sequence[Digest], signatures: Sequence[SignatureRow]) -> Owed:
    kind = find_kind(row.kind)
    message = message_from_json(kind, row.message)
    # The contract knows the authority: a call carries its signature without a key.
    proofs = {
        each.party: Proof(
            signer=b"" if each.party is Party.AUTHORITY else each.signer,
            signature=each.signature,
        )
        for each in signatures
    }
    each = list(proofs.values())
    candidate = Candidate(
        digest=row.digest,
        kind=kind,
        subject=row.subject,
        predecessors=frozenset(waits),
        gas=estimated_gas(kind, message, each),
        size=estimated_size(kind, message, each),
    )
    return Owed(row=row, candidate=candidate, message=message, proofs=proofs)
