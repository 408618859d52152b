"""Identifiers that the contracts compute, computed the same way here.

Each is keccak256(abi.encode(tag, fields…)) with the tag keccak256("steriledger.<what>.v1"), as in
UnitRegistry.sol, CycleLedger.sol and CustodyLedger.sol; tests/vectors holds shared values.
"""

from __future__ import annotations

from typing import NewType

from ledger.domain.encoding.abi import WORD, word
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import require_value

UnitNumber = NewType("UnitNumber", int)
SignerId = NewType("SignerId", bytes)
EquipmentId = NewType("EquipmentId", bytes)
CycleId = NewType("CycleId", bytes)
AssetId = NewType("AssetId", bytes)
ConsignmentId = NewType("ConsignmentId", bytes)
Digest = NewType("Digest", bytes)

ZERO_DIGEST = Digest(bytes(WORD))
ACCOUNT_LENGTH = 20

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")

_SIGNER_TAG = keccak256(b"steriledger.signer.v1")
_EQUIPMENT_TAG = keccak256(b"steriledger.equipment.v1")
_CYCLE_TAG = keccak256(b"steriledger.cycle.v1")
_ASSET_TAG = keccak256(b"steriledger.asset.v1")
_CONSIGNMENT_TAG = keccak256(b"steriledger.consignment.v1")


def signer_id(signer: bytes) -> SignerId:
    """The id of a key given as ERC-7913 bytes: an account, or a verifier followed by a key."""
    if len(signer) < ACCOUNT_LENGTH:
        raise InvalidInput(
            f"has {len(signer)} bytes",
            field="signer",
            rule="ERC-7913: 20 bytes of account, or 20 bytes of verifier followed by the key",
        )
    padding = -len(signer) % WORD
    encoded = (
        _SIGNER_TAG
        + word("uint256", 2 * WORD, field="offset")
        + word("uint256", len(signer), field="length")
        + signer
        + bytes(padding)
    )
    return SignerId(keccak256(encoded))


def serial_hash(serial: str) -> bytes:
    """Keccak-256 of a serial number, code or slip number in UTF-8, blanks around it removed."""
    trimmed = serial.strip()
    if not trimmed:
        raise InvalidInput("is empty", field="serial", rule="a number has at least one character")
    require_value(trimmed, field="serial")
    return keccak256(trimmed.encode())


def equipment_id(unit: UnitNumber, serial: bytes) -> EquipmentId:
    """The id of a machine from its unit and its serial's hash."""
    return EquipmentId(_id_within(_EQUIPMENT_TAG, unit, serial, field="serial"))


def cycle_id(equipment: EquipmentId, epoch: int, number: int) -> CycleId:
    """The id of a cycle from its machine, counter epoch and the machine's own number."""
    return CycleId(
        keccak256(
            _CYCLE_TAG
            + word("bytes32", equipment, field="equipment")
            + word("uint32", epoch, field="epoch")
            + word("uint64", number, field="number")
        )
    )


def asset_id(owner: UnitNumber, code: bytes) -> AssetId:
    """The id of an asset from the unit that owns it and its code's hash."""
    return AssetId(_id_within(_ASSET_TAG, owner, code, field="code"))


def consignment_id(giver: UnitNumber, slip: bytes) -> ConsignmentId:
    """The id of a consignment from its giver and the hash of the giver's own slip number.

    Both are printed on the box, so that whoever receives it names it without having seen the slip's
    other half.
    """
    return ConsignmentId(_id_within(_CONSIGNMENT_TAG, giver, slip, field="slip"))


def _id_within(tag: bytes, unit: int, name: bytes, *, field: str) -> bytes:
    """The id of what a unit names by a text of its own, whose hash `name` is."""
    return keccak256(tag + word("uint32", unit, field="unit") + word("bytes32", name, field=field))


def parse_hex32(text: str, *, field: str) -> bytes:
    """32 bytes from 64 hexadecimal digits with or without 0x; raises InvalidInput."""
    digits = text.removeprefix("0x")
    if len(digits) != 2 * WORD:
        raise InvalidInput(f"has {len(digits)} digits", field=field, rule="64 hexadecimal digits")
    if not set(digits) <= _HEXADECIMAL:  # bytes.fromhex alone would pass over blanks
        raise InvalidInput("is not hexadecimal", field=field, rule="64 hexadecimal digits")
    return bytes.fromhex(digits)


def to_hex(data: bytes) -> str:
    """Lower-case hexadecimal with 0x."""
    return "0x" + data.hex()
