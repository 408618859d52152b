"""Units, signers, machines and recoveries, listed; what is recorded of them are acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, local_caller, opened
from ledger.cli.printing import answer, print_pairs, print_table

if TYPE_CHECKING:
    from ledger.steps.instance import Instance

unit = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Units of the group.")
signer = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Keys that act for a unit.")
equipment = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="Sterilizers and washer-disinfectors."
)

_MOST = 10_000


@unit.command("list")
def list_units(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the units that were admitted here."""
    from ledger.domain.subjects.states import UnitState
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage.directory import list_units as read_units

    with opened(home) as instance, instance.database.reading() as tx:
        rows = []
        for row in read_units(tx, limit=_MOST):
            state = Accepted(tx).find(UnitState, row.number)
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


@unit.command("contact")
def say_contact(
    which: Annotated[str, typer.Argument(metavar="UNIT", help="Number or code.")],
    office: Annotated[str, typer.Option(help="The office that answers; no person.")] = "",
    telephone: Annotated[str, typer.Option(help="Its number; both left out: nobody.")] = "",
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Say whom to call at a unit: it stands on recall lists, and in no record."""
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.asking.contacts import set_contact

    with opened(home) as instance, instance.database.transaction() as tx:
        number = resolve_unit(tx, which).number
        set_contact(instance, tx, local_caller(), number, office.strip(), telephone.strip())
    plain = {"unit": number, "office": office.strip(), "telephone": telephone.strip()}
    answer(plain, as_json=as_json, human=lambda: print_pairs(list(plain.items())))


@unit.command("recoveries")
def list_recoveries(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the proposed recoveries on the chain, and until when each may be vetoed."""
    from ledger.steps.sending.recovering import list_recoveries as read_recoveries

    with opened(home) as instance, instance.database.reading() as tx:
        rows = [
            {
                "unit": each.unit,
                "proposal": "0x" + each.proposal.hex(),
                "signer": each.signer.hex(),
                "veto_until": datetime.fromtimestamp(each.until, UTC).isoformat(),
                "state": each.standing.value,
            }
            for each in read_recoveries(tx, now=int(instance.clock().timestamp()))
        ]
    columns = ["unit", "proposal", "signer", "veto_until", "state"]
    answer(
        rows, as_json=as_json, human=lambda: print_table(columns, [list(r.values()) for r in rows])
    )


@signer.command("list")
def list_signers(
    which: Annotated[str | None, typer.Option("--unit", help="Only this unit's.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List signers with their rights, who holds the key, and whether they still act."""
    with opened(home) as instance:
        rows = _signer_rows(instance, which)
    answer(
        rows,
        as_json=as_json,
        human=lambda: print_table(
            ["unit", "name", "rights", "key held by", "state", "id"],
            [[r["unit"], r["name"], r["rights"], r["custody"], r["state"], r["id"]] for r in rows],
        ),
    )


def _signer_rows(instance: Instance, which: str | None) -> list[dict[str, object]]:
    from ledger.domain.acts.vocabulary import flag_words
    from ledger.domain.acts.words import Right
    from ledger.domain.subjects.states import SignerState
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage import directory

    now = int(instance.clock().timestamp())
    rows: list[dict[str, object]] = []
    with instance.database.reading() as tx:
        number = None if which is None else resolve_unit(tx, which).number
        for row in directory.list_signers(tx, unit=number, limit=_MOST):
            state = Accepted(tx).find(SignerState, row.id)
            is_revoked = state is not None and state.is_revoked
            is_expired = 0 < row.valid_until < now
            rows.append(
                {
                    "id": row.id.hex(),
                    "unit": row.unit,
                    "name": row.name,
                    "rights": flag_words(Right, row.rights),
                    "custody": row.custody.name.lower(),
                    "state": "revoked" if is_revoked else "expired" if is_expired else "valid",
                    "key": "0x" + row.signer.hex(),
                }
            )
    return sorted(rows, key=lambda r: (r["unit"], r["name"] or ""))


@equipment.command("list")
def list_equipment(
    which: Annotated[str | None, typer.Option("--unit", help="Only this unit's.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List machines with their state and counter epoch."""
    from ledger.domain.subjects.states import MachineState
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage import directory

    rows: list[dict[str, object]] = []
    with opened(home) as instance, instance.database.reading() as tx:
        number = None if which is None else resolve_unit(tx, which).number
        for row in directory.list_equipment(tx, unit=number, limit=_MOST):
            state = Accepted(tx).find(MachineState, row.id)
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
