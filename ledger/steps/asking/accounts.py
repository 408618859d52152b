"""People → accounts: made and ended by administrators, completed by the person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from sqlalchemy import Connection

from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Conflict, InvalidInput, Refused, VerificationFailed
from ledger.keys.one_time_codes import SECRET_BYTES, verify_code
from ledger.keys.passwords import hash_secret
from ledger.steps.asking.links import LinkPurpose, find_link, make_link, use_link
from ledger.steps.asking.tokens import require_person, require_signer, secret_text
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored
from ledger.storage import directory

#: what the secret of one-time codes is encrypted for, in the row of its account
CODE_PURPOSE = "one-time code"
#: NIST SP 800-63B §3.1.1.2: at least 8 beside a second factor; ours are a few more
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SHORTEST_BADGE, LONGEST_BADGE = 6, 200
#: of whoever runs the instance: admits units, and helps each of them with its people and machines
RUNS_THE_INSTANCE = frozenset({Scope.AUTHORITY, Scope.ADMINISTER, Scope.READ_ALL})
FIRST_LOGIN = "administrator"

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,59}")
_PIN = re.compile(r"[0-9]{6,12}")


def create_account(  # noqa: PLR0913 - what is said of a person
    instance: Instance,
    tx: Connection,
    caller: Caller,
    *,
    login: str,
    person: str,
    unit: int | None,
    scopes: Collection[Scope],
    signer: bytes | None = None,
) -> tuple[str, str]:
    """A person's account: its id, and the path of the link with which they complete it.

    Raises InvalidInput, Conflict for a login that is taken, and Refused for what the caller may not
    give.
    """
    person = unicodedata.normalize("NFC", person)
    require_person(person)
    if _LOGIN.fullmatch(login) is None:
        raise InvalidInput(
            "is no sign-in name", field="login", rule="2 to 60 of a–z, 0–9 and . _ @ -"
        )
    _require_grant(tx, caller, unit, frozenset(scopes))
    if signer is not None:
        require_signer(tx, unit, signer)
    if stored.find_account(tx, login=login) is not None:
        raise Conflict(f"{login!r} is taken", field="login", remedy="choose another one")
    row = stored.AccountRow(
        id=instance.randomness(8).hex(),
        login=login,
        person=person,
        unit=unit,
        scopes=" ".join(sorted(scopes)),
        signer=signer,
        created_at=instance.clock(),
    )
    stored.insert_account(tx, row)
    return row.id, make_link(instance, tx, LinkPurpose.ACCOUNT, account=row.id)


def first_administrator(instance: Instance) -> str | None:
    """The path with which the first administrator begins; None once somebody can sign in."""
    with instance.database.transaction() as tx:
        rows = stored.list_accounts(tx)
        if any(stored.may_sign_in(tx, row) for row in rows):
            return None
        row = stored.find_account(tx, login=FIRST_LOGIN)
        if row is not None and row.ended_at is not None:
            return None
        if row is None:
            row = stored.AccountRow(
                id=instance.randomness(8).hex(),
                login=FIRST_LOGIN,
                person="Administrator",
                unit=None,
                scopes=" ".join(sorted(RUNS_THE_INSTANCE)),
                created_at=instance.clock(),
            )
            stored.insert_account(tx, row)
        stored.drop_links(tx, account=row.id)
        return make_link(instance, tx, LinkPurpose.ACCOUNT, account=row.id)


def may_name_themselves(row: stored.AccountRow) -> bool:
    """Whether the person says their name when they complete it: nobody else could."""
    return row.login == FIRST_LOGIN and row.unit is None


def code_secret(instance: Instance, row: stored.AccountRow) -> bytes:
    """What a person's one-time codes are computed from."""
    if row.code_secret is None:
        raise VerificationFailed("no one-time code was set up", field="code")
    return instance.vault.decrypt(row.code_secret, purpose=CODE_PURPOSE, row=row.id)


