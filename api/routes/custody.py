"""Consignments and assets: who has what, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRoute, asked_of
from api.documents import EVERYWHERE, problems_for
from api.fields import Hex32, Text
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.steps.answering.custody import (
    list_assets,
    list_consignments,
    show_asset,
    show_consignment,
)

router = APIRouter(prefix="/v1", tags=["custody"], route_class=LedgerRoute)

Question = Annotated[Asked, Depends(asked_of)]
ConsignmentPath = Annotated[
    Text, Path(description="the consignment's id, or giver/slip as they stand on the box")
]
AssetPath = Annotated[Text, Path(description="the asset's id, code or name")]


def _view(what: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {
            "description": what,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    }


@router.get(
    "/consignments", response_model=answers.Consignments, responses=problems_for(*EVERYWHERE)
)
def read_consignments(
    question: Question,
    open_only: Annotated[bool, Query(description="only what is not over")] = False,  # noqa: FBT002
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="a line's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The consignments that your unit has or had a part in, newest first."""
    with question.instance.database.reading() as tx:
        lines = list_consignments(
            tx, question.caller, open_only=open_only, before=before, limit=limit
        )
    return answers.give(answers.Consignments(consignments=[line.to_plain() for line in lines]))


@router.get(
    "/consignments/{consignment:path}",
    response_class=Response,
    responses=problems_for(*EVERYWHERE) | _view("the consignment"),
)
def read_consignment(consignment: ConsignmentPath, question: Question) -> Response:
    """One consignment: who has it, what became of each line, and every step.

    Who only carries it reads counts and seals; a step that the chain refused is marked as reported.
    """
    with question.instance.database.reading() as tx:
        view = show_consignment(tx, question.caller, consignment)
    return answers.give_plain(view.to_plain())


@router.get("/assets", response_model=answers.Assets, responses=problems_for(*EVERYWHERE))
def read_assets(
    question: Question,
    after: Annotated[Hex32 | None, Query(description="read on after this id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Response:
    """The assets that your unit owns or has, and those that are offered to all, by id."""
    start = None if after is None else parse_hex32(after, field="after")
    with question.instance.database.reading() as tx:
        views = list_assets(tx, question.caller, after=start, limit=limit)
    return answers.give(answers.Assets(assets=[view.to_plain() for view in views]))


@router.get(
    "/assets/{asset:path}",
    response_class=Response,
    responses=problems_for(*EVERYWHERE) | _view("the asset"),
)
def read_asset(asset: AssetPath, question: Question) -> Response:
    """One asset with every change of hands."""
    with question.instance.database.reading() as tx:
        view = show_asset(tx, question.caller, asset)
    return answers.give_plain(view.to_plain())
