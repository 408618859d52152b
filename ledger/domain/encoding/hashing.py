"""The three hashes: Keccak-256 for the chain, SHA-256 for records, HMAC-SHA-256 for salts."""

from __future__ import annotations

import hmac
from hashlib import sha256 as _sha256

import sha3


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it: the competition's padding, not that of FIPS 202; 32 bytes."""
    found: bytes = sha3.keccak_256(data).digest()
    return found


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4); 32 bytes."""
    return _sha256(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (FIPS 198-1); 32 bytes."""
    return hmac.digest(key, message, "sha256")


class Mac:
    """HMAC-SHA-256 under one key, many times: the key's own two blocks are hashed once.

    Source: RFC 2104 §4, which allows to keep the state after the key.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Takes a key of up to 64 bytes, the block of SHA-256; a longer one raises ValueError."""
        if len(key) > _BLOCK_BYTES:
            raise ValueError("the key is longer than a block")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = _sha256(block.translate(_INNER))
        self._outer = _sha256(block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The code of one message; 32 bytes."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
