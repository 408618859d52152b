"""Access tokens for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ledger.cli.answering import Answer, Here, reads, rows_of, writes
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    OwnKeyOption,
    ScopesOption,
    opened,
    scopes_of,
)
from ledger.cli.printing import answer, print_pairs, say
from ledger.domain.errors import InvalidInput

token = typer.Typer(no_args_is_help=True, help="Access tokens for the API.")


@token.command("create")
def create(
    person: Annotated[str, typer.Option(help="Who will use it.")],
    scope: ScopesOption,
    which: Annotated[
        str | None, typer.Option("--unit", help="Unit number or code; only the authority has none.")
    ] = None,
    signer: OwnKeyOption = None,
    days: Annotated[int, typer.Option(min=1, max=730, help="How long it lasts.")] = 90,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make a token for one person at one unit; it is shown once and kept only as a hash."""
    from ledger.domain.acts.words import Right
    from ledger.domain.callers import local_administrator
    from ledger.steps.accepting.resolving import resolve_signer, resolve_unit
    from ledger.steps.asking.tokens import create_token

    scopes = scopes_of(scope)
    with opened(home) as instance, instance.database.transaction() as tx:
        number = None if which is None else resolve_unit(tx, which).number
        key = None
        if signer is not None:
            if number is None:
                raise InvalidInput("needs a unit", field="--signer", remedy="name it: --unit")
            key = resolve_signer(tx, local_administrator(person), number, Right(0), signer).id
        token_id, text = create_token(
            instance,
            tx,
            person=person,
            unit=number,
            scopes=frozenset(scopes),
            lifetime=timedelta(days=days),
            signer=key,
        )
    plain = {"id": token_id, "token": text, "person": person, "unit": number, "scopes": scope}

    def human() -> None:
        say("Write it down now: it is not shown again.")
        print_pairs(plain.items())

    answer(plain, as_json=as_json, human=human)


@token.command("list")
@reads
def list_all(here: Here) -> Answer:
    """List tokens: whose they are and whether they still hold, never what they are."""
    from ledger.storage.tokens import list_tokens

    now = here.instance.clock()
    rows = (
        {
            "id": row.id,
            "person": row.person,
            "unit": row.unit,
            "scopes": row.scopes,
            "expires": row.expires_at.isoformat(timespec="minutes"),
            "state": "revoked"
            if row.revoked_at
            else "expired"
            if row.expires_at <= now
            else "valid",
        }
        for row in list_tokens(here.tx, limit=10_000)
    )
    return rows_of(rows, "id", "person", "unit", "scopes", "expires", "state")


@token.command("revoke")
@writes
def revoke(
    here: Here,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As token list shows it.")],
) -> Answer:
    """End a token at once."""
    from ledger.storage.tokens import revoke_token

    revoke_token(here.tx, token_id, here.instance.clock())
    return Answer(
        {"id": token_id, "state": "revoked"}, lambda: say(f"Token {token_id} is revoked.")
    )
