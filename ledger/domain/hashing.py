"""The three hashes: Keccak-256 for the chain, SHA-256 for records, HMAC-SHA-256 for salts."""

from __future__ import annotations

import hashlib
import hmac

from Crypto.Hash import keccak as _keccak


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it: the competition's padding, not that of FIPS 202; 32 bytes."""
    return _keccak.new(digest_bits=256, data=data).digest()


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4); 32 bytes."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (FIPS 198-1); 32 bytes."""
    return hmac.digest(key, message, "sha256")
