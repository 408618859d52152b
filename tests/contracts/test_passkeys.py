"""Keys that are no account keys, signed for by another implementation: `cryptography`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from eth_abi.abi import encode

from tests.contracts.world import OPEN, World, signer_id, tagged_id

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
RELYING_PARTY = b"ledger.example"
PRESENT_AND_VERIFIED = b"\x05"


def low_s(key: ec.EllipticCurvePrivateKey, prehashed: bytes) -> tuple[bytes, bytes]:
    """Sign a 32-byte hash; return r and the lower of the two s, 32 bytes each."""
    r, s = decode_dss_signature(key.sign(prehashed, ec.ECDSA(Prehashed(SHA256()))))
    return r.to_bytes(32, "big"), min(s, ORDER - s).to_bytes(32, "big")


def bare(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """Return r ‖ s over the digest, as ERC7913P256Verifier takes it."""
    return b"".join(low_s(key, digest))


def assertion(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    """Return a WebAuthn assertion whose challenge is the digest, as the verifier takes it.

    The six fields of OpenZeppelin's WebAuthnAuth are encoded one by one, without an outer tuple.
    """
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    client_data = json.dumps(
        {"type": "webauthn.get", "challenge": challenge, "origin": "https://ledger.example"},
        separators=(",", ":"),
    )
    authenticator = sha256(RELYING_PARTY).digest() + PRESENT_AND_VERIFIED + bytes(4)
    signed = sha256(authenticator + sha256(client_data.encode()).digest()).digest()
    return encode(
        ["bytes32", "bytes32", "uint256", "uint256", "bytes", "string"],
        [
            *low_s(key, signed),
            client_data.index('"challenge"'),
            client_data.index('"type"'),
            authenticator,
            client_data,
        ],
    )


@pytest.mark.parametrize(
    "verifier,sign",
    [("ERC7913P256Verifier", bare), ("ERC7913WebAuthnVerifier", assertion)],
)
def test_a_p256_key_or_passkey_is_enrolled_and_opens_a_cycle(
    world: World,
    verifier: str,
    sign: Callable[[ec.EllipticCurvePrivateKey, bytes], bytes],
) -> None:
    equipment = world.staff()
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_numbers()
    key = bytes.fromhex(world.verifiers[verifier][2:]) + b"".join(
        coordinate.to_bytes(32, "big") for coordinate in (point.x, point.y)
    )
    signer = tagged_id("steriledger.signer.v1", ["bytes"], [key])
    enrolment = world.operation(
        "SignerEnrolment",
        unit=1,
        signer=signer,
        rights=OPEN,
        custody=3,
        validFrom=world.now(),
        validUntil=0,
        signedBy=signer_id(world.administrator),
    )
    receipt = world.send(
        enrolment,
        [
            [world.proof(world.administrator, enrolment.digest)],
            [(key, sign(private, enrolment.digest))],
        ],
    )
    assert world.event(world.registry, "SignerEnrolled", receipt)["key"] == key
    opening = world.opening(equipment, 1, signedBy=signer)
    receipt = world.send(opening, [[(key, sign(private, opening.digest))]])
    assert world.event(world.ledger, "CycleOpened", receipt)["operation"]["signedBy"] == signer
    forged = world.opening(equipment, 2, signedBy=signer)
    other = [[(key, sign(private, opening.digest))]]
    assert world.refusal(forged, other) == ["SignatureInvalid", forged.digest, signer]
