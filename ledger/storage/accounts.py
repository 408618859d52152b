"""People who sign in: their accounts, passkeys, sessions, stations and one-time links.

A session is a token of its own (storage/tokens.py) with what a browser adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, UniqueConstraint, delete, exists, select, true

from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows, of_unit
from ledger.storage.engine.tables import table_of
from ledger.storage.tokens import idempotency, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One person who may sign in."""

    id: str
    #: what they type, in lower case
    login: str
    person: str
    #: None: whoever runs the instance
    unit: int | None
    #: separated by blanks
    scopes: str
    #: id of the server-held key that signs for this person; None: they bring their own
    signer: ThirtyTwo | None = None
    #: argon2id in PHC form; None before the person chose one
    password: str | None = None
    #: of the one-time code, encrypted; None before the person set it up
    code_secret: bytes | None = None
    #: the last period whose code was used
    code_step: int = 0
    #: SHA-256 of what the badge says
    badge: ThirtyTwo | None = None
    #: argon2id in PHC form
    pin: str | None = None
    #: PINs that were wrong since the last that was right
    failures: int = 0
    created_at: datetime
    ended_at: datetime | None = None


accounts = table_of(
    "accounts", AccountRow, UniqueConstraint("login"), UniqueConstraint("badge"), key=("id",)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """A person's passkey."""

    #: as the authenticator calls it
    id: bytes
    account: str
    #: COSE
    public_key: bytes
    sign_count: int
    created_at: datetime


passkeys = table_of("passkeys", PasskeyRow, key=("id",), references={"account": "accounts.id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    """Who an account is for a provider that signs people in (OpenID Connect)."""

    #: the provider's address
    issuer: str
    #: `sub`: what never changes there, and belongs to nobody else
    subject: str
    account: str
    created_at: datetime


identities = table_of(
    "identities",
    IdentityRow,
    Index(None, "account"),
    key=("issuer", "subject"),
    references={"account": "accounts.id"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRow:
    """A tablet at which badges are read."""

    id: str
    unit: int
    name: str
    secret_hash: ThirtyTwo
    created_at: datetime
    ended_at: datetime | None = None


stations = table_of("stations", StationRow, UniqueConstraint("secret_hash"), key=("id",))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """What a browser adds to a token."""

    token_id: str
    #: None: whoever holds a link
    account: str | None
    #: how the person was known, as records say it
    way: str
    station: str | None = None
    seen_at: datetime


sessions = table_of(
    "sessions",
    SessionRow,
    key=("token_id",),
    references={"token_id": "tokens.id", "account": "accounts.id", "station": "stations.id"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link that is handed to somebody; only its hash is kept."""

    text_hash: ThirtyTwo
    purpose: str
    account: str | None = None
    unit: int | None = None
    expires_at: datetime
    #: None for what was not used, and for what may be used again
    used_at: datetime | None = None


links = table_of("links", LinkRow, key=("text_hash",), references={"account": "accounts.id"})


_accounts = Rows(accounts, AccountRow, "account")
_passkeys = Rows(passkeys, PasskeyRow, "passkey")
_identities = Rows(identities, IdentityRow, "identity")
_stations = Rows(stations, StationRow, "station")
_sessions = Rows(sessions, SessionRow, "session")
_links = Rows(links, LinkRow, "link")


# ---------------------------------------------------------------- accounts


def insert_account(tx: Connection, row: AccountRow) -> None:
    """Keep an account; raises Conflict when the login is taken."""
    _accounts.insert(tx, [row])


def find_account(tx: Connection, **equal: object) -> AccountRow | None:
    """The account with these values of id, login or badge, or None."""
    return _accounts.find_by(tx, **equal)  # type: ignore[arg-type]


def get_account(tx: Connection, account: str, *, unit: int | None = None) -> AccountRow:
    """The account; raises NotFound also when it is another unit's."""
    return _accounts.get_by(tx, id=account, unit=unit, name=account)


def list_accounts(tx: Connection, *, unit: int | None = None) -> list[AccountRow]:
    """The accounts, by person."""
    c = accounts.c
    return _accounts.list(tx, of_unit(c.unit, unit), order=[c.person, c.login])


def may_sign_in(tx: Connection, row: AccountRow) -> bool:
    """Whether somebody came and chose a way in that lasts, and it was not ended."""
    is_ready = row.password is not None or bool(list_identities(tx, row.id))
    return row.ended_at is None and is_ready


def change_account(tx: Connection, account: str, **values: object) -> None:
    """Change columns of an account."""
    tx.execute(accounts.update().where(accounts.c.id == account).values(**values))


def take_code_step(tx: Connection, account: str, step: int) -> bool:
    """Note the period whose code was used; False when it, or a later one, was used already."""
    c = accounts.c
    changed = tx.execute(
        accounts.update().where(c.id == account, c.code_step < step).values(code_step=step)
    )
    return changed.rowcount == 1


def count_failure(tx: Connection, account: str) -> None:
    """One more failed try."""
    c = accounts.c
    tx.execute(accounts.update().where(c.id == account).values(failures=c.failures + 1))


# ---------------------------------------------------------------- passkeys


def insert_passkey(tx: Connection, row: PasskeyRow) -> None:
    """Keep a passkey; raises Conflict when it is known."""
    _passkeys.insert(tx, [row])


def find_passkey(tx: Connection, identifier: bytes) -> PasskeyRow | None:
    """The passkey of that name, or None."""
    return _passkeys.find_by(tx, id=identifier)


def list_passkeys(tx: Connection, account: str) -> list[PasskeyRow]:
    """A person's passkeys, the oldest first."""
    c = passkeys.c
    return _passkeys.list(tx, c.account == account, order=[c.created_at])


def count_passkey(tx: Connection, identifier: bytes, sign_count: int) -> None:
    """Note how often a passkey signed."""
    tx.execute(passkeys.update().where(passkeys.c.id == identifier).values(sign_count=sign_count))


def remove_passkey(tx: Connection, identifier: bytes, *, account: str) -> None:
    """Forget a passkey of a person."""
    c = passkeys.c
    tx.execute(passkeys.delete().where(c.id == identifier, c.account == account))


def drop_passkeys(tx: Connection, *, account: str) -> None:
    """Forget every passkey of a person."""
    tx.execute(passkeys.delete().where(passkeys.c.account == account))


# ---------------------------------------------------------------- identities


def insert_identity(tx: Connection, row: IdentityRow) -> None:
    """Keep who an account is for a provider; raises Conflict when that is somebody else."""
    _identities.insert(tx, [row])


def find_identity(tx: Connection, issuer: str, subject: str) -> IdentityRow | None:
    """Whose account it is, or None."""
    return _identities.find_by(tx, issuer=issuer, subject=subject)


def list_identities(tx: Connection, account: str | None = None) -> list[IdentityRow]:
    """An account's, or all; the oldest first."""
    c = identities.c
    which = true() if account is None else c.account == account
    return _identities.list(tx, which, order=[c.created_at, c.subject])


def drop_identities(tx: Connection, *, account: str) -> None:
    """Forget who an account is for any provider."""
    tx.execute(identities.delete().where(identities.c.account == account))


# ---------------------------------------------------------------- stations


def insert_station(tx: Connection, row: StationRow) -> None:
    """Keep a station."""
    _stations.insert(tx, [row])


def find_station(tx: Connection, secret_hash: bytes) -> StationRow | None:
    """The station with that secret that was not ended, or None."""
    c = stations.c
    return _stations.find(tx, c.secret_hash == secret_hash, c.ended_at.is_(None))


def get_station(tx: Connection, station: str) -> StationRow:
    """The station, ended or not; raises NotFound."""
    return _stations.get_by(tx, id=station, name=station)


def list_stations(tx: Connection, *, unit: int | None = None) -> list[StationRow]:
    """The stations, by name."""
    return _stations.list(tx, of_unit(stations.c.unit, unit), order=[stations.c.name])


def end_station(tx: Connection, station: str, at: datetime, *, unit: int | None) -> None:
    """End a station, and the sessions at it; raises NotFound for another unit's."""
    row = _stations.get_by(tx, id=station, unit=unit, name=station)
    tx.execute(stations.update().where(stations.c.id == row.id).values(ended_at=at))
    _end(tx, sessions.c.station == row.id, at)


# ---------------------------------------------------------------- sessions


def insert_session(tx: Connection, row: SessionRow) -> None:
    """Keep what a browser adds to a token."""
    _sessions.insert(tx, [row])


def find_session(tx: Connection, token_id: str) -> SessionRow | None:
    """What a browser adds to that token, or None."""
    return _sessions.find_by(tx, token_id=token_id)


def list_present(tx: Connection, station: str, since: datetime) -> list[tuple[str, datetime]]:
    """Who is signed in at a station and used it since an instant, with when; the last first."""
    s, t = sessions.c, tokens.c
    found = tx.execute(
        select(t.person, s.seen_at)
        .join_from(sessions, tokens, s.token_id == t.id)
        .where(s.station == station, t.revoked_at.is_(None), s.seen_at >= since)
        .order_by(s.seen_at.desc())
    )
    return [(person, seen) for person, seen in found]


def see_session(tx: Connection, token_id: str, at: datetime) -> None:
    """Note that a session is used."""
    tx.execute(sessions.update().where(sessions.c.token_id == token_id).values(seen_at=at))


def end_sessions(
    tx: Connection, account: str, at: datetime, *, at_stations: bool = False, way: str = ""
) -> None:
    """End every session of a person, or those at stations, or of one way in."""
    which = sessions.c.account == account
    if at_stations:
        which &= sessions.c.station.is_not(None)
    if way:
        which &= sessions.c.way == way
    _end(tx, which, at)


def end_ways_in(tx: Connection, account: str, at: datetime) -> None:
    """Password, codes, passkeys, providers, links and sessions of a person are over, for a new one.

    A badge is given and taken by an administrator.
    """
    change_account(tx, account, password=None, code_secret=None)
    drop_links(tx, account=account)
    drop_passkeys(tx, account=account)
    drop_identities(tx, account=account)
    end_sessions(tx, account, at)


def _end(tx: Connection, which: object, at: datetime) -> None:
    held = select(sessions.c.token_id).where(which)  # type: ignore[arg-type]
    tx.execute(
        tokens.update()
        .where(tokens.c.id.in_(held), tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def forget_sessions(tx: Connection, before: datetime) -> int:
    """Drop sessions and links that expired before an instant; sessions that gave no kept answer."""
    tx.execute(links.delete().where(links.c.expires_at < before))
    kept = exists(select(1).where(idempotency.c.token_id == tokens.c.id))
    over = select(tokens.c.id).where(
        tokens.c.expires_at < before, tokens.c.id.in_(select(sessions.c.token_id)), ~kept
    )
    ids = list(tx.execute(over.limit(1000)).scalars())
    tx.execute(delete(sessions).where(sessions.c.token_id.in_(ids)))
    tx.execute(delete(tokens).where(tokens.c.id.in_(ids)))
    return len(ids)


# ---------------------------------------------------------------- links


def insert_link(tx: Connection, row: LinkRow) -> None:
    """Keep a link."""
    _links.insert(tx, [row])


def find_link(tx: Connection, text_hash: bytes) -> LinkRow | None:
    """The link with that hash, or None."""
    return _links.find_by(tx, text_hash=text_hash)


def use_link(tx: Connection, text_hash: bytes, at: datetime) -> bool:
    """Note that a link was used; False when it was used already."""
    c = links.c
    changed = tx.execute(
        links.update().where(c.text_hash == text_hash, c.used_at.is_(None)).values(used_at=at)
    )
    return changed.rowcount == 1


def drop_links(tx: Connection, *, account: str) -> None:
    """Forget the links that were made for an account."""
    tx.execute(links.delete().where(links.c.account == account))
