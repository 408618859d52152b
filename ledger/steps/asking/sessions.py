"""A person who was known → a session, and a session's text → who asks.

A session is a token that is good at the pages' door alone, and ends after idleness.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import NotFound, Refused, VerificationFailed
from ledger.keys.one_time_codes import verify_code
from ledger.keys.passwords import verify_secret
from ledger.steps.asking.accounts import badge_hash, code_secret, station_hash
from ledger.steps.asking.links import LIFETIMES, LinkPurpose, find_link
from ledger.steps.asking.tokens import UnknownToken, authenticate, issue
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored
from ledger.storage.tokens import revoke_token

#: what every session begins with; no API takes it
PREFIX = "sls_"
LIFETIME = timedelta(hours=12)
IDLE = timedelta(minutes=30)
#: at a station, which several people use
IDLE_AT_STATION = timedelta(minutes=10)
#: how exactly it is noted that a session is used
_SEEN_EVERY = timedelta(minutes=1)
#: wrong PINs in a row after which a badge has to be given anew
MOST_WRONG_PINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who asks at the pages' door."""

    caller: Caller
    #: None: whoever holds a link
    account: str | None
    #: how the person was known, as records say it
    way: str
    #: the name of the station, or None
    station: str | None
    #: what every form of this session carries, so that no other page can send one
    forms: str


class NotSignedIn(Refused):
    """Nobody is signed in, or no longer."""


def forms_token(text: str) -> str:
    """What the forms of a session carry: it follows from the session, and tells nothing of it."""
    return sha256(b"steriledger.forms\0" + text.encode()).hex()


def require_form(session: Session, sent: str) -> None:
    """Raise Refused for a form that is not of this session."""
    if not hmac.compare_digest(session.forms.encode(), sent.encode()):
        raise Refused(
            "this form is not of your session",
            field="token",
            rule="a form is sent from the page that showed it, while you are signed in",
            remedy="open the page again, and send the form from there",
        )


def resume(instance: Instance, tx: Connection, text: str) -> tuple[Session, bool]:
    """Whose session it is, and whether its use is to be noted; raises NotSignedIn."""
    try:
        caller = authenticate(instance, tx, text, prefix=PREFIX)
    except UnknownToken:
        raise _not_signed_in() from None
    row = stored.find_session(tx, str(caller.token_id))
    if row is None:
        raise _not_signed_in()
    now = instance.clock()
    if now - row.seen_at > (IDLE if row.station is None else IDLE_AT_STATION):
        raise _not_signed_in("you were away for too long")
    session = Session(
        caller=caller,
        account=row.account,
        way=row.way,
        station=None if row.station is None else stored.get_station(tx, row.station).name,
        forms=forms_token(text),
    )
    return session, now - row.seen_at > _SEEN_EVERY


def note_use(instance: Instance, session: Session) -> None:
    """Note that a session is used, which keeps it from ending."""
    with instance.database.transaction(is_told=False) as tx:
        stored.see_session(tx, str(session.caller.token_id), instance.clock())


def end_session(instance: Instance, tx: Connection, session: Session) -> None:
    """Sign out."""
    revoke_token(tx, str(session.caller.token_id), instance.clock())


def sign_in(instance: Instance, login: str, password: str, code: str) -> str:
    """Name, password and one-time code → a session's text; raises NotSignedIn, not saying why."""
    with instance.database.asking() as tx:
        row = stored.find_account(tx, login=login.strip().lower())
    holds = row is not None and row.ended_at is None
    try:
        verify_secret(row.password if row is not None and holds else None, password)
        # the check before never holds for nobody
        secret = b"" if row is None else code_secret(instance, row)
        step = verify_code(secret, code.replace(" ", ""), instance.wall_clock())
    except VerificationFailed:
        row = None
    if row is None:
        raise _wrong("name, password and code do not fit together")
    with instance.database.transaction() as tx:
        if not stored.take_code_step(tx, row.id, step):
            raise _wrong("this code was used already; wait for the next one")
        return open_session(instance, tx, row.id, way="password")