def complete_account(  # noqa: PLR0913 - what a person chooses
    instance: Instance,
    link: str,
    *,
    person: str,
    password: str,
    again: str,
    secret: bytes,
    code: str,
) -> str:
    """A person's choice → they can sign in; their account's id.

    What they had before is over: other sessions, links and passkeys.

    `secret` is that of the one-time codes, which their app was shown.  Raises NotFound for a link
    that is over, and InvalidInput naming the field.
    """
    if len(secret) != SECRET_BYTES:
        raise InvalidInput("is none", field="secret", rule=f"{SECRET_BYTES} bytes")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(
            "is too short or too long",
            field="password",
            rule=f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, whichever you like",
        )
    if password != again:
        raise InvalidInput("is another one", field="again", rule="the same password twice")
    try:
        step = verify_code(secret, code, instance.wall_clock())
    except VerificationFailed as error:
        raise InvalidInput(
            error.what,
            field="code",
            rule="the six digits that the app shows now",
            remedy="look whether this device and the phone have the right time",
        ) from None
    with instance.database.asking() as tx:
        find_link(instance, tx, LinkPurpose.ACCOUNT, link)
    kept = hash_secret(password)  # before the transaction, and for nobody else: it takes a while
    with instance.database.transaction() as tx:
        row = find_link(instance, tx, LinkPurpose.ACCOUNT, link)
        account = stored.get_account(tx, str(row.account))
        sealed = instance.vault.encrypt(secret, purpose=CODE_PURPOSE, row=account.id)
        values: dict[str, object] = {
            "password": kept,
            "code_secret": sealed,
            "code_step": step,
        }
        if may_name_themselves(account):
            require_person(person)
            values["person"] = person
        use_link(instance, tx, row)
        stored.end_ways_in(tx, account.id, instance.clock())
        stored.change_account(tx, account.id, **values)
        return account.id


def renew_account(instance: Instance, tx: Connection, caller: Caller, account: str) -> str:
    """A new link for somebody who lost password or phone; what they had holds until it is used."""
    row = administered(tx, caller, account, gives_way_in=True)
    stored.drop_links(tx, account=row.id)
    return make_link(instance, tx, LinkPurpose.ACCOUNT, account=row.id)


def is_last_administrator(tx: Connection, row: stored.AccountRow) -> bool:
    """Whether nobody else who came already can add people, to the unit or to the instance."""
    if Scope.ADMINISTER not in row.scopes.split() or row.ended_at is not None:
        return False
    return not any(
        each.unit == row.unit
        and each.id != row.id
        and Scope.ADMINISTER in each.scopes.split()
        # who was invited may never come
        and stored.may_sign_in(tx, each)
        for each in stored.list_accounts(tx)
    )


def end_account(instance: Instance, tx: Connection, caller: Caller, account: str) -> None:
    """They sign in no more, and their sessions end; raises Refused for the last administrator."""
    row = administered(tx, caller, account)
    if is_last_administrator(tx, row):
        raise Refused(
            f"{row.person} is the last administrator",
            field="account",
            rule="somebody is left who can add people",
            remedy="make another administrator first",
        )
    stored.drop_links(tx, account=row.id)
    stored.drop_identities(tx, account=row.id)
    stored.change_account(tx, row.id, ended_at=instance.clock(), badge=None, pin=None)
    stored.end_sessions(tx, row.id, instance.clock())


def set_badge(instance: Instance, caller: Caller, account: str, *, badge: str, pin: str) -> None:
    """A badge and its PIN; raises Conflict for a badge that somebody else carries."""
    if _PIN.fullmatch(pin) is None or len(set(pin)) < 3:  # noqa: PLR2004 - 112211 is guessed
        raise InvalidInput(
            "is no PIN", field="pin", rule="6 to 12 digits, at least three of them different"
        )
    digest, kept = badge_hash(badge), hash_secret(pin)
    with instance.database.transaction() as tx:
        row = administered(tx, caller, account, gives_way_in=True)
        carrier = stored.find_account(tx, badge=digest)
        if carrier is not None and carrier.id != row.id:
            raise Conflict("is somebody else's", field="badge", remedy="take another badge")
        stored.change_account(tx, row.id, badge=digest, pin=kept, failures=0)


