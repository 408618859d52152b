"""A token's text → who asks: tokens are made here, shown once, and kept only as hashes."""

from __future__ import annotations

import base64
import hmac
import math
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import Connection

from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import SignerId
from ledger.domain.errors import InvalidInput, Refused
from ledger.domain.names import find_hidden
from ledger.steps.instance import Instance
from ledger.storage import directory
from ledger.storage import tokens as stored
from ledger.storage.keys import KeyPurpose, find_key

#: What every token begins with, so that people and secret scanners know one when they see it.
PREFIX = "slt_"
MAX_LIFETIME = timedelta(days=731)
MAX_PERSON = 200
#: how old the list of LiveTokens may be
RENEWED_SECONDS = 1.0

_SECRET_BYTES = 32
_ID_BYTES = 8
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM = re.compile(re.escape(PREFIX) + _SECRET.pattern)


class UnknownToken(Refused):
    """The token is unknown, revoked or expired: which of them, a stranger is not told."""


def create_token(  # noqa: PLR0913 - what a token says of its holder
    instance: Instance,
    tx: Connection,
    *,
    person: str,
    unit: int | None,
    scopes: Collection[Scope],
    lifetime: timedelta,
    signer: bytes | None = None,
) -> tuple[str, str]:
    """A new token of one person at one unit: its id, and its text, which is shown this once.

    `signer` is the id of the server-held key that signs for the person.  Without a unit it is the
    authority's, which may do only what the authority does.  Raises InvalidInput, and NotFound for
    an unknown unit or signer.
    """
    person = unicodedata.normalize("NFC", person)
    require_person(person)
    _require_scopes(unit, frozenset(scopes))
    if not timedelta() < lifetime <= MAX_LIFETIME:
        raise InvalidInput(
            f"{lifetime.days} days", field="days", rule=f"1 to {MAX_LIFETIME.days} days"
        )
    if unit is not None:
        directory.get_unit(tx, unit)
    if signer is not None:
        require_signer(tx, unit, signer)
    words = " ".join(sorted(scope.value for scope in frozenset(scopes)))
    return issue(
        instance, tx, person=person, unit=unit, scopes=words, lifetime=lifetime, signer=signer
    )


def issue(  # noqa: PLR0913 - what a token says of its holder
    instance: Instance,
    tx: Connection,
    *,
    person: str,
    unit: int | None,
    scopes: str,
    lifetime: timedelta,
    signer: bytes | None,
    prefix: str = PREFIX,
) -> tuple[str, str]:
    """The same for what was checked already; another `prefix` makes it good for that door alone."""
    text = prefix + secret_text(instance)
    row = stored.TokenRow(
        id=instance.randomness(_ID_BYTES).hex(),
        token_hash=hash_of(text),
        person=person,
        unit=unit,
        scopes=scopes,
        signer=signer,
        created_at=instance.clock(),
        expires_at=instance.clock() + lifetime,
    )
    stored.insert_token(tx, row)
    return row.id, text


def secret_text(instance: Instance) -> str:
    """32 random bytes as people and addresses carry them."""
    return base64.urlsafe_b64encode(instance.randomness(_SECRET_BYTES)).rstrip(b"=").decode("ascii")


def authenticate(instance: Instance, tx: Connection, text: str, *, prefix: str = PREFIX) -> Caller:
    """Who holds the token; raises UnknownToken, in the same words whatever is wrong with it."""
    if not text.startswith(prefix) or _SECRET.fullmatch(text.removeprefix(prefix)) is None:
        raise _unknown()
    token_hash = hash_of(text)
    found = stored.find_token_by_hash(tx, token_hash)
    if found is None or not hmac.compare_digest(found[0].token_hash, token_hash):
        raise _unknown()
    row, signer_key = found
    if row.revoked_at is not None or row.expires_at <= instance.clock():
        raise _unknown()
    return Caller(
        person=row.person,
        unit=row.unit,
        scopes=_scopes(row.scopes),
        token_id=row.id,
        signer=row.signer,
        signer_key=signer_key,
    )


class LiveTokens:
    """Which tokens hold, as of a moment ago: a guess is told from a token without a question.

    Under a flood of guesses the database is asked once in RENEWED_SECONDS, whatever their number.
    Safe to use from several threads.
    """

    def __init__(self, instance: Instance, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._instance = instance
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = -math.inf
        self._hashes: frozenset[bytes] = frozenset()

    def may_hold(self, text: str) -> bool:
        """Whether a token of this text held when the list was read; `authenticate` decides."""
        if _FORM.fullmatch(text) is None:
            return False
        with self._lock:
            if self._clock() - self._read_at >= RENEWED_SECONDS:
                with self._instance.database.asking() as tx:
                    self._hashes = stored.list_live_hashes(tx, self._instance.clock())
                self._read_at = self._clock()
        return hash_of(text) in self._hashes


@lru_cache(maxsize=256)
def _scopes(words: str) -> frozenset[Scope]:
    return frozenset(map(Scope, words.split()))


def revoke_token(instance: Instance, tx: Connection, token_id: str) -> datetime:
    """End a token and say since when; ending it again keeps the first date.  Raises NotFound."""
    now = instance.clock()
    stored.revoke_token(tx, token_id, now)
    return stored.get_token(tx, token_id).revoked_at or now


def list_tokens(
    tx: Connection, *, unit: int | None = None, after: str = "", limit: int = 100
) -> list[stored.TokenRow]:
    """Tokens by id, starting after `after`; with `unit`, only that unit's.  No text is kept."""
    return stored.list_tokens(tx, unit=unit, after=after, limit=limit)


def require_person(person: str) -> None:
    """Raise InvalidInput for what is no name."""
    is_one_line = person == " ".join(person.splitlines()) and "\t" not in person
    if (
        not 1 <= len(person) <= MAX_PERSON
        or person != person.strip()
        or not is_one_line
        or find_hidden(person)
    ):
        raise InvalidInput(
            "is not a name",
            field="person",
            rule=f"1 to {MAX_PERSON} printable characters, no blanks around them",
        )


def _require_scopes(unit: int | None, scopes: frozenset[Scope]) -> None:
    if not scopes:
        raise InvalidInput("names none", field="scope", rule="a token allows something")
    if unit is None and scopes != {Scope.AUTHORITY}:
        raise InvalidInput(
            "a token without a unit is the authority's",
            field="unit",
            rule="its only scope is authority; every other token belongs to one unit",
        )
    if unit is not None and Scope.AUTHORITY in scopes:
        raise InvalidInput(
            "a unit's token does not act for the authority",
            field="scope",
            rule="the authority's token belongs to no unit",
        )


def require_signer(tx: Connection, unit: int | None, signer: bytes) -> None:
    """Raise InvalidInput unless the key is held here, NotFound unless it is the unit's."""
    if unit is None:
        raise InvalidInput("the authority has no unit's signer", field="signer")
    row = directory.get_signer(tx, signer, unit=unit)
    key = find_key(tx, SignerId(row.id))
    if key is None or key.purpose is not KeyPurpose.UNIT:
        raise InvalidInput(
            "this instance does not hold the signer's key",
            field="signer",
            rule="a token names a server-held key, or none",
            remedy="leave it out: the person signs where the key is",
        )


def hash_of(text: str) -> bytes:
    """What is kept of a secret text; 32 bytes."""
    return sha256(text.encode("ascii"))


def _unknown() -> UnknownToken:
    return UnknownToken(
        "the token is not valid",
        field="token",
        rule="a token that was made here, has not expired and was not revoked",
        remedy="ask whoever runs this instance for a token: steriledger token create",
    )
