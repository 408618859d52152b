"""Signers as the contracts know them: ERC-7913 bytes, and whether they signed a digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.keys.accounts import ADDRESS_BYTES, recover_account, sign_with_account
from ledger.keys.assertions import verify_assertion
from ledger.keys.p256 import sign_with_p256, verify_p256

#: The verifiers by the names that deployments give them: OpenZeppelin's contracts.
P256_VERIFIER = "ERC7913P256Verifier"
WEBAUTHN_VERIFIER = "ERC7913WebAuthnVerifier"


class Algorithm(StrEnum):
    """How a key held by the server signs."""

    SECP256K1 = "secp256k1"
    P256 = "p256"
    #: receipts only: no contract checks it
    ED25519 = "ed25519"


_SIGN: Mapping[Algorithm, Callable[[bytes, bytes], bytes]] = {
    Algorithm.SECP256K1: sign_with_account,
    Algorithm.P256: sign_with_p256,
}


def sign_digest(algorithm: Algorithm, private_key: bytes, digest: bytes) -> bytes:
    """Sign an operation's digest as the contracts check it; raises InvalidInput for Ed25519."""
    sign = _SIGN.get(algorithm)
    if sign is None:
        raise InvalidInput(
            f"{algorithm} signs no operations", field="algorithm", rule=" or ".join(_SIGN)
        )
    return sign(private_key, digest)


def verify_signature(
    signer: bytes, digest: bytes, signature: bytes, *, verifiers: Mapping[bytes, str]
) -> None:
    """Raise unless `signature` is over `digest` by `signer`, judged as the contracts judge it.

    `signer` is ERC-7913: an account (20 bytes), or a verifier (20 bytes) and its key; `verifiers`
    gives the names of the verifiers that the deployment allows.  Raises VerificationFailed in words
    when it does not hold.  An account that is a contract (ERC-1271) can be asked on chain only and
    fails here.
    """
    if len(signer) == ADDRESS_BYTES:
        _verify_account(signer, digest, signature)
        return
    verifier, key = signer[:ADDRESS_BYTES], signer[ADDRESS_BYTES:]
    name = verifiers.get(verifier)
    if name == P256_VERIFIER:
        verify_p256(key, digest, signature)
    elif name == WEBAUTHN_VERIFIER:
        verify_assertion(key, digest, signature)
    else:
        raise VerificationFailed(
            f"begins with 0x{verifier.hex()}, which is no verifier of this deployment",
            field="signer",
            rule="ERC-7913: an account of 20 bytes, or an allowed verifier and its key",
        )


def _verify_account(signer: bytes, digest: bytes, signature: bytes) -> None:
    recovered = recover_account(digest, signature)
    if recovered != signer:
        raise VerificationFailed(
            f"was made by 0x{recovered.hex()} or over another digest, not by 0x{signer.hex()}",
            field="signature",
        )
