"""What is kept of a password, and how many are checked at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ledger.domain.errors import VerificationFailed
from ledger.keys import passwords
from ledger.keys.passwords import hash_secret, verify_secret


def test_what_is_kept_holds_for_the_secret_alone_and_differs_each_time() -> None:
    kept = hash_secret("gauze and steam")
    assert kept.startswith("$argon2id$")
    assert "gauze" not in kept
    assert kept != hash_secret("gauze and steam")
    verify_secret(kept, "gauze and steam")
    with pytest.raises(VerificationFailed):
        verify_secret(kept, "gauze and steam ")


@pytest.mark.parametrize("kept", [None, "", "plain", "$argon2id$v=19$m=65536,t=3,p=4$x$y"])
def test_what_is_none_never_holds(kept: str | None) -> None:
    with pytest.raises(VerificationFailed):
        verify_secret(kept, "anything")


def test_few_are_checked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(passwords.AT_ONCE)

    class Counting:
        def verify(self, _kept: str, _secret: str) -> None:
            nonlocal busy, most
            with lock:
                busy += 1
                most = max(most, busy)
            together.wait(30)
            with lock:
                busy -= 1

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    verify: Callable[[], None] = lambda: verify_secret("kept", "secret")  # noqa: E731
    threads = [threading.Thread(target=verify) for _ in range(3 * passwords.AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (busy, most) == (0, passwords.AT_ONCE)
