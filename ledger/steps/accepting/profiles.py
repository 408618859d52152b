"""Document → the group's own profiles, beside those that come with the program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import Profile, added_to, default_profiles, parse_profiles
from ledger.storage.settings import find_setting, put_setting

_SETTING = "profiles"
#: bytes; a thousand profiles have less
MOST_BYTES = 1_048_576


def known_profiles(tx: Connection) -> tuple[Profile, ...]:
    """Those that may be named here."""
    kept = find_setting(tx, _SETTING)
    return default_profiles() if kept is None else _read(kept)


@lru_cache(maxsize=4)
def _read(kept: bytes) -> tuple[Profile, ...]:
    documents = [parse_profiles(text) for text in json.loads(kept)]
    return added_to(default_profiles(), [each for own in documents for each in own])


def add_profiles(tx: Connection, document: bytes) -> Sequence[Profile]:
    """Keep a document's profiles; returns those of it that are new.

    Raises InvalidInput for a malformed document, and Conflict for a name with another content.
    """
    if len(document) > MOST_BYTES:
        raise InvalidInput("is too long", field="FILE", rule=f"at most {MOST_BYTES} bytes")
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("is not UTF-8", field="FILE", rule="a JSON document") from error
    known = known_profiles(tx)
    whole = added_to(known, parse_profiles(text))
    new = whole[len(known) :]
    if new:
        kept = json.loads(find_setting(tx, _SETTING) or b"[]")
        put_setting(tx, _SETTING, json.dumps([*kept, text]).encode())
    return new
