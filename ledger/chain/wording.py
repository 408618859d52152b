"""What nodes say → what they mean: the words of each kind of node, as data.

JSON-RPC gives a refusal a number and words, and the kinds of nodes agree in neither: the numbers
below -32000 are everybody's own.  So the words decide, and the first match in a table wins.

Sources: EIP-1474; the programs' own texts, those of Besu by its RpcErrorType, recorded in
tests/chain/besu_refusals.json; evmd and avalanchego as they answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class SendOutcome(StrEnum):
    """What a node said to a signed transaction."""

    ACCEPTED = "accepted"
    #: it waits there already, or is mined
    ALREADY_KNOWN = "already_known"
    #: another transaction with this nonce is mined
    NONCE_TOO_LOW = "nonce_too_low"
    #: one with a lower nonce is missing
    NONCE_TOO_HIGH = "nonce_too_high"
    #: it pays less than the block or the transaction that it replaces asks
    UNDERPRICED = "underpriced"
    #: no verdict: the same bytes may be taken later
    NOT_NOW = "not_now"
    #: never, as it stands
    REJECTED = "rejected"


_S = SendOutcome

#: what is meant, the kinds of nodes that say so, and their words
_SENDING: tuple[tuple[SendOutcome, str, str], ...] = (
    (_S.ALREADY_KNOWN, "geth erigon reth anvil", r"already[ _]?(known|imported|exists)"),
    (_S.ALREADY_KNOWN, "besu nethermind", r"known[ _]?transaction"),
    (_S.ALREADY_KNOWN, "evmd", r"tx already (exists )?in (mempool|cache)"),
    (_S.NONCE_TOO_LOW, "geth besu anvil", r"nonce[ _](is[ _])?too[ _]low"),
    (_S.NONCE_TOO_LOW, "nethermind", r"old ?nonce|nonce .*lower than"),
    (_S.NONCE_TOO_HIGH, "geth besu", r"nonce[ _](is[ _])?too[ _](high|distant)"),
    (_S.NONCE_TOO_HIGH, "nethermind erigon", r"nonce[ _-]?gap|exceeds next nonce"),
    (_S.NOT_NOW, "besu", r"invalid transaction with a lower nonce"),
    (_S.NOT_NOW, "besu", r"initial sync is still in progress|pool not enabled"),
    (_S.NOT_NOW, "geth besu evmd", r"pool[ _](is[ _])?full"),
    (_S.NOT_NOW, "proxies", r"rate limit|too many requests"),
    (_S.UNDERPRICED, "geth besu", r"underpriced|max ?fee.*less than"),
    (_S.UNDERPRICED, "besu nethermind", r"(gas[ _]price|fee)[ _]?(is[ _])?(too[ _]?low|below)"),
    (_S.UNDERPRICED, "evmd", r"insufficient fee"),
)

#: evmd's one sentence for both: the nonce that came, and the one that it wants
_SEQUENCE = re.compile(r"invalid (?:nonce|sequence); got (\d+), expected (\d+)", re.IGNORECASE)

#: a question about what is not there, which other nodes answer with null
_ABSENT: Mapping[str, str] = {
    # evmd, and Besu in some methods
    "eth_getTransactionReceipt": r"(tx|transaction) not found",
    "eth_getTransactionByHash": r"(tx|transaction) not found",
    # avalanchego, beyond its newest block
    "eth_getBlockByNumber": r"cannot query unfinalized data",
}

#: Besu: "Requested range exceeds maximum RPC range limit"; evmd: "maximum [from, to] blocks
#: distance"; others: "query returned more than 10000 results", "block range is too wide"
_RANGE_TOO_WIDE = r"range|results|too (many|large|wide)|limit|size|blocks distance"
_REVERTED = r"revert"


def classify_refusal(reason: str) -> SendOutcome:
    """What a node means by refusing a transaction; REJECTED for a reason that we do not know."""
    sequence = _SEQUENCE.search(reason)
    if sequence is not None:
        is_low = int(sequence[1]) < int(sequence[2])
        return SendOutcome.NONCE_TOO_LOW if is_low else SendOutcome.NONCE_TOO_HIGH
    said = (outcome for outcome, _, words in _SENDING if _says(words, reason))
    return next(said, SendOutcome.REJECTED)


def is_absent(method: str, reason: str) -> bool:
    """Whether a node says by an error that it has not what was asked for."""
    return method in _ABSENT and _says(_ABSENT[method], reason)


def is_range_too_wide(reason: str) -> bool:
    """Whether a node would answer about fewer blocks."""
    return _says(_RANGE_TOO_WIDE, reason)


def is_reverted(reason: str) -> bool:
    """Whether it was the contract that refused."""
    return _says(_REVERTED, reason)


def _says(words: str, reason: str) -> bool:
    return re.search(words, reason, re.IGNORECASE) is not None
