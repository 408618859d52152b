"""Units, machines, signers and operations: lists of them, and a page for each."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import title_of
from api.pages.asking import Asking, go_to, number_of
from api.pages.cycles import machine_of
from api.pages.lists import Column, listing
from api.pages.photos import links_of
from api.pages.screens import READS, Screen, screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS, find_act
from ledger.domain.acts.vocabulary import flag_words
from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.errors import NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import AssetState, MachineState, SignerState, UnitState
from ledger.keys.signers import P256_VERIFIER, WEBAUTHN_VERIFIER
from ledger.steps.accepting.standing import Accepted
from ledger.steps.asking.contacts import set_contact
from ledger.storage import directory, index, operations, records
from ledger.storage.contacts import list_contacts

_MOST = 1000
_UNITS = (
    Column(name="number", label="number", kind="number"),
    Column(name="code", label="code", link="link"),
    Column(name="name", label="name"),
    Column(name="roles", label="roles", kind="word"),
    Column(name="state", label="state", kind="state"),
)
_MACHINES = (
    Column(name="name", label="name", link="link"),
    Column(name="serial", label="serial"),
    Column(name="kind", label="kind", kind="word"),
    Column(name="unit", label="unit"),
    Column(name="state", label="state", kind="state"),
    Column(name="epoch", label="epoch", kind="number"),
)
_ASSETS = (
    Column(name="name", label="name", link="link"),
    Column(name="code", label="code"),
    Column(name="kind", label="kind", kind="word"),
    Column(name="owner", label="owner"),
    Column(name="custodian", label="custodian"),
    Column(name="travels", label="under way", kind="word"),
    Column(name="state", label="state", kind="state"),
)
_SIGNERS = (
    Column(name="name", label="name", link="link"),
    Column(name="unit", label="unit"),
    Column(name="rights", label="rights", kind="word"),
    Column(name="custody", label="key held by", kind="word"),
    Column(name="key", label="kind of key", kind="word"),
    Column(name="valid_until", label="valid until", kind="moment"),
    Column(name="state", label="state", kind="state"),
)
_OPERATIONS = (
    Column(name="what", label="what", kind="word", link="link"),
    Column(name="unit", label="unit"),
    Column(name="accepted_at", label="accepted at", kind="moment"),
    Column(name="state", label="proof", kind="word"),
    Column(name="digest", label="digest"),
)


#: what a signer's key is, by who checks it
_KEYS = {P256_VERIFIER: N_("P-256 key"), WEBAUTHN_VERIFIER: N_("passkey")}


def codes_of(tx: Connection) -> dict[int, str]:
    """What units are called, by number; nobody is a dash."""
    return {each.number: each.code for each in directory.list_units(tx, limit=_MOST)} | {0: "–"}


def show_units(asking: Asking) -> Mapping[str, object] | Response:
    """The units of the group, which every unit may know."""
    with asking.instance.database.reading() as tx:
        accepted = Accepted(tx)
        rows = []
        for each in directory.list_units(tx, limit=_MOST):
            state = accepted.find(UnitState, each.number)
            roles = () if state is None else [str(r.name).lower() for r in state.roles]
            rows.append(
                {
                    "number": each.number,
                    "code": each.code,
                    "name": each.name,
                    "roles": ", ".join(asking.words.say(role.replace("_", " ")) for role in roles),
                    "state": "closed" if state is None or state.is_closed else "open",
                    "link": f"/units/{each.number}",
                }
            )
    return _listed(listing(asking, _UNITS, rows), "unit-admission")


def show_unit(asking: Asking) -> Mapping[str, object]:
    """One unit, with the machines and signers that the reader may know."""
    number = asking.path("number")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 10  # noqa: PLR2004 - uint32
    with asking.instance.database.reading() as tx:
        row = directory.find_unit(tx, int(number)) if is_number else None
        if row is None:
            raise NotFound("there is no such unit", field="unit")
        is_readable = asking.may(*READS) and asking.caller.readable_unit in {None, row.number}
        machines = directory.list_equipment(tx, unit=row.number, limit=_MOST) if is_readable else []
        state = Accepted(tx).find(UnitState, row.number)
        contact = list_contacts(tx).get(row.number)
        subject = row.number.to_bytes(32, "big")
        acts = operations.list_by_subject(tx, subject, standing=True) if is_readable else []
    return {
        "title": f"{row.code} – {row.name}",
        "contact": contact,
        "may_contact": asking.may(Scope.ADMINISTER) and asking.caller.unit in {None, row.number},
        "unit": row,
        "state": state,
        "machines": machines,
        "acts": [(title_of(ACTS[each.kind]), each) for each in acts],
    }


def do_unit(asking: Asking) -> Response:
    """Whom to call there, in the place of what was said before."""
    instance, filled = asking.instance, asking.filled
    number = number_of(asking.path("number"))
    if number is None:
        raise NotFound("there is no such unit", field="unit")
    with instance.database.transaction() as tx:
        said = filled.get("office"), filled.get("telephone")
        set_contact(instance, tx, asking.caller, number, *said)
    return go_to(f"/units/{number}")


def show_machines(asking: Asking) -> Mapping[str, object] | Response:
    """The machines that the reader may know."""
    with asking.instance.database.reading() as tx:
        codes, accepted = codes_of(tx), Accepted(tx)
        rows = []
        unit = asking.caller.readable_unit
        for each in directory.list_equipment(tx, unit=unit, limit=_MOST):
            state = accepted.find(MachineState, each.id)
            rows.append(
                {
                    "name": each.name or each.serial,
                    "serial": each.serial,
                    "kind": each.kind.name.lower(),
                    "unit": codes[each.unit],
                    "state": None if state is None else state.state.name.lower(),
                    "epoch": None if state is None else state.epoch,
                    "link": f"/machines/{each.id.hex()}",
                }
            )
    return _listed(listing(asking, _MACHINES, rows, most=_MOST), "equipment-registration")


def show_assets(asking: Asking) -> Mapping[str, object] | Response:
    """The group's shared things: whose each is, who answers for it, and where it is."""
    with asking.instance.database.reading() as tx:
        codes, accepted = codes_of(tx), Accepted(tx)
        found = [
            (each, accepted.find(AssetState, each.id))
            for each in directory.list_assets(tx, limit=_MOST)
        ]
    rows = [
        {
            "name": row.name,
            "code": row.code,
            "kind": row.kind.name.lower(),
            "owner": codes.get(row.unit, str(row.unit)),
            "custodian": "–" if state is None else codes.get(state.custodian, "–"),
            "travels": "no" if state is None or not state.is_travelling else "yes",
            "state": None if state is None else state.state.name.lower(),
            "link": f"/assets/{row.id.hex()}",
        }
        for row, state in found
    ]
    return _listed(listing(asking, _ASSETS, rows, most=_MOST), "asset-registration")


