"""Units, signers and machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acting import act, circumstances
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    UnitOption,
    WaitOption,
    opened,
)
from ledger.cli.printing import answer, print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.domain.drafts import Draft
    from ledger.domain.operations import Duty, UnitRole
    from ledger.steps.instance import Instance

unit = typer.Typer(no_args_is_help=True, help="Units of the group.")
signer = typer.Typer(no_args_is_help=True, help="Keys that act for a unit.")
equipment = typer.Typer(no_args_is_help=True, help="Sterilizers and washer-disinfectors.")

AdministratorOption = Annotated[
    str | None,
    typer.Option("--administrator", help="Which administrator signs: name or id."),
]
_MOST = 10_000


@unit.command("admit")
def admit_unit(
    number: Annotated[int, typer.Argument(min=1, help="The unit's number in the group.")],
    code: Annotated[str, typer.Option(help="Short name, unique in the group.")],
    name: Annotated[str, typer.Option(help="Full name.")],
    role: Annotated[
        list[str],
        typer.Option(
            help="processor, user, carrier, supplier, external_processor, auditor; repeatable."
        ),
    ],
    administrator_name: Annotated[
        str | None, typer.Option(help="Who administers the unit.")
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Admit a unit with its first administrator, whose key this instance makes and holds.

    A unit that brings its own key is admitted through the API: prepare, sign, submit.
    """
    from ledger.domain.operations import Custody
    from ledger.domain.registry_acts import AdmitUnit, draft_unit_admission
    from ledger.steps.accepting.signing import make_held_key

    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:  # noqa: ARG001
            authority = instance.deployment_in(tx).authority
            request = AdmitUnit(
                number=number,
                code=code,
                name=name,
                roles=_roles(role),
                administrator=make_held_key(instance, tx, label=f"administrator of unit {number}"),
                administrator_name=administrator_name,
                custody=Custody.SERVER,
                circumstances=circumstances(),
            )
            return draft_unit_admission(request, authority=authority)

        act(instance, make, what=f"unit {number} ({code}) admitted", as_json=as_json, wait=wait)


