"""Home → instance: the settings and open resources that every step is given."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection

from ledger.domain.chain.deployment import Deployment, parse_deployment
from ledger.domain.errors import NotFound, Refused, StorageUnavailable
from ledger.keys.vault import Vault, load_vault
from ledger.settings import Settings
from ledger.steps.starting.belonging import (
    DEPLOYMENT_SETTING,
    require_named_chain,
    require_own_database,
)
from ledger.storage.engine.database import Database, open_database
from ledger.storage.engine.encrypted import has_encrypted_rows
from ledger.storage.settings import find_setting

__all__ = [
    "DEPLOYMENT_SETTING",
    "PLAYED_SETTING",
    "Instance",
    "PlayedClock",
    "open_instance",
    "system_clock",
]

#: Names, among the settings, by how many seconds a demonstration's clock is ahead of the machine's.
PLAYED_SETTING = "played_clock"

T = TypeVar("T")

#: how many of the large things `recent` keeps
_RECENT = 4

#: A deployment never changes, so its bytes are parsed once in a process.
_parse_once = lru_cache(maxsize=4)(parse_deployment)


def system_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class PlayedClock:
    """The clock of a demonstration: whoever plays sets it, and every answer says so."""

    ahead: timedelta = timedelta()
    #: it stands there while somebody plays; None: it goes on
    at: datetime | None = None

    def __call__(self) -> datetime:
        """The time that is played, aware, in UTC."""
        return system_clock() + self.ahead if self.at is None else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One running instance; steps take it first and read the clock and randomness from it only."""

    settings: Settings
    database: Database
    vault: Vault
    clock: Callable[[], datetime] = field(default=system_clock)
    #: n → n unpredictable bytes
    randomness: Callable[[int], bytes] = field(default=secrets.token_bytes)
    #: what `known` found, and what `recent` did, that which was asked for last at the end
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _recent: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def deployment(self) -> Deployment:
        """The contracts that this instance writes to; raises NotFound before the first start."""
        with self.database.reading() as tx:
            return self.deployment_in(tx)

    def deployment_in(self, tx: Connection) -> Deployment:
        """The same, within a transaction."""
        body = find_setting(tx, DEPLOYMENT_SETTING)
        if body is None:
            raise NotFound(
                "this home has no contracts yet",
                field="home",
                remedy="start it once with: steriledger up",
            )
        return _parse_once(body)

    def known_deployment(self, tx: Connection) -> Deployment:
        """The same, asked for once in a process: it is never changed, only added to an empty home.

        Whoever checks what is stored asks `deployment_in`.
        """
        return self.known("deployment", lambda: self.deployment_in(tx))

    def known(self, name: str, ask: Callable[[], T]) -> T:
        """What never changes in a home, asked for once in a process."""
        if name not in self._known:
            self._known[name] = ask()
        found: T = self._known[name]
        return found

    def recent(self, name: str, ask: Callable[[], T]) -> T:
        """The same of what is too large to keep all of: the last few that were asked for."""
        found: T | None = self._recent.pop(name, None)
        found = ask() if found is None else found
        self._recent[name] = found
        while len(self._recent) > _RECENT:
            # another thread may have been faster
            self._recent.pop(next(iter(self._recent), ""), None)
        return found

    @property
    def is_played(self) -> bool:
        """Whether its clock is a demonstration's."""
        return isinstance(self.clock, PlayedClock)

    @property
    def wall_clock(self) -> Callable[[], datetime]:
        """What a phone shows as well: this machine's time, also where ours is played."""
        return system_clock if self.is_played else self.clock

    def close(self) -> None:
        """Give back the database connections."""
        self.database.close()


def _played(settings: Settings, ahead: bytes) -> PlayedClock:
    if not settings.is_embedded:
        raise Refused(
            "this home has a played clock",
            field="chain",
            rule="what is signed for a chain of others bears the real time",
            remedy="choose a new folder: --home",
        )
    return PlayedClock(ahead=timedelta(seconds=int(ahead)))


def open_instance(settings: Settings) -> Instance:
    """Open an existing or new home; the database is migrated to the newest version.

    Raises StorageUnavailable where no folder can be made, Refused for a home whose own database is
    not there, or is another's, whose chain is of others and not named, and for a demonstration's on
    a chain of others.
    """
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageUnavailable(
            f"{settings.home} is no folder, and none can be made there: {error.strerror}",
            field="home",
            rule="all state of an instance lies under its home",
            remedy="name a folder that whoever runs this may write: --home",
        ) from None
    database = open_database(settings.database_address)
    try:
        require_own_database(settings, database)
        database.migrate()
        require_named_chain(settings, database)
        with database.reading() as tx:
            is_encrypted = has_encrypted_rows(tx)
            ahead = find_setting(tx, PLAYED_SETTING)
        clock = system_clock if ahead is None else _played(settings, ahead)
        vault = load_vault(settings.home, encrypted_rows_exist=is_encrypted)
    except BaseException:
        database.close()
        raise
    return Instance(settings=settings, database=database, vault=vault, clock=clock)
