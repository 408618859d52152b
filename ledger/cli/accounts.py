"""People who sign in to the pages."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.answering import Answer, Here, reads, rows_of, writes
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    OwnKeyOption,
    ScopesOption,
    local_caller,
    opened,
    scopes_of,
)
from ledger.cli.printing import answer, print_pairs, say
from ledger.domain.errors import NotFound

account = typer.Typer(no_args_is_help=True, help="People who sign in to the pages.")

LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="What they sign in with.")]


@account.command("add")
def add(
    login: LoginArgument,
    person: Annotated[str, typer.Option(help="Their name, as records will have it.")],
    scope: ScopesOption,
    which: Annotated[str, typer.Option("--unit", help="Unit number or code.")],
    signer: OwnKeyOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a person; prints the path of the link with which they choose password and codes."""
    from ledger.domain.acts.words import Right
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit
    from ledger.steps.asking.accounts import create_account

    scopes = scopes_of(scope)
    caller = local_caller()
    with opened(home) as instance, instance.database.transaction() as tx:
        number = resolve_unit(tx, which).number
        key = None if signer is None else resolve_signer(tx, caller, number, Right(0), signer).id
        identifier, link = create_account(
            instance,
            tx,
            caller,
            login=login,
            person=person,
            unit=number,
            scopes=scopes,
            signer=key,
        )
    plain = {"id": identifier, "login": login, "person": person, "unit": number, "link": link}
    answer(plain, as_json=as_json, human=lambda: print_pairs(plain.items()))


@account.command("list")
@reads
def list_all(here: Here) -> Answer:
    """List who may sign in."""
    from ledger.storage.accounts import list_accounts

    rows = (
        {
            "login": row.login,
            "person": row.person,
            "unit": row.unit,
            "scopes": row.scopes,
            "state": "ended" if row.ended_at else "active" if row.password else "invited",
        }
        for row in list_accounts(here.tx)
    )
    return rows_of(rows, "login", "person", "unit", "scopes", "state")


def _account_id(here: Here, login: str) -> str:
    """Of whoever signs in so; raises NotFound."""
    from ledger.storage.accounts import find_account

    row = find_account(here.tx, login=login)
    if row is None:
        raise NotFound(f"nobody signs in as {login!r}", field="LOGIN")
    return row.id


@account.command("link")
@writes
def link(here: Here, login: LoginArgument) -> Answer:
    """Print the path of a link that signs a person in for twelve hours, whoever opens it."""
    from ledger.steps.asking.links import LinkPurpose, make_link

    path = make_link(here.instance, here.tx, LinkPurpose.SESSION, account=_account_id(here, login))
    return Answer({"login": login, "link": path}, lambda: say(path))


@account.command("end")
@writes
def end(here: Here, login: LoginArgument) -> Answer:
    """End a person's account, and their sessions, at once."""
    from ledger.steps.asking.accounts import end_account

    end_account(here.instance, here.tx, here.caller, _account_id(here, login))
    return Answer({"login": login, "state": "ended"}, lambda: say(f"{login} signs in no more."))
