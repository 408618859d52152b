"""Owed operations → candidates for a transaction, with their signatures and what they wait for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.chain.calldata import Proofs
from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Message
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import message_from_plain
from ledger.domain.outbox.batching import Candidate, Proof, estimated_gas, estimated_size
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.storage.operations import (
    OwedRow,
    SignatureRow,
    list_signatures_to_send,
    list_to_send,
    list_waits,
)

_ON_CHAIN = frozenset({OperationState.MINED, OperationState.FINAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One owed operation with all that a call needs."""

    row: OwedRow
    candidate: Candidate
    message: Message
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
    passed: dict[Digest, set[Digest]] = {}
    ending = {row.digest for row in rows if find_act(row.kind).ends}
    for digest, before, needed, state in list_waits(tx, first, last):
        waits[digest].append(before)
        if digest in ending and not needed:
            passed.setdefault(digest, set()).add(before)
        if state in _ON_CHAIN:
            recorded.add(before)
        elif state in GIVEN_UP:
            doomed[digest] = before
        elif state is OperationState.STUCK:
            stuck.add(before)
    signatures: dict[Digest, list[SignatureRow]] = {row.digest: [] for row in rows}
    for signature in list_signatures_to_send(tx, first, last):
        signatures[signature.digest].append(signature)
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
    act = find_act(row.kind)
    # Whether the stored text is in its one form, the audit looks; here a changed one fits no
    # signature, and the contract says so.
    message = message_from_plain(act, json.loads(row.message))
    # The contract knows the authority: a call carries its signature without a key.
    proofs = {
        each.party: Proof(
            signer=b"" if each.party is Party.AUTHORITY else each.signer,
            signature=each.signature,
        )
        for each in signatures
    }
    each = list(proofs.values())
    size = estimated_size(act, message, each)
    candidate = Candidate(
        digest=row.digest,
        act=act,
        subject=row.subject,
        predecessors=frozenset(waits) - only_earlier,
        only_earlier=frozenset(only_earlier),
        gas=estimated_gas(act, message, each, size=size),
        size=size,
    )
    return Owed(row=row, candidate=candidate, message=message, proofs=proofs)