def show_machine(asking: Asking) -> Mapping[str, object]:
    """One machine: what was registered, how it stands, what changed, and its newest cycles."""
    with asking.instance.database.reading() as tx:
        row = machine_of(tx, asking, asking.path("machine"))
        state = Accepted(tx).find(MachineState, row.id)
        acts = [
            (title_of(ACTS[each.kind]), each, _facts(tx, each))
            for each in operations.list_by_subject(tx, row.id, standing=True)
        ]
        codes = codes_of(tx)
    return {
        "title": row.name or row.serial,
        "machine": row,
        "state": state,
        "unit_code": codes[row.unit],
        "acts": acts,
    }


def _facts(tx: Connection, row: operations.OperationRow) -> dict[str, object]:
    """What a record says, of what is said at all."""
    facts = fields_from_bytes(records.get_record(tx, row.record_id).facts)
    return {name: value for name, value in facts.items() if value is not None}


def show_signers(asking: Asking) -> Mapping[str, object] | Response:
    """The keys that act, with who holds each; people's names only of one's own unit."""
    with asking.instance.database.reading() as tx:
        codes, verifiers = codes_of(tx), asking.instance.known_deployment(tx).verifiers
        unit = asking.caller.readable_unit
        rows = [
            {
                "name": _name(asking, each) or each.id.hex()[:12],
                "unit": codes.get(each.unit, str(each.unit)),
                "rights": ", ".join(
                    asking.words.say(word) for word in flag_words(Right, each.rights).split(", ")
                ),
                "custody": each.custody.name.lower(),
                "key": _KEYS.get(verifiers.get(each.signer[:20], ""), N_("account key")),
                "valid_until": each.valid_until or None,
                "state": "revoked" if _is_revoked(tx, each) else "valid",
                "link": f"/signers/{each.id.hex()}",
            }
            for each in directory.list_signers(tx, unit=unit, limit=_MOST)
        ]
    return _listed(listing(asking, _SIGNERS, rows, most=_MOST), "signer-enrolment")


def _name(asking: Asking, row: directory.SignerRow) -> str | None:
    return row.name if asking.caller.unit in {None, row.unit} else None


def _is_revoked(tx: Connection, row: directory.SignerRow) -> bool:
    state = Accepted(tx).find(SignerState, row.id)
    return state is not None and state.is_revoked


