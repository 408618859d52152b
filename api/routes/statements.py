"""Statements: what was published, as every form of it, and what was said about it since."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import JSONResponse, Response

from api.access import LedgerRouter, Question
from api.documents import EVERYWHERE, problems_for
from api.fields import MAX_UINT32
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.statement.periods import parse_period
from ledger.forms.all_forms import FORMS, Account
from ledger.forms.sheets import Reader
from ledger.forms.words import Language
from ledger.steps.settling.published import (
    compute_published,
    get_published,
    list_published,
    said_since,
)
from ledger.storage import directory

router = LedgerRouter("/v1/statements", tag="statements")

PeriodPath = Annotated[str, Path(pattern="^2[0-9]{3}-[01][0-9]$", description="2026-11")]
_FILE: dict[int | str, dict[str, Any]] = {200: {"description": "the statement in that form"}}


@router.get("", responses=problems_for(*EVERYWHERE))
def list_statements(question: Question) -> Response:
    """The months whose accounts are published."""
    _ = question.caller.readable_unit
    with question.instance.database.reading() as tx:
        found = list_published(tx)
    rows = [
        {
            "period": str(each.period),
            "publication": to_hex(each.publication),
            "account": each.account.hex(),
        }
        for each in found
    ]
    return JSONResponse({"statements": rows})


@router.get("/{period}/said", responses=problems_for(*EVERYWHERE))
def read_said(period: PeriodPath, question: Question) -> Response:
    """The answers, what became of contests, and the payments, as they stand now."""
    _ = question.caller.readable_unit
    with question.instance.database.reading() as tx:
        published = get_published(tx, parse_period(period))
        said = said_since(tx, published)
    return JSONResponse({"publication": to_hex(published.publication), **said})


@router.read("/{period}", _FILE)
def read_statement(
    period: PeriodPath,
    question: Question,
    form: Annotated[str, Query(description=f"one of {', '.join(FORMS)}")] = "json",
    unit: Annotated[
        int | None, Query(ge=1, le=MAX_UINT32, description="whose; the group's when left out")
    ] = None,
    language: Annotated[Language, Query()] = Language.CHINESE,
) -> Response:
    """The account as it was published: the group's, or one unit's part of it.

    What is on the chain is everybody's in the group to read, so every unit may read all of it.
    """
    _ = question.caller.readable_unit
    if form not in FORMS:
        raise InvalidInput(
            f"{form[:40]!r} is unknown", field="form", rule=f"one of {', '.join(FORMS)}"
        )
    with question.instance.database.reading() as tx:
        published = get_published(tx, parse_period(period))
        computed = compute_published(question.instance, tx, published)
        numbers = {each["unit"] for each in computed.account["units"]}
        units = directory.list_numbered_units(tx, numbers)
    if unit is not None and unit not in numbers:
        raise NotFound(f"unit {unit} is in no account of {period}", field="unit")
    made = Account(account=computed.account, indicators=computed.indicators, data=computed.data)
    reader = Reader(
        language=language,
        unit=unit,
        names={row.number: row.code for row in units},
        full_names={row.number: row.name for row in units},
    )
    chosen = FORMS[form]
    name = f"{period}-{'group' if unit is None else f'unit-{unit}'}.{chosen.ending}"
    return Response(
        content=chosen.make(made, reader),
        media_type=chosen.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Account-Published": str(published.account == computed.hash).lower(),
        },
    )
