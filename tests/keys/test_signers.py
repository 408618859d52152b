from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.chain.deployment import Role
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.accounts import account_address, create_account
from ledger.keys.assertions import assertion_signature
from ledger.keys.p256 import create_p256_key, p256_signer
from ledger.keys.receipts import create_receipt_key
from ledger.keys.signers import (
    P256_VERIFIER,
    WEBAUTHN_VERIFIER,
    Algorithm,
    sign_digest,
    verify_signature,
)

P256_AT, WEBAUTHN_AT, RSA_AT = b"\x0b" * 20, b"\x0c" * 20, b"\x0d" * 20
VERIFIERS = {P256_AT: P256_VERIFIER, WEBAUTHN_AT: WEBAUTHN_VERIFIER, RSA_AT: "ERC7913RSAVerifier"}
DIGEST = bytes(range(32))
#: of P-256 (SEC 2, §2.4.2)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def new_signer(algorithm: Algorithm) -> tuple[bytes, bytes]:
    """A private key and its ERC-7913 bytes."""
    if algorithm is Algorithm.SECP256K1:
        secret = create_account()
        return secret, account_address(secret)
    secret = create_p256_key()
    return secret, p256_signer(secret, P256_AT)


on_chain = pytest.mark.parametrize("algorithm", [Algorithm.SECP256K1, Algorithm.P256])


def test_the_verifiers_are_named_as_deployments_name_them() -> None:
    assert {P256_VERIFIER, WEBAUTHN_VERIFIER} == {Role.P256_VERIFIER, Role.WEBAUTHN_VERIFIER}


@on_chain
def test_a_key_held_by_the_server_signs_what_verifies(algorithm: Algorithm) -> None:
    secret, signer = new_signer(algorithm)
    signature = sign_digest(algorithm, secret, DIGEST)
    verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)


@on_chain
def test_somebody_elses_signature_does_not_hold(algorithm: Algorithm) -> None:
    _, signer = new_signer(algorithm)
    secret, _ = new_signer(algorithm)
    with pytest.raises(VerificationFailed) as caught:
        verify_signature(
            signer, DIGEST, sign_digest(algorithm, secret, DIGEST), verifiers=VERIFIERS
        )
    assert caught.value.field == "signature"


@on_chain
def test_a_signature_over_another_digest_does_not_hold(algorithm: Algorithm) -> None:
    secret, signer = new_signer(algorithm)
    signature = sign_digest(algorithm, secret, bytes(32))
    with pytest.raises(VerificationFailed):
        verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)


def test_a_verifier_that_the_deployment_does_not_allow_proves_nothing() -> None:
    secret, signer = new_signer(Algorithm.P256)
    signature = sign_digest(Algorithm.P256, secret, DIGEST)
    with pytest.raises(VerificationFailed, match=P256_AT.hex()):
        verify_signature(signer, DIGEST, signature, verifiers={})


def test_a_verifier_that_this_version_cannot_compute_proves_nothing() -> None:
    with pytest.raises(VerificationFailed) as caught:
        verify_signature(RSA_AT + bytes(64), DIGEST, bytes(64), verifiers=VERIFIERS)
    assert caught.value.field == "signer"


def passkey(
    flags: int = 0x05, kind: str = "webauthn.get", *, over: bytes = DIGEST, high: bool = False
) -> tuple[bytes, bytes]:
    """A new passkey's ERC-7913 bytes, and what its device answers to a challenge."""
    secret = ec.generate_private_key(ec.SECP256R1())
    challenge = base64.urlsafe_b64encode(over).rstrip(b"=").decode()
    client = f'{{"type":"{kind}","challenge":"{challenge}","origin":"https://x"}}'.encode()
    data = bytes(32) + bytes([flags]) + bytes(4)
    hashed = data + hashlib.sha256(client).digest()
    r, s = decode_dss_signature(secret.sign(hashed, ec.ECDSA(SHA256())))
    s = max(s, ORDER - s) if high else s
    public = secret.public_key().public_numbers()
    signer = WEBAUTHN_AT + public.x.to_bytes(32, "big") + public.y.to_bytes(32, "big")
    return signer, assertion_signature(data, client, encode_dss_signature(r, s))


@pytest.mark.parametrize("high", [False, True])
def test_a_passkeys_answer_holds_whichever_of_its_two_forms_the_device_gives(high: bool) -> None:
    signer, signature = passkey(high=high)
    verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)


@pytest.mark.parametrize(
    "answer,told",
    [
        (lambda: passkey(over=bytes(32)), "challenge"),
        (lambda: passkey(0x04), "present"),
        (lambda: passkey(0x01), "verify"),
        (lambda: passkey(0x15), "backed up"),
        (lambda: (passkey()[0], passkey()[1]), "this key"),
    ],
)
def test_a_passkeys_answer_that_the_contract_refuses_is_refused_here(
    answer: Callable[[], tuple[bytes, bytes]], told: str
) -> None:
    signer, signature = answer()
    with pytest.raises(VerificationFailed, match=told):
        verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)


def test_what_a_device_says_when_a_passkey_is_made_is_no_signature() -> None:
    with pytest.raises(InvalidInput):
        passkey(kind="webauthn.create")
    signer, signature = passkey()
    made = signature.replace(b"webauthn.get", b"webauthn.set")
    with pytest.raises(VerificationFailed, match="type"):
        verify_signature(signer, DIGEST, made, verifiers=VERIFIERS)


@given(st.binary(max_size=400), st.integers(0, 191))
def test_no_bytes_pass_for_a_passkeys_answer(rest: bytes, cut: int) -> None:
    signer, signature = passkey()
    for changed in (rest, signature[:cut] + rest, signature[: cut + 192]):
        with pytest.raises(VerificationFailed):
            verify_signature(signer, DIGEST, changed, verifiers=VERIFIERS)


def test_a_receipt_key_signs_no_operation() -> None:
    with pytest.raises(InvalidInput, match="ed25519 signs no operations"):
        sign_digest(Algorithm.ED25519, create_receipt_key(), DIGEST)


@given(st.binary(max_size=120), st.binary(max_size=140))
def test_no_bytes_leak_another_error_or_pass(signer: bytes, signature: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)
