"""Cycles: what was recorded of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from api import answers
from api.access import LedgerRouter, Question
from api.fields import Text
from ledger.steps.answering.showing import list_cycles, show_cycle

router = LedgerRouter("/v1/cycles", tag="cycles")

CyclePath = Annotated[
    Text, Path(description="the cycle's id, or machine/number, or machine/epoch/number")
]


@router.read("", answers.Cycles)
def read_cycles(
    question: Question,
    equipment: Annotated[
        Text | None, Query(description="one machine's: id, serial number or name")
    ] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="a line's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The cycles that you may read, newest first."""
    lines = question.read(list_cycles, equipment=equipment, before=before, limit=limit)
    return answers.give(answers.Cycles(cycles=[line.to_plain() for line in lines]))


@router.read("/{cycle:path}", "the cycle")
def read_cycle(cycle: CyclePath, question: Question) -> Response:
    """One cycle: three verdicts that are never mixed, the digests to judge, and what happened."""
    return answers.give_view(question.read(show_cycle, cycle))
