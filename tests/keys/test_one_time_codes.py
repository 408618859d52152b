"""Codes of authenticator apps, against the vectors of their specification."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.domain.errors import VerificationFailed
from ledger.keys.one_time_codes import address_of, code_of, secret_text, step_at, verify_code

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    "at,code",
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_a_code_is_that_of_rfc_6238_appendix_b(at: int, code: str) -> None:
    moment = datetime.fromtimestamp(at, UTC)
    assert code_of(SECRET, step_at(moment)) == code
    assert verify_code(SECRET, code, moment) == step_at(moment)


def test_a_code_of_a_neighbouring_period_is_taken_and_no_older_one() -> None:
    now = datetime.fromtimestamp(2_000_000_000, UTC)
    step = step_at(now)
    for near in (step - 1, step, step + 1):
        assert verify_code(SECRET, code_of(SECRET, near), now) == near
    for far in (step - 2, step + 2):
        with pytest.raises(VerificationFailed):
            verify_code(SECRET, code_of(SECRET, far), now)


@pytest.mark.parametrize("code", ["", "28708", "2870822", "abcdef", "२८७०८२", " 287082"])
def test_what_is_no_code_never_holds(code: str) -> None:
    with pytest.raises(VerificationFailed):
        verify_code(SECRET, code, datetime.fromtimestamp(59, UTC))


def test_an_app_is_told_the_secret_and_whose_it_is() -> None:
    address = address_of(SECRET, issuer="SteriLedger", login="li.na@centre")
    assert secret_text(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert address == (
        "otpauth://totp/SteriLedger:li.na%40centre"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=SteriLedger"
    )
