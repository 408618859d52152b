"""A P-256 key → its own X.509 certificate, by which others tell whose signature a document bears.

It is signed by itself (RFC 5280); who was handed it by the group's office trusts it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: before it is made: other clocks are behind
_EARLIER = timedelta(days=1)
_DAYS = 365


def key_to_pem(private_key: bytes) -> bytes:
    """PKCS#8 of a private key of 32 bytes, without a password."""
    return _key(private_key).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def make_certificate(private_key: bytes, *, name: str, at: datetime, years: int) -> bytes:
    """The certificate as PEM, for signing documents and nothing else; `name` is who signs."""
    key = _key(private_key)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        # what X.509 names non-repudiation
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(secrets.randbits(159) | 1)
        .not_valid_before(at - _EARLIER)
        .not_valid_after(at + timedelta(days=years * _DAYS))
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def last_day(certificate_pem: bytes) -> datetime:
    """Until when a certificate is valid, aware."""
    return x509.load_pem_x509_certificate(certificate_pem).not_valid_after_utc


def _key(private_key: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private_key, "big"), ec.SECP256R1())
