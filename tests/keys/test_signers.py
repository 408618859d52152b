from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.chain.deployment import Role
from ledger.domain.errors import InvalidInput, Refused, VerificationFailed
from ledger.keys.accounts import account_address, create_account
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


def test_a_passkey_is_refused_by_name_and_never_waved_through() -> None:
    with pytest.raises(Refused, match="passkeys are not accepted yet") as caught:
        verify_signature(WEBAUTHN_AT + bytes(64), DIGEST, bytes(64), verifiers=VERIFIERS)
    assert caught.value.rule == "passkeys enrol from a later version"


def test_a_receipt_key_signs_no_operation() -> None:
    with pytest.raises(InvalidInput, match="ed25519 signs no operations"):
        sign_digest(Algorithm.ED25519, create_receipt_key(), DIGEST)


@given(st.binary(max_size=120), st.binary(max_size=140))
def test_no_bytes_leak_another_error_or_pass(signer: bytes, signature: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify_signature(signer, DIGEST, signature, verifiers=VERIFIERS)
