"""Units, signers, machines and recoveries, listed; what is recorded of them are acts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads, rows_of, writes
from ledger.cli.printing import print_pairs, print_table

unit = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Units of the group.")
signer = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Keys that act for a unit.")
equipment = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="Sterilizers and washer-disinfectors."
)

OfUnitOption = Annotated[str | None, typer.Option("--unit", help="Only this unit's.")]
_MOST = 10_000


@unit.command("list")
@reads
def list_units(here: Here) -> Answer:
    """List the units that were admitted here."""
    from ledger.domain.subjects.states import UnitState
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage.directory import list_units as read_units

    rows = []
    for row in read_units(here.tx, limit=_MOST):
        state = Accepted(here.tx).find(UnitState, row.number)
        closed = state is not None and state.is_closed
        rows.append(
            {
                "number": row.number,
                "code": row.code,
                "name": row.name,
                "state": "closed" if closed else "open",
            }
        )
    return rows_of(rows, "number", "code", "name", "state")


@unit.command("contact")
@writes
def say_contact(
    here: Here,
    which: Annotated[str, typer.Argument(metavar="UNIT", help="Number or code.")],
    office: Annotated[str, typer.Option(help="The office that answers; no person.")] = "",
    telephone: Annotated[str, typer.Option(help="Its number; both left out: nobody.")] = "",
) -> Answer:
    """Say whom to call at a unit: it stands on recall lists, and in no record."""
    from ledger.steps.asking.contacts import set_contact

    number = here.number_of(which)
    told = {"office": office.strip(), "telephone": telephone.strip()}
    set_contact(here.instance, here.tx, here.caller, number, *told.values())
    plain = {"unit": number, **told}
    return Answer(plain, lambda: print_pairs(plain.items()))


@unit.command("recoveries")
@reads
def list_recoveries(here: Here) -> Answer:
    """List the proposed recoveries on the chain, and until when each may be vetoed."""
    from ledger.steps.sending.recovering import list_recoveries as read_recoveries

    rows = (
        {
            "unit": each.unit,
            "proposal": "0x" + each.proposal.hex(),
            "signer": each.signer.hex(),
            "veto_until": datetime.fromtimestamp(each.until, UTC).isoformat(),
            "state": each.standing.value,
        }
        for each in read_recoveries(here.tx, now=int(here.instance.clock().timestamp()))
    )
    return rows_of(rows, "unit", "proposal", "signer", "veto_until", "state")


@signer.command("list")
@reads
def list_signers(here: Here, which: OfUnitOption = None) -> Answer:
    """List signers with their rights, who holds the key, and whether they still act."""
    from ledger.domain.acts.vocabulary import flag_words
    from ledger.domain.acts.words import Right
    from ledger.domain.subjects.states import SignerState
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage import directory

    now = int(here.instance.clock().timestamp())
    rows: list[dict[str, Any]] = []
    number = None if which is None else here.number_of(which)
    for row in directory.list_signers(here.tx, unit=number, limit=_MOST):
        state = Accepted(here.tx).find(SignerState, row.id)
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
    rows.sort(key=lambda r: (r["unit"], r["name"] or ""))
    shown = ("unit", "name", "rights", "custody", "state", "id")
    return Answer(
        rows,
        lambda: print_table(
            ["unit", "name", "rights", "key held by", "state", "id"],
            [[r[name] for name in shown] for r in rows],
        ),
    )


@equipment.command("list")
@reads
def list_equipment(here: Here, which: OfUnitOption = None) -> Answer:
    """List machines with their state and counter epoch."""
    from ledger.domain.subjects.states import MachineState
    from ledger.steps.accepting.standing import Accepted
    from ledger.storage import directory

    rows = []
    number = None if which is None else here.number_of(which)
    for row in directory.list_equipment(here.tx, unit=number, limit=_MOST):
        state = Accepted(here.tx).find(MachineState, row.id)
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
    return rows_of(rows, "unit", "name", "model", "serial", "kind", "state", "epoch", "id")