def sign_in_at_station(instance: Instance, station: str, badge: str, pin: str) -> str:
    """Badge and PIN at an enrolled station → a session's text; raises NotSignedIn."""
    with instance.database.asking() as tx:
        place = stored.find_station(tx, station_hash(station))
    if place is None:
        raise _wrong("this device is no station")
    row = _carrier(instance, place.unit, badge, pin)
    if row is None:
        raise _wrong("badge and PIN do not fit together")
    with instance.database.transaction() as tx:
        return open_session(instance, tx, row.id, way="PIN", station=place.id)


def confirm_at_station(instance: Instance, session: Session, badge: str, pin: str) -> str:
    """Badge and PIN of a second person, where the first works at a station → their name.

    Raises Refused for whoever is the same person, of another unit, or nobody.
    """
    unit = session.caller.unit
    if session.station is None or session.way != "PIN" or unit is None:
        raise Refused(
            "a second badge is read at a station",
            field="second_badge",
            rule="both are known by badge and PIN at the same station",
            remedy="sign in there with your own badge first",
        )
    row = _carrier(instance, unit, badge, pin)
    if row is None:
        raise Refused(
            "badge and PIN do not fit together",
            field="second_badge",
            rule="a colleague of the unit, with their own badge and PIN",
        )
    if row.id == session.account:
        raise Refused(
            f"{row.person} is here already",
            field="second_badge",
            rule="two people confirm it, not one person twice",
            remedy="let a colleague scan their badge",
        )
    return row.person


def _carrier(instance: Instance, unit: int, badge: str, pin: str) -> stored.AccountRow | None:
    """Who of a unit carries a badge and knows its PIN; a wrong one is counted, and as slow."""
    with instance.database.asking() as tx:
        row = stored.find_account(tx, badge=badge_hash(badge))
    fits = row is not None and row.unit == unit and row.failures < MOST_WRONG_PINS
    try:
        verify_secret(row.pin if row is not None and fits else None, pin)
    except VerificationFailed:
        if row is not None and fits:
            with instance.database.transaction() as tx:
                stored.count_failure(tx, row.id)
        return None
    if row is not None:
        with instance.database.transaction() as tx:
            stored.change_account(tx, row.id, failures=0)
    return row


def open_session(
    instance: Instance, tx: Connection, account: str, *, way: str, station: str | None = None
) -> str:
    """A session of a person who was known; its text, which their browser keeps."""
    row = stored.get_account(tx, account)
    if row.ended_at is not None:
        raise _wrong("this account was ended")
    token_id, text = issue(
        instance,
        tx,
        person=row.person,
        unit=row.unit,
        scopes=row.scopes,
        lifetime=LIFETIME,
        signer=row.signer,
        prefix=PREFIX,
    )
    now = instance.clock()
    stored.insert_session(
        tx,
        stored.SessionRow(token_id=token_id, account=row.id, way=way, station=station, seen_at=now),
    )
    return text


def follow_link(instance: Instance, tx: Connection, purpose: LinkPurpose, link: str) -> str:
    """A link that signs in → a session's text; raises NotFound for one that is over."""
    row = find_link(instance, tx, purpose.value, link)
    if purpose is LinkPurpose.SESSION:
        return open_session(instance, tx, str(row.account), way="local")
    if purpose is not LinkPurpose.INSPECTION:
        raise NotFound("this link signs nobody in", field="link")
    token_id, text = issue(
        instance,
        tx,
        person="inspection",
        unit=row.unit,
        scopes=Scope.READ_UNIT.value,
        lifetime=min(LIFETIMES[purpose], row.expires_at - instance.clock()),
        signer=None,
        prefix=PREFIX,
    )
    seen: datetime = instance.clock()
    stored.insert_session(
        tx, stored.SessionRow(token_id=token_id, account=None, way="none", seen_at=seen)
    )
    return text


def find_station(instance: Instance, text: str) -> stored.StationRow | None:
    """The station whose secret a device holds, or None."""
    with instance.database.asking() as tx:
        return stored.find_station(tx, station_hash(text))


def forget_old_sessions(instance: Instance, tx: Connection) -> int:
    """Drop sessions that ended long ago; return how many."""
    return stored.forget_sessions(tx, instance.clock() - timedelta(days=30))


def _wrong(what: str) -> NotSignedIn:
    return NotSignedIn(what, field="sign-in", rule="what you know and what you have, both right")


def _not_signed_in(what: str = "you are not signed in") -> NotSignedIn:
    return NotSignedIn(what, field="session", remedy="sign in again; nothing was stored")
