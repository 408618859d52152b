"""Transactions → the signatures with which the chain received its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ledger.chain.static_calldata import Call, read_call
from ledger.domain.chain.chain_reader import Transaction
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.message_words import MessageWords
from ledger.domain.errors import ChainUnavailable, Inconsistent, InvalidInput
from ledger.domain.operations import Party
from ledger.domain.subjects.indexed import IndexedOperation, IndexedSignature
from ledger.steps.following.start import REBUILD
from ledger.steps.starting.source import Source

#: transactions that lie in memory at once; one has at most 128 KiB of calldata
_PAGE = 100


class Recorded(NamedTuple):
    """An operation as its events describe it."""

    operation: IndexedOperation
    #: of its message; in a call of its kind no other message has them
    words: MessageWords


def read_signatures(
    source: Source, deployment: Deployment, recorded: Sequence[Recorded]
) -> list[IndexedSignature]:
    """The signatures as the chain received them, from the calldata of each transaction.

    A transaction that reached our contract through another one carries them where we cannot read
    them; its operations have none here.
    """
    wanted: dict[bytes, dict[tuple[str, MessageWords], Digest]] = {}
    for operation, words in recorded:
        place = wanted.setdefault(operation.tx_hash, {})
        place[operation.kind, words] = operation.digest
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
            call = _find_call(transaction, deployment)
            if call is not None:
                found += _signatures_of(call, wanted[named], deployment)
    return found


def _find_call(transaction: Transaction, deployment: Deployment) -> Call | None:
    contract = deployment.recording_contracts().get(transaction.to or b"")
    if contract is None:
        return None
    try:
        return read_call(contract, transaction.data)
    except InvalidInput:  # written in another form than ours; the contract understood it
        return None


def _signatures_of(
    call: Call, wanted: Mapping[tuple[str, MessageWords], Digest], deployment: Deployment
) -> list[IndexedSignature]:
    """What the call brings for the operations that it recorded.

    Messages are found by their words, which the operations' digests name already.
    """
    kind, authority = call.kind.name, deployment.authority
    missing = set(wanted.values())
    found: list[IndexedSignature] = []
    for message, proofs in zip(call.messages, call.proofs, strict=True):
        named = wanted.get((kind, message))
        # The first of two equal operations in a batch is the one that was recorded.
        if named is None or named not in missing:
            continue
        missing.remove(named)
        found += [
            IndexedSignature(
                digest=named,
                party=party,
                signer=authority if party is Party.AUTHORITY else proof.signer,
                signature=proof.signature,
            )
            for party, proof in proofs.items()
        ]
    if missing:
        raise Inconsistent(
            f"operation {to_hex(min(missing))} is not in the transaction that recorded it",
            remedy=REBUILD,
        )
    return found
