"""What a worker waits for, what halted it, and when it started: kept before it sees its chain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import rfc8785
from sqlalchemy import Connection

from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import SteriLedgerError
from ledger.storage.settings import find_setting, put_setting, remove_setting

#: names when the worker that has the lease took it
STARTED_SETTING = "worker_started"


class TroubleKind(StrEnum):
    """Which trouble, by the name of the setting that keeps it."""

    #: the chain or the database is away; the worker goes on by itself
    WAITS = "worker_waits"
    #: the worker ended, and a person has to look
    HALTED = "worker_halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a worker does not go on."""

    since: datetime
    #: when it was last met
    at: datetime
    #: in words
    reason: str
    #: what a person can do about it; None when the error does not know
    remedy: str | None


def put_started(tx: Connection, at: datetime) -> None:
    """A worker has the lease now; what the one before waited for is no news any more."""
    put_setting(tx, STARTED_SETTING, instant_text(at).encode())
    take_back_trouble(tx, TroubleKind.WAITS)


def find_started(tx: Connection) -> datetime | None:
    """When the last worker took the lease, or None before one did."""
    body = find_setting(tx, STARTED_SETTING)
    return None if body is None else datetime.fromisoformat(body.decode())


def trouble_of(error: SteriLedgerError, *, since: datetime, at: datetime) -> Trouble:
    """An error as it is kept: its remedy apart, so that it is never what a screen cuts off."""
    reason = error.what if error.field is None else f"{error.field}: {error.what}"
    if error.rule is not None:
        reason = f"{reason} (rule: {error.rule})"
    return Trouble(since=since, at=at, reason=reason, remedy=error.remedy)


def find_trouble(tx: Connection, kind: TroubleKind) -> Trouble | None:
    """What is the matter, or None."""
    body = find_setting(tx, kind)
    if body is None:
        return None
    plain = json.loads(body)
    return Trouble(
        since=datetime.fromisoformat(plain["since"]),
        at=datetime.fromisoformat(plain["at"]),
        reason=plain["reason"],
        remedy=plain["remedy"],
    )


def put_trouble(tx: Connection, kind: TroubleKind, trouble: Trouble) -> None:
    """Write down what is the matter, in the place of what was."""
    plain: dict[str, str | None] = {
        "since": instant_text(trouble.since),
        "at": instant_text(trouble.at),
        "reason": trouble.reason,
        "remedy": trouble.remedy,
    }
    put_setting(tx, kind, rfc8785.dumps(dict(plain)))


def take_back_trouble(tx: Connection, kind: TroubleKind) -> None:
    """It is over, or there was nothing the matter."""
    remove_setting(tx, kind)