def remove_badge(instance: Instance, tx: Connection, caller: Caller, account: str) -> None:
    """Nobody comes in with a badge that was lost: it is forgotten, and sessions at stations end."""
    row = administered(tx, caller, account)
    stored.change_account(tx, row.id, badge=None, pin=None, failures=0)
    stored.end_sessions(tx, row.id, instance.clock(), at_stations=True)


def badge_hash(text: str) -> bytes:
    """What is kept of a badge; raises InvalidInput for what is none."""
    text = text.strip()
    if not SHORTEST_BADGE <= len(text) <= LONGEST_BADGE:
        raise InvalidInput(
            "is no badge",
            field="badge",
            rule=f"what the badge's code says, {SHORTEST_BADGE} characters or more",
        )
    return sha256(b"steriledger.badge\0" + text.encode())


def invite_station(instance: Instance, tx: Connection, caller: Caller, *, unit: int) -> str:
    """The path of a link with which a tablet becomes a station of a unit."""
    caller.require_scope(Scope.ADMINISTER)
    caller.require_unit(unit)
    directory.get_unit(tx, unit)
    return make_link(instance, tx, LinkPurpose.STATION, unit=unit)


def enrol_station(instance: Instance, tx: Connection, link: str, *, name: str) -> str:
    """A tablet with a station's link → its secret, which it keeps."""
    row = find_link(instance, tx, LinkPurpose.STATION, link)
    require_person(name)
    use_link(instance, tx, row)
    text = secret_text(instance)
    stored.insert_station(
        tx,
        stored.StationRow(
            id=instance.randomness(8).hex(),
            unit=int(row.unit or 0),
            name=name,
            secret_hash=station_hash(text),
            created_at=instance.clock(),
        ),
    )
    return text


def station_hash(text: str) -> bytes:
    """What is kept of a station's secret."""
    return sha256(b"steriledger.station\0" + text.encode())


def administered(
    tx: Connection, caller: Caller, account: str, *, gives_way_in: bool = False
) -> stored.AccountRow:
    """An account that the caller administers; raises NotFound, Refused, Conflict when ended.

    Whoever gives a new way into it could take it themselves: no more than they have.
    """
    caller.require_scope(Scope.ADMINISTER)
    row = stored.get_account(tx, account, unit=caller.unit)
    if row.ended_at is not None:
        raise Conflict(f"{row.person} signs in no more", field="account")
    if gives_way_in:
        _require_within(caller, row)
    return row


def _require_within(caller: Caller, row: stored.AccountRow) -> None:
    if Scope.READ_ALL in row.scopes.split() and Scope.READ_ALL not in caller.scopes:
        raise Refused(
            f"{row.person} may read every unit's records, and you may not",
            field="account",
            rule="whoever runs the instance helps those who read everything",
        )


def _require_grant(
    tx: Connection, caller: Caller, unit: int | None, scopes: frozenset[Scope]
) -> None:
    """What the caller may give: to their own unit, and nothing beyond a unit's own affairs."""
    caller.require_scope(Scope.ADMINISTER)
    if unit is None:
        if caller.unit is not None or scopes != RUNS_THE_INSTANCE:
            raise Refused(
                "only whoever runs this instance gives that",
                field="unit",
                rule="everybody else belongs to one unit",
            )
        return
    caller.require_unit(unit)
    directory.get_unit(tx, unit)
    if not scopes:
        raise InvalidInput("names none", field="scopes", rule="an account allows something")
    beyond = scopes & {Scope.AUTHORITY} | (scopes & {Scope.READ_ALL}) - caller.scopes
    if beyond:
        raise Refused(
            f"{', '.join(sorted(beyond))} is not yours to give",
            field="scopes",
            rule="a unit gives what concerns itself; whoever runs the instance gives read_all",
        )
