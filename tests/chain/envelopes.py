"""What a signed transaction asks for, read from its bytes by EIP-1559 alone."""

from __future__ import annotations

import rlp  # type: ignore[import-untyped]

from ledger.chain.transactions import Envelope, Price


def read_envelope(raw: bytes) -> Envelope:
    """The envelope that was signed."""
    assert raw[0] == 2
    chain_id, nonce, priority_fee, max_fee, gas, to, value, data, access = rlp.decode(raw[1:])[:9]
    assert (value, access) == (b"", [])
    return Envelope(
        chain_id=int.from_bytes(chain_id, "big"),
        nonce=int.from_bytes(nonce, "big"),
        to=to or None,
        data=data,
        gas=int.from_bytes(gas, "big"),
        price=Price(
            max_fee=int.from_bytes(max_fee, "big"),
            priority_fee=int.from_bytes(priority_fee, "big"),
        ),
    )
