"""People who sign in to the pages."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, local_caller, opened
from ledger.cli.printing import answer, print_pairs, print_table, say

account = typer.Typer(no_args_is_help=True, help="People who sign in to the pages.")

LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="What they sign in with.")]


@account.command("add")
def add(
    login: LoginArgument,
    person: Annotated[str, typer.Option(help="Their name, as records will have it.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="open, load, end, result, decide, scan, custody, answer, report, settle, "
            "read_unit, read_all, administer, authority; repeatable."
        ),
    ],
    which: Annotated[str, typer.Option("--unit", help="Unit number or code.")],
    signer: Annotated[
        str | None, typer.Option(help="The held key that signs for this person: name or id.")
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a person; prints the path of the link with which they choose password and codes."""
    from ledger.domain.acts.words import Right
    from ledger.domain.callers import Scope
    from ledger.domain.errors import InvalidInput
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit
    from ledger.steps.asking.accounts import create_account

    unknown = sorted(set(scope) - {known.value for known in Scope})
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)} is unknown",
            field="--scope",
            rule=f"one of {', '.join(known.value for known in Scope)}",
        )
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
            scopes=[Scope(each) for each in scope],
            signer=key,
        )
    plain = {"id": identifier, "login": login, "person": person, "unit": number, "link": link}
    answer(plain, as_json=as_json, human=lambda: print_pairs(plain.items()))


@account.command("list")
def list_all(*, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """List who may sign in."""
    from ledger.storage.accounts import list_accounts

    with opened(home) as instance, instance.database.reading() as tx:
        rows = [
            {
                "login": row.login,
                "person": row.person,
                "unit": row.unit,
                "scopes": row.scopes,
                "state": "ended" if row.ended_at else "active" if row.password else "invited",
            }
            for row in list_accounts(tx)
        ]
    columns = ["login", "person", "unit", "scopes", "state"]
    answer(
        rows, as_json=as_json, human=lambda: print_table(columns, [list(r.values()) for r in rows])
    )


@account.command("link")
def link(
    login: LoginArgument, *, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Print the path of a link that signs a person in for twelve hours, whoever opens it."""
    from ledger.domain.errors import NotFound
    from ledger.steps.asking.links import LinkPurpose, make_link
    from ledger.storage.accounts import find_account

    with opened(home) as instance, instance.database.transaction() as tx:
        row = find_account(tx, login=login)
        if row is None:
            raise NotFound(f"nobody signs in as {login!r}", field="LOGIN")
        path = make_link(instance, tx, LinkPurpose.SESSION, account=row.id)
    answer({"login": login, "link": path}, as_json=as_json, human=lambda: say(path))


@account.command("end")
def end(
    login: LoginArgument, *, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """End a person's account, and their sessions, at once."""
    from ledger.domain.errors import NotFound
    from ledger.steps.asking.accounts import end_account
    from ledger.storage.accounts import find_account

    with opened(home) as instance, instance.database.transaction() as tx:
        row = find_account(tx, login=login)
        if row is None:
            raise NotFound(f"nobody signs in as {login!r}", field="LOGIN")
        end_account(instance, tx, local_caller(), row.id)
    answer(
        {"login": login, "state": "ended"},
        as_json=as_json,
        human=lambda: say(f"{login} signs in no more."),
    )
