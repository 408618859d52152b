"""A unit whose administrator lost the key: proposed, vetoed, or completed after seven days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acting import act, circumstances
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, WaitOption, opened
from ledger.cli.printing import answer, print_table
from ledger.cli.registry import AdministratorOption, unit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.domain.drafts import Draft


@unit.command("recover")
def recover(
    which: Annotated[str, typer.Argument(metavar="UNIT", help="Unit number or code.")],
    name: Annotated[str, typer.Option(help="Who will administer the unit.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Propose a new administrator, as the authority; this instance makes and holds the key.

    The unit's administrators may veto for seven days.  Then the worker completes it.  A key that is
    held elsewhere is proposed through the API: prepare, sign, submit.
    """
    from ledger.domain.operations import Custody
    from ledger.domain.registry_acts import ProposeRecovery, draft_recovery_proposal
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.accepting.signing import make_held_key

    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:  # noqa: ARG001
            request = ProposeRecovery(
                unit=resolve_unit(tx, which).number,
                key=make_held_key(instance, tx, label=name),
                name=name,
                custody=Custody.SERVER,
                circumstances=circumstances(reason=reason),
            )
            return draft_recovery_proposal(request, authority=instance.deployment_in(tx).authority)

        act(
            instance,
            make,
            what=f"{name} proposed to administer unit {which}; seven days for a veto",
            as_json=as_json,
            wait=wait,
        )


@unit.command("veto")
def veto(
    proposal: Annotated[str, typer.Argument(metavar="DIGEST", help="As unit recoveries shows it.")],
    reason: Annotated[str | None, typer.Option(help="Why, in words.")] = None,
    administrator: AdministratorOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Stop a recovery, as an administrator of the unit whose key is not lost."""
    from ledger.domain.encoding.identifiers import Digest, parse_hex32
    from ledger.domain.errors import NotFound
    from ledger.domain.operations import Duty
    from ledger.domain.registry_acts import VetoRecovery, draft_recovery_veto
    from ledger.steps.accepting.resolving import resolve_signer
    from ledger.storage.operations import find_operation

    digest = Digest(parse_hex32(proposal, field="DIGEST"))
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            row = find_operation(tx, digest)
            if row is None:
                raise NotFound(
                    "there is no such proposal",
                    field="DIGEST",
                    remedy="see: steriledger unit recoveries",
                )
            signs = resolve_signer(tx, caller, row.unit, Duty.ADMINISTER, administrator)
            request = VetoRecovery(
                unit=row.unit,
                proposal=digest,
                administrator=signs.signer,
                circumstances=circumstances(reason=reason),
            )
            return draft_recovery_veto(request)

        act(instance, make, what="recovery vetoed", as_json=as_json, wait=wait)


@unit.command("recoveries")
def list_all(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List the proposed recoveries on the chain, and until when each may be vetoed."""
    from ledger.steps.sending.recovering import list_recoveries

    with opened(home) as instance, instance.database.reading() as tx:
        rows = [
            {
                "unit": each.unit,
                "proposal": "0x" + each.proposal.hex(),
                "signer": each.signer.hex(),
                "veto_until": datetime.fromtimestamp(each.until, UTC).isoformat(),
                "state": each.standing.value,
            }
            for each in list_recoveries(tx, now=int(instance.clock().timestamp()))
        ]
    columns = ["unit", "proposal", "signer", "veto_until", "state"]
    answer(
        rows, as_json=as_json, human=lambda: print_table(columns, [list(r.values()) for r in rows])
    )
