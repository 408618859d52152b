"""A person's secret → what is kept of it: argon2id, of which only a few run at once.

One check takes a fifth of a second and 64 MiB, so that guesses are dear; a flood of guesses must
not take all of this machine.
"""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.domain.errors import VerificationFailed

#: checks at once in this process; more wait for their turn
AT_ONCE = 2

#: RFC 9106 §4, the second recommended option
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_TURN = threading.BoundedSemaphore(AT_ONCE)
#: of a secret that nobody has: what an unknown name is checked against takes as long
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c3RlcmlsZWRnZXIgMDAwMQ$" + "A" * 43


def hash_secret(secret: str) -> str:
    """What is kept of a password or PIN, in PHC form."""
    with _TURN:
        return _HASHER.hash(secret)


def verify_secret(kept: str | None, secret: str) -> None:
    """Raise VerificationFailed unless it is the secret; None takes as long and never holds."""
    with _TURN:
        try:
            _HASHER.verify(kept or _NOBODY, secret)
        except (VerificationError, InvalidHashError):
            raise VerificationFailed("the secret is another one") from None
    if kept is None:
        raise VerificationFailed("there is no secret")
