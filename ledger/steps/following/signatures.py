"""Transactions → the signatures with which the chain received its operations."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.chain.calldata import Called, read_call
from ledger.domain.acts.words import Party
from ledger.domain.chain.chain_reader import Transaction
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.events import Event
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Inconsistent, InvalidInput
from ledger.domain.subjects.indexed import IndexedSignature
from ledger.steps.following.start import REBUILD
from ledger.steps.starting.source import Source

#: transactions that lie in memory at once; one has at most 128 KiB of calldata
_PAGE = 100


def read_signatures(
    source: Source, deployment: Deployment, events: Sequence[Event]
) -> list[IndexedSignature]:
    """The signatures as the chain received them, from the calldata of each transaction.

    A transaction that reached our contract through another one carries them where we cannot read
    them; its operations have none here.
    """
    wanted: dict[bytes, list[Event]] = {}
    for event in events:
        wanted.setdefault(event.log.transaction_hash, []).append(event)
    hashes = list(wanted)
    found: list[IndexedSignature] = []
    for start in range(0, len(hashes), _PAGE):
        part = hashes[start : start + _PAGE]
        for named, transaction in zip(part, source.transactions(part), strict=True):
            if transaction is None:
                raise ChainUnavailable(
                    f"the node does not have transaction {to_hex(named)}",
                    remedy="wait until it has caught up, or name another node",
                )
            calls = _read_calls(transaction, deployment)
            if calls is not None:
                found += _signatures_of(calls, wanted[named], deployment)
    return found


def _read_calls(transaction: Transaction, deployment: Deployment) -> list[Called] | None:
    contract = deployment.recording_contracts().get(transaction.to or b"")
    if contract is None:
        return None
    try:
        return read_call(contract, transaction.data)
    except InvalidInput:  # written in another form than ours; the contract understood it
        return None


def _signatures_of(
    calls: Sequence[Called], events: Sequence[Event], deployment: Deployment
) -> list[IndexedSignature]:
    """What the call brings for the operations that it recorded: they come in one order.

    A call may hold operations that were recorded before; those have no event here.
    """
    found: list[IndexedSignature] = []
    rest = iter(calls)
    for event in events:
        called = next((c for c in rest if c.act is event.act and c.message == event.message), None)
        if called is None:
            raise Inconsistent(
                f"operation {to_hex(event.digest)} is not in the transaction that recorded it",
                remedy=REBUILD,
            )
        found += [
            IndexedSignature(
                digest=event.digest,
                party=party,
                signer=deployment.authority if party is Party.AUTHORITY else proof.signer,
                signature=proof.signature,
            )
            for party, proof in called.proofs.items()
        ]
    return found
