"""People, badges and stations: who may sign in, made and ended by administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import door_of
from api.pages.asking import Asking, go_to
from api.pages.lists import Column, listing
from api.pages.screens import ADMINISTERS, Screen
from api.pages.words import N_
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.errors import InvalidInput, SteriLedgerError
from ledger.domain.records.records import fields_from_bytes
from ledger.steps.accepting.with_passkeys import list_passkey_signers, propose_passkey
from ledger.steps.asking import accounts
from ledger.steps.asking.links import LIFETIMES, LinkPurpose
from ledger.steps.asking.provided import bind
from ledger.steps.asking.provider import find_provider
from ledger.steps.asking.sessions import IDLE_AT_STATION
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored
from ledger.storage import directory, operations, records

#: what a unit's account may be allowed
GIVEN = tuple(each for each in Scope if each is not Scope.AUTHORITY)
_MOST = 1000
#: in place of a unit: whoever runs the instance beside oneself
_INSTANCE = "instance"
#: beside the stations
_MOST_SHIFTS = 20
_COLUMNS = (
    Column(name="person", label="person", link="link"),
    Column(name="login", label="sign-in name"),
    Column(name="unit", label="unit"),
    Column(name="scopes", label="may", kind="word"),
    Column(name="key", label="signs with", kind="word"),
    Column(name="badge", label="badge", kind="word"),
    Column(name="state", label="state", kind="state"),
)


def show_people(asking: Asking) -> Mapping[str, object] | Response:
    """Whoever may sign in, as far as the reader administers them."""
    asking.caller.require_scope(Scope.ADMINISTER)
    unit, instance, chosen = asking.caller.unit, asking.instance, asking.filled.get("only")
    with instance.database.reading() as tx:
        codes = {each.number: each.code for each in directory.list_units(tx, limit=_MOST)}
        rows = [
            {
                "person": each.person,
                "login": each.login,
                "unit": "–" if each.unit is None else codes[each.unit],
                "scopes": ", ".join(
                    asking.words.say(word.replace("_", " ")) for word in each.scopes.split()
                ),
                "key": _keys(instance, tx, each),
                "badge": "yes" if each.badge else "no",
                "state": _state(tx, each),
                "link": f"/people/{each.id}",
            }
            for each in stored.list_accounts(tx, unit=unit)
        ]
    keep = FILTERS.get(chosen)
    if keep is not None:
        rows = [row for row in rows if keep[1](row)]
    found = listing(asking, _COLUMNS, rows, keeps=("only",))
    if isinstance(found, Response):
        return found
    chips = [(name, label) for name, (label, _) in FILTERS.items()]
    return {"listing": found, "chips": chips, "chosen": chosen}


#: what an administrator looks for: name in the address → what it is called, and which rows fit
FILTERS: Mapping[str, tuple[str, Callable[[Mapping[str, object]], bool]]] = {
    "active": (N_("may come in"), lambda row: row["state"] == "active"),
    "invited": (N_("invited, and did not come yet"), lambda row: row["state"] == "invited"),
    "badge": (N_("no badge"), lambda row: row["badge"] == "no" and row["state"] != "ended"),
    "key": (N_("no key"), lambda row: row["key"] == "no key" and row["state"] != "ended"),
    "ended": (N_("ended"), lambda row: row["state"] == "ended"),
}


def _keys(instance: Instance, tx: Connection, row: stored.AccountRow) -> str:
    """With what somebody signs: a key that this server holds, passkeys of their own, both, none."""
    own = any(each.is_valid for each in list_passkey_signers(instance, tx, row.id))
    if row.signer is not None:
        return N_("key of this server and own passkey") if own else N_("key of this server")
    return N_("own passkey") if own else N_("no key")


def _state(tx: Connection, row: stored.AccountRow) -> str:
    if row.ended_at is not None:
        return "ended"
    return "active" if stored.may_sign_in(tx, row) else "invited"


# ---------------------------------------------------------------- add


def show_add(asking: Asking) -> Mapping[str, object]:
    """Whom, in which unit, and what they may do."""
    asking.caller.require_scope(Scope.ADMINISTER)
    unit = asking.caller.unit
    with asking.instance.database.reading() as tx:
        units = [
            each for each in directory.list_units(tx, limit=_MOST) if unit in {None, each.number}
        ]
        signers = directory.list_signers(tx, unit=unit, limit=_MOST)
    given = [each for each in GIVEN if each is not Scope.READ_ALL or asking.may(Scope.READ_ALL)]
    return {
        "units": units,
        "signers": signers,
        "scopes": given,
        "filled": asking.filled,
        "link": "",
    }


def do_add(asking: Asking) -> Mapping[str, object]:
    """An account, and the link that its person is given."""
    filled, caller = asking.filled, asking.caller
    try:
        unit, scopes = caller.unit, [_scope(each) for each in filled.all("scopes")]
        if caller.unit is None and filled.get("unit") == _INSTANCE:
            scopes = list(accounts.RUNS_THE_INSTANCE)
        elif caller.unit is None:
            unit = _number(filled.get("unit"))
        signer = filled.get("signer")
        with asking.instance.database.transaction() as tx:
            account, link = accounts.create_account(
                asking.instance,
                tx,
                caller,
                login=filled.get("login").lower(),
                person=filled.get("person"),
                unit=unit,
                scopes=scopes,
                signer=bytes.fromhex(signer) if signer else None,
            )
    except SteriLedgerError as error:
        asking.errors = {error.field or "": asking.words.sentence(error.what)}
        raise
    except ValueError:
        raise InvalidInput("is no signer", field="signer") from None
    return {**show_add(asking), **_linked(asking, LinkPurpose.ACCOUNT, link), "account": account}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):  # noqa: PLR2004 - uint32
        raise InvalidInput("is missing", field="unit", rule="the unit that the person belongs to")
    return int(text)


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise InvalidInput("is unknown", field="scopes") from None


def _linked(asking: Asking, purpose: LinkPurpose, path: str) -> dict[str, object]:
    """A link to hand on: with the name under which these pages were asked for."""
    hours = LIFETIMES[purpose] // timedelta(hours=1)
    return {"link": asking.site.origin + path, "hours": hours, "purpose": purpose.value}


# ---------------------------------------------------------------- one person


def show_person(asking: Asking) -> Mapping[str, object]:
    """One account."""
    asking.caller.require_scope(Scope.ADMINISTER)
    with asking.instance.database.reading() as tx:
        row = stored.get_account(tx, asking.path("account"), unit=asking.caller.unit)
        unit = None if row.unit is None else directory.get_unit(tx, row.unit)
        signer = None if row.signer is None else directory.find_signer(tx, row.signer)
        passkeys = list_passkey_signers(asking.instance, tx, row.id)
        identities = stored.list_identities(tx, row.id)
        state = _state(tx, row)
        is_last = accounts.is_last_administrator(tx, row)
    return {
        "title": row.person,
        "account": row,
        "state": state,
        "is_last": is_last,
        "identities": identities,
        "provider": find_provider(asking.instance),
        "unit": unit,
        "signer": signer,
        "passkeys": passkeys,
        "rights": [str(each.name).lower() for each in Right],
        "proposed": asking.filled.get("proposed") == "yes",
        "link": "",
    }


def do_person(asking: Asking) -> Mapping[str, object] | Response:
    """A badge, a new link, or the end."""
    filled, caller, instance = asking.filled, asking.caller, asking.instance
    account = asking.path("account")
    what = filled.get("what")
    if what == "badge":
        try:
            accounts.set_badge(
                instance, caller, account, badge=filled.get("badge"), pin=filled.raw("pin")
            )
        except SteriLedgerError as error:
            asking.errors = {error.field or "": asking.words.sentence(error.what)}
            raise
    elif what == "unbadge":
        with instance.database.transaction() as tx:
            accounts.remove_badge(instance, tx, caller, account)
    elif what == "signer":
        with instance.database.transaction() as tx:
            propose_passkey(
                instance,
                tx,
                caller,
                account,
                _passkey(filled.get("passkey")),
                rights=filled.all("rights"),
                door=door_of(asking),
            )
        return go_to(f"/people/{account}?proposed=yes")
    elif what == "provider":
        with instance.database.transaction() as tx:
            bind(instance, tx, caller, account, filled.get("subject"))
    elif what == "renew":
        with instance.database.transaction() as tx:
            link = accounts.renew_account(instance, tx, caller, account)
        return {**show_person(asking), **_linked(asking, LinkPurpose.ACCOUNT, link)}
    elif what == "end":
        with instance.database.transaction() as tx:
            accounts.end_account(instance, tx, caller, account)
    return go_to(f"/people/{account}")


def _passkey(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidInput("is no passkey", field="passkey") from None


# ---------------------------------------------------------------- stations


def show_stations(asking: Asking) -> Mapping[str, object]:
    """The tablets at which badges are read."""
    asking.caller.require_scope(Scope.ADMINISTER)
    unit = asking.caller.unit
    with asking.instance.database.reading() as tx:
        units = [
            each for each in directory.list_units(tx, limit=_MOST) if unit in {None, each.number}
        ]
        stations = stored.list_stations(tx, unit=unit)
        since = asking.instance.clock() - IDLE_AT_STATION
        present = {
            each.id: stored.list_present(tx, each.id, since)
            for each in stations
            if each.ended_at is None
        }
        shifts = operations.list_latest_operations(tx, unit=unit, kind="Shift", limit=_MOST_SHIFTS)
        told = [
            (row, fields_from_bytes(records.get_record(tx, row.record_id).facts)) for row in shifts
        ]
    codes = {each.number: each.code for each in units}
    return {
        "stations": stations, "units": units, "codes": codes, "link": "", "present": present,
        "shifts": told,
    }  # fmt: skip


def do_stations(asking: Asking) -> Mapping[str, object] | Response:
    """A link that makes a tablet a station, or the end of one."""
    filled, caller, instance = asking.filled, asking.caller, asking.instance
    caller.require_scope(Scope.ADMINISTER)
    if filled.get("end"):
        with instance.database.transaction() as tx:
            stored.end_station(tx, filled.get("end"), instance.clock(), unit=caller.unit)
        return go_to("/stations")
    unit = _number(filled.get("unit")) if caller.unit is None else caller.unit
    with instance.database.transaction() as tx:
        link = accounts.invite_station(instance, tx, caller, unit=unit)
    return {**show_stations(asking), **_linked(asking, LinkPurpose.STATION, link)}


SCREENS = (
    Screen(
        path="/people",
        template="people.html",
        title=N_("People"),
        show=show_people,
        menu=N_("Administration"),
        scopes=ADMINISTERS,
    ),
    Screen(
        path="/people/add",
        template="person_add.html",
        title=N_("Add a person"),
        show=show_add,
        do=do_add,
        scopes=ADMINISTERS,
    ),
    Screen(
        path="/people/{account}",
        template="person.html",
        title=N_("Person"),
        show=show_person,
        do=do_person,
        scopes=ADMINISTERS,
    ),
    Screen(
        path="/stations",
        template="stations.html",
        title=N_("Stations and shifts"),
        show=show_stations,
        do=do_stations,
        menu=N_("Administration"),
        scopes=ADMINISTERS,
    ),
)