def show_signer(asking: Asking) -> Mapping[str, object]:
    """One key: whose, what it may do, who holds it."""
    with asking.instance.database.reading() as tx:
        row = directory.find_signer(
            tx,
            parse_hex32(asking.path("signer"), field="signer"),
            unit=asking.caller.readable_unit,
        )
        if row is None:
            raise NotFound("there is no such signer", field="signer")
        is_revoked, codes = _is_revoked(tx, row), codes_of(tx)
    return {
        "title": _name(asking, row) or row.id.hex()[:12],
        "signer": row,
        "name": _name(asking, row),
        "rights": flag_words(Right, row.rights).split(", "),
        "is_revoked": is_revoked,
        "unit_code": codes.get(row.unit, str(row.unit)),
    }


def show_operations(asking: Asking) -> Mapping[str, object] | Response:
    """What was recorded last, whatever it is about."""
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        rows = [
            {
                "what": title_of(ACTS[each.kind]),
                "unit": codes.get(each.unit, str(each.unit)),
                "accepted_at": each.accepted_at,
                "state": each.state.value,
                "digest": to_hex(each.digest)[:18],
                "link": f"/operations/{to_hex(each.digest)}",
            }
            for each in operations.list_latest_operations(
                tx, unit=asking.caller.readable_unit, limit=_MOST
            )
        ]
    return _listed(listing(asking, _OPERATIONS, rows, most=_MOST), "")


def show_operation(asking: Asking) -> Mapping[str, object]:
    """One record with its history, and where the chain holds it."""
    digest = parse_hex32(asking.path("digest"), field="digest")
    with asking.instance.database.reading() as tx:
        row = operations.find_operation(tx, digest, unit=asking.caller.readable_unit)
        if row is None:
            raise NotFound("there is no such record", field="digest")
        record = records.get_record(tx, row.record_id)
        history = operations.list_states(tx, row.digest)
        on_chain = index.find(tx, IndexedOperation, row.digest)
        facts = _facts(tx, row)
        act = find_act(row.kind)
        is_own = asking.caller.unit in {None, row.unit}
        personal = (
            fields_from_bytes(record.personal) if is_own and record.personal is not None else {}
        )
        codes = codes_of(tx)
        photos = links_of(tx, [to_hex(row.digest)]).get(to_hex(row.digest), [])
    return {
        "photos": photos,
        "title": title_of(act),
        "act": act,
        "row": row,
        "digest": to_hex(row.digest),
        "told": facts,
        "personal": {name: value for name, value in personal.items() if value is not None},
        "history": history,
        "on_chain": on_chain,
        "unit_code": codes.get(row.unit, str(row.unit)),
        "waits": row.state in {OperationState.OWED, OperationState.SENT, OperationState.MINED},
        "done": asking.recorded,
        "about": _about(row),
        "message": json.loads(row.message),
    }


def _about(row: operations.OperationRow) -> str:
    """The page of what an operation is about; empty where it has none."""
    act = ACTS[row.kind]
    if act.about == "unit":
        return f"/units/{int.from_bytes(row.subject)}"
    pages = {"cycle": "cycles", "equipment": "machines", "signer": "signers"}
    return f"/{pages[act.about]}/{row.subject.hex()}" if act.about in pages else ""


def _listed(found: object, act: str) -> Mapping[str, object] | Response:
    if isinstance(found, Response):
        return found
    return {"listing": found, "adds": act, "adds_scope": ACTS_BY_SPELLING.get(act)}


#: the scope of each act that a list adds with
ACTS_BY_SPELLING: Mapping[str, Scope] = {act.spelled: act.scope for act in ACTS.values()}


SCREENS = (
    Screen(
        path="/units",
        template="list.html",
        title=N_("Units"),
        show=show_units,
        menu=N_("Group"),
    ),
    Screen(
        path="/units/{number}", template="unit.html", title=N_("Unit"), show=show_unit, do=do_unit
    ),
    screen("/machines", N_("Machines"), "list.html", show_machines, menu=N_("Group")),
    screen("/machines/{machine}", N_("Machine"), "machine.html", show_machine),
    screen("/assets", N_("Assets"), "list.html", show_assets, menu=N_("Group")),
    screen("/signers", N_("Signers and keys"), "list.html", show_signers, menu=N_("Group")),
    screen("/signers/{signer}", N_("Signer"), "signer.html", show_signer),
    screen("/operations", N_("Records"), "list.html", show_operations, menu=N_("Offices")),
    screen("/operations/{digest}", N_("Record"), "operation.html", show_operation),
)
