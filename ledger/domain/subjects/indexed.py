"""The rows of the index beside the states: where it stands, and each operation as it came."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.acts.words import Contract, Party
from ledger.domain.encoding.identifiers import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the index goes; its only row has the id 1."""

    id: int = 1
    height: int
    #: of the block at `height`
    hash: bytes
    #: of the block before it
    parent: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedHead:
    """A contract's running head at the cursor."""

    contract: Contract
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedOperation:
    """One operation that the chain recorded."""

    digest: Digest
    kind: str
    unit: int
    subject: bytes
    #: the other subject that it brings or moves; None for most
    also: bytes | None
    #: RFC 8785, as `message_to_json` makes it
    message: bytes
    #: ERC-7913 bytes of the key that it brings; None for most
    new_key: bytes | None
    #: the commitment that it carries
    record: bytes
    height: int
    #: of its block
    block_hash: bytes
    #: Unix seconds of its block
    timestamp: int
    tx_hash: bytes
    #: index of its event within the block
    position: int
    #: its contract's running head after it
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedSignature:
    """One party's signature as the chain received it."""

    digest: Digest
    party: Party
    #: ERC-7913 bytes
    signer: bytes
    signature: bytes