@unit.command("close")
def close_unit(
    which: Annotated[str, typer.Argument(metavar="UNIT", help="Unit number or code.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Close a unit: its signers act no more, its history stays."""
    from ledger.domain.registry_acts import CloseUnit, draft_unit_closure
    from ledger.steps.accepting.resolving import resolve_unit

    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:  # noqa: ARG001
            request = CloseUnit(
                number=resolve_unit(tx, which).number, circumstances=circumstances(reason=reason)
            )
            return draft_unit_closure(request, authority=instance.deployment_in(tx).authority)

        act(instance, make, what=f"unit {which} closed", as_json=as_json, wait=wait)


@unit.command("list")
def list_units(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the units that were admitted here."""
    from ledger.steps.accepting.standing import find_unit_state
    from ledger.storage.directory import list_units as read_units

    with opened(home) as instance, instance.database.reading() as tx:
        rows = []
        for row in read_units(tx, limit=_MOST):
            state = find_unit_state(tx, row.number)
            closed = state is not None and state.is_closed
            rows.append(
                {
                    "number": row.number,
                    "code": row.code,
                    "name": row.name,
                    "state": "closed" if closed else "open",
                }
            )
    answer(
        rows,
        as_json=as_json,
        human=lambda: print_table(
            ["number", "code", "name", "state"], [list(r.values()) for r in rows]
        ),
    )


@signer.command("enrol")
def enrol_signer(
    name: Annotated[str, typer.Argument(help="How the unit names the person or station.")],
    which: UnitOption,
    duty: Annotated[
        list[str],
        typer.Option(
            help="administer, open, load, result, decide, dispatch, carry, receive, settle, "
            "erase; repeatable."
        ),
    ],
    valid_until: Annotated[
        str | None, typer.Option(help="Last moment, ISO 8601 with zone; none for no expiry.")
    ] = None,
    administrator: AdministratorOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Enrol a signer whose key this instance makes and holds.

    A key held by a station, a person's device or hardware is enrolled through the API, because it
    has to sign its own enrolment.
    """
    from ledger.domain.operations import Custody
    from ledger.domain.operations import Duty as DutyFlag
    from ledger.domain.registry_acts import EnrolSigner, draft_signer_enrolment
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit
    from ledger.steps.accepting.signing import make_held_key

    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            number = resolve_unit(tx, which).number
            signs = resolve_signer(tx, caller, number, DutyFlag.ADMINISTER, administrator)
            now = int(instance.clock().timestamp())
            request = EnrolSigner(
                unit=number,
                key=make_held_key(instance, tx, label=name),
                name=name,
                duties=_duties(duty),
                custody=Custody.SERVER,
                valid_from=now,
                valid_until=_moment(valid_until, field="--valid-until"),
                administrator=signs.signer,
                circumstances=circumstances(),
            )
            return draft_signer_enrolment(request)

        act(instance, make, what=f"{name} enrolled for unit {which}", as_json=as_json, wait=wait)


@signer.command("revoke")
def revoke_signer(
    name: Annotated[str, typer.Argument(metavar="SIGNER", help="Name or id.")],
    which: UnitOption,
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    administrator: AdministratorOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Revoke a signer, for ever; what it signed before stays."""
    from ledger.domain.operations import Duty as DutyFlag
    from ledger.domain.registry_acts import RevokeSigner, draft_signer_revocation
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit

    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            number = resolve_unit(tx, which).number
            found = resolve_signer(tx, caller, number, DutyFlag(0), name)
            signs = resolve_signer(tx, caller, number, DutyFlag.ADMINISTER, administrator)
            request = RevokeSigner(
                unit=number,
                signer=found.id,
                administrator=signs.signer,
                circumstances=circumstances(reason=reason),
            )
            return draft_signer_revocation(request)

        act(instance, make, what=f"{name} of unit {which} revoked", as_json=as_json, wait=wait)


@signer.command("list")
def list_signers(
    which: Annotated[str | None, typer.Option("--unit", help="Only this unit's.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List signers with their duties, who holds the key, and whether they still act."""
    with opened(home) as instance:
        rows = _signer_rows(instance, which)
    answer(
        rows,
        as_json=as_json,
        human=lambda: print_table(
            ["unit", "name", "duties", "key held by", "state", "id"],
            [[r["unit"], r["name"], r["duties"], r["custody"], r["state"], r["id"]] for r in rows],
        ),
    )


def _signer_rows(instance: Instance, which: str | None) -> list[dict[str, object]]:
    from ledger.domain.rules import duty_words
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.accepting.standing import find_signer_state
    from ledger.storage import directory

    now = int(instance.clock().timestamp())
    rows: list[dict[str, object]] = []
    with instance.database.reading() as tx:
        number = None if which is None else resolve_unit(tx, which).number
        for row in directory.list_signers(tx, unit=number, limit=_MOST):
            state = find_signer_state(tx, row.id)
            is_revoked = state is not None and state.revocation is not None
            is_expired = 0 < row.valid_until < now
            rows.append(
                {
                    "id": row.id.hex(),
                    "unit": row.unit,
                    "name": row.name,
                    "duties": duty_words(row.duties),
                    "custody": row.custody.name.lower(),
                    "state": "revoked" if is_revoked else "expired" if is_expired else "valid",
                    "key": "0x" + row.signer.hex(),
                }
            )
    return sorted(rows, key=lambda r: (r["unit"], r["name"] or ""))


@equipment.command("register")
def register_equipment(
    name: Annotated[str, typer.Argument(help="What the staff call it.")],
    which: UnitOption,
    serial: Annotated[str, typer.Option(help="The maker's serial number, as it prints it.")],
    model: Annotated[str | None, typer.Option(help="Maker and model.")] = None,
    kind: Annotated[str, typer.Option(help="sterilizer or washer_disinfector.")] = "sterilizer",
    epoch: Annotated[int, typer.Option(min=1, help="Counter epoch.")] = 1,
    clock_zone: Annotated[
        str | None, typer.Option(help="Zone of its clock, such as Asia/Shanghai.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile its cycles are judged against; see profile list.")
    ] = None,
    administrator: AdministratorOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Register a machine of a unit."""
    from ledger.domain.machines.profiles import get_profile
    from ledger.domain.operations import Duty as DutyFlag
    from ledger.domain.operations import EquipmentKind
    from ledger.domain.registry_acts import RegisterEquipment, draft_equipment_registration
    from ledger.readings import zone_named
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit

    if profile is not None:
        get_profile(profile)
    if clock_zone is not None:
        zone_named(clock_zone, field="--clock-zone")
    chosen = EquipmentKind[_one_of(kind, [k.name for k in EquipmentKind], field="--kind")]
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            number = resolve_unit(tx, which).number
            signs = resolve_signer(tx, caller, number, DutyFlag.ADMINISTER, administrator)
            request = RegisterEquipment(
                unit=number,
                name=name,
                model=model,
                serial=serial,
                kind=chosen,
                epoch=epoch,
                clock_zone=clock_zone,
                profile=profile,
                administrator=signs.signer,
                circumstances=circumstances(),
            )
            return draft_equipment_registration(request)

        act(instance, make, what=f"{name} registered", as_json=as_json, wait=wait)


@equipment.command("change")
def change_equipment(
    which: Annotated[str, typer.Argument(metavar="MACHINE", help="Name, serial number or id.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    state: Annotated[
        str | None, typer.Option(help="in_service, out_of_service or retired; none: as it is.")
    ] = None,
    epoch: Annotated[
        int | None, typer.Option(min=1, help="New counter epoch, when the counter was reset.")
    ] = None,
    administrator: AdministratorOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Take a machine out of service, put it back, or begin a new counter epoch."""
    from ledger.domain.errors import InvalidInput
    from ledger.domain.operations import Duty as DutyFlag
    from ledger.domain.operations import EquipmentState
    from ledger.domain.registry_acts import ChangeEquipment, draft_equipment_change
    from ledger.domain.rules import require_machine
    from ledger.steps.accepting.resolving import resolve_machine, resolve_signer
    from ledger.steps.accepting.standing import find_machine_state

    if state is None and epoch is None:
        raise InvalidInput("nothing changes", field="--state, --epoch", rule="name at least one")
    chosen = None
    if state is not None:
        chosen = EquipmentState[_one_of(state, [s.name for s in EquipmentState], field="--state")]
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            row = resolve_machine(tx, caller, which)
            machine = require_machine(find_machine_state(tx, row.id), unit=row.unit)
            signs = resolve_signer(tx, caller, row.unit, DutyFlag.ADMINISTER, administrator)
            request = ChangeEquipment(
                unit=row.unit,
                equipment=row.id,
                state=machine.state if chosen is None else chosen,
                epoch=machine.epoch if epoch is None else epoch,
                replaces=machine.current,
                administrator=signs.signer,
                circumstances=circumstances(reason=reason),
            )
            return draft_equipment_change(request)

        act(instance, make, what=f"{which} changed", as_json=as_json, wait=wait)


@equipment.command("list")
def list_equipment(
    which: Annotated[str | None, typer.Option("--unit", help="Only this unit's.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List machines with their state and counter epoch."""
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.accepting.standing import find_machine_state
    from ledger.storage import directory

    rows: list[dict[str, object]] = []
    with opened(home) as instance, instance.database.reading() as tx:
        number = None if which is None else resolve_unit(tx, which).number
        for row in directory.list_equipment(tx, unit=number, limit=_MOST):
            state = find_machine_state(tx, row.id)
            rows.append(
                {
                    "unit": row.unit,
                    "name": row.name,
                    "model": row.model,
                    "serial": row.serial,
                    "kind": row.kind.name.lower(),
                    "state": None if state is None else state.state.name.lower(),
                    "epoch": None if state is None else state.epoch,
                    "id": row.id.hex(),
                }
            )
    columns = ["unit", "name", "model", "serial", "kind", "state", "epoch", "id"]
    answer(
        rows,
        as_json=as_json,
        human=lambda: print_table(columns, [list(r.values()) for r in rows]),
    )


def _roles(words: list[str]) -> UnitRole:
    from ledger.domain.operations import UnitRole

    roles = UnitRole(0)
    for word in words:
        roles |= UnitRole[_one_of(word, [r.name for r in UnitRole if r.name], field="--role")]
    return roles


def _duties(words: list[str]) -> Duty:
    from ledger.domain.operations import Duty

    duties = Duty(0)
    for word in words:
        duties |= Duty[_one_of(word, [d.name for d in Duty if d.name], field="--duty")]
    return duties


def _one_of(word: str, names: list[str], *, field: str) -> str:
    from ledger.domain.errors import InvalidInput

    if word.upper() not in names:
        raise InvalidInput(
            f"{word!r} is unknown",
            field=field,
            rule=f"one of {', '.join(name.lower() for name in names)}",
        )
    return word.upper()


def _moment(text: str | None, *, field: str) -> int:
    from ledger.domain.errors import InvalidInput

    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(
            f"{text!r} is not a moment",
            field=field,
            rule="ISO 8601 with zone, such as 2027-01-31T18:00+01:00",
        )
    return int(moment.astimezone(UTC).timestamp())
