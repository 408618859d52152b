"""Call → signed transaction of the relayer, the account that pays and has no rights.

Source: EIP-1559 (type 2 transactions), EIP-2718.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import ACCOUNT_LENGTH
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.chain.node import Fees
    from ledger.chain.web3_library import Account

_TYPE = 2
#: where the gas limit stands among a transaction's fields: EIP-2930, EIP-1559, and before EIP-2718
_GAS_PLACES = {b"\x01": 3, b"\x02": 4}
_LEGACY_GAS_PLACE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a transaction pays; wei per gas."""

    #: base fee included
    max_fee: int
    #: of it, at most this to whoever makes the block
    priority_fee: int

    @classmethod
    def asked(cls, fees: Fees) -> Self:
        """What the chain asks, with room for the base fee to double before it is mined."""
        return cls(max_fee=2 * fees.base_fee + fees.priority_fee, priority_fee=fees.priority_fee)

    def of_attempt(self, attempt: int) -> Price:
        """A little more for each attempt before: no two of a nonce are the same transaction."""
        return Price(max_fee=self.max_fee + attempt, priority_fee=self.priority_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An unsigned transaction; it moves no money."""

    chain_id: int
    nonce: int
    #: 20 bytes; None to create a contract
    to: bytes | None
    data: bytes
    gas: int
    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """What is stored before it is sent."""

    #: EIP-2718 bytes
    raw: bytes
    #: Keccak-256 of `raw`
    hash: bytes
    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayer:
    """The account that pays."""

    #: secp256k1; 32 bytes
    private_key: bytes = field(repr=False)

    @property
    def address(self) -> bytes:
        """The account: the last 20 bytes of the public key's Keccak-256."""
        return bytes.fromhex(_account().from_key(self.private_key).address.removeprefix("0x"))

    def sign(self, envelope: Envelope) -> SignedTransaction:
        """The signed type 2 transaction; one envelope always gives the same bytes (RFC 6979)."""
        signed = _account().sign_transaction(_fields(envelope), self.private_key)
        return SignedTransaction(
            raw=bytes(signed.raw_transaction), hash=bytes(signed.hash), envelope=envelope
        )


def _account() -> type[Account]:
    from ledger.chain.web3_library import Account  # noqa: PLC0415 - takes a second

    return Account


def _fields(envelope: Envelope) -> dict[str, object]:
    """EIP-1559's fields by eth_account's names; the access list is empty."""
    fields: dict[str, object] = {
        "type": _TYPE,
        "chainId": envelope.chain_id,
        "nonce": envelope.nonce,
        "maxPriorityFeePerGas": envelope.price.priority_fee,
        "maxFeePerGas": envelope.price.max_fee,
        "gas": envelope.gas,
        "value": 0,
        "data": envelope.data,
        "accessList": [],
    }
    return fields if envelope.to is None else {**fields, "to": envelope.to}


def gas_limit(raw: bytes) -> int:
    """The gas that a signed transaction may use; raises InvalidInput for bytes that are none."""
    import rlp  # type: ignore[import-untyped]  # noqa: PLC0415 - takes half a second

    place = _GAS_PLACES.get(raw[:1])
    try:
        fields = rlp.decode(raw if place is None else raw[1:], strict=True)
        return int.from_bytes(fields[_LEGACY_GAS_PLACE if place is None else place], "big")
    except (rlp.exceptions.DecodingError, IndexError, TypeError):
        raise InvalidInput(
            "is no transaction",
            field="raw_transactions",
            rule="EIP-2718",
            remedy="give a signed transaction's bytes, whole",
        ) from None


def contract_address(sender: bytes, nonce: int) -> bytes:
    """The address of the contract that `sender` creates with `nonce`; 20 bytes.

    keccak256(RLP([sender, nonce])), last 20 bytes (Yellow Paper, equation 86).
    """
    import rlp  # noqa: PLC0415 - takes half a second

    return keccak256(rlp.encode([sender, nonce]))[-ACCOUNT_LENGTH:]
