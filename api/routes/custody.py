"""Consignments and assets: who has what, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from api import answers
from api.access import LedgerRouter, Question
from api.fields import Hex32, Text
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.steps.answering.custody import (
    list_assets,
    list_consignments,
    show_asset,
    show_consignment,
)

router = LedgerRouter("/v1", tag="custody")

ConsignmentPath = Annotated[
    Text, Path(description="the consignment's id, or giver/slip as they stand on the box")
]
AssetPath = Annotated[Text, Path(description="the asset's id, code or name")]


@router.read("/consignments", answers.Consignments)
def read_consignments(
    question: Question,
    open_only: Annotated[bool, Query(description="only what is not over")] = False,  # noqa: FBT002
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="a line's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The consignments that your unit has or had a part in, newest first."""
    lines = question.read(list_consignments, open_only=open_only, before=before, limit=limit)
    return answers.give(answers.Consignments(consignments=[line.to_plain() for line in lines]))


@router.read("/consignments/{consignment:path}", "the consignment")
def read_consignment(consignment: ConsignmentPath, question: Question) -> Response:
    """One consignment: who has it, what became of each line, and every step.

    Who only carries it reads counts and seals; a step that the chain refused is marked as reported.
    """
    return answers.give_view(question.read(show_consignment, consignment))


@router.read("/assets", answers.Assets)
def read_assets(
    question: Question,
    after: Annotated[Hex32 | None, Query(description="read on after this id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> Response:
    """The assets that your unit owns or has, and those that are offered to all, by id."""
    start = None if after is None else parse_hex32(after, field="after")
    views = question.read(list_assets, after=start, limit=limit)
    return answers.give(answers.Assets(assets=[view.to_plain() for view in views]))


@router.read("/assets/{asset:path}", "the asset")
def read_asset(asset: AssetPath, question: Question) -> Response:
    """One asset with every change of hands."""
    return answers.give_view(question.read(show_asset, asset))
