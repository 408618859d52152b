"""A shared secret and a moment → six digits, as authenticator apps compute them (RFC 6238)."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from urllib.parse import quote

from ledger.domain.errors import VerificationFailed

SECRET_BYTES = 20
_PERIOD_SECONDS = 30
_DIGITS = 6
#: periods before and after now whose code is taken: a phone's clock may be off
_SLACK = 1


def verify_code(secret: bytes, code: str, at: datetime) -> int:
    """The period of a code; raises VerificationFailed when it is of none near `at`."""
    now = int(at.timestamp()) // _PERIOD_SECONDS
    for step in range(now - _SLACK, now + _SLACK + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode()):
            return step
    raise VerificationFailed("the code is not the one of now")


def code_of(secret: bytes, step: int) -> str:
    """The code of a period; RFC 4226 §5.3."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def step_at(at: datetime) -> int:
    """The period of a moment."""
    return int(at.timestamp()) // _PERIOD_SECONDS


def secret_text(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def address_of(secret: bytes, *, issuer: str, login: str) -> str:
    """What an app reads from a QR code, otpauth://…, with the secret in it."""
    label = f"{quote(issuer)}:{quote(login)}"
    return f"otpauth://totp/{label}?secret={secret_text(secret)}&issuer={quote(issuer)}"
