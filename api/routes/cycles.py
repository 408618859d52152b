"""Cycles: what was recorded of each, and the file that proves it elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRoute, asked_of
from api.documents import EVERYWHERE, problems_for
from api.fields import Text
from ledger.steps.accepting.resolving import resolve_cycle
from ledger.steps.answering.exporting import export_evidence
from ledger.steps.answering.showing import list_cycles, show_cycle

router = APIRouter(prefix="/v1/cycles", tags=["cycles"], route_class=LedgerRoute)

Question = Annotated[Asked, Depends(asked_of)]
CyclePath = Annotated[
    Text, Path(description="the cycle's id, or machine/number, or machine/epoch/number")
]

_MOST_PATTERNS = 50
_VIEW: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the cycle",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the evidence file",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get("", response_model=answers.Cycles, responses=problems_for(*EVERYWHERE))
def read_cycles(
    question: Question,
    equipment: Annotated[
        Text | None, Query(description="one machine's: id, serial number or name")
    ] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="a line's cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The cycles that you may read, newest first."""
    with question.instance.database.reading() as tx:
        lines = list_cycles(tx, question.caller, equipment=equipment, before=before, limit=limit)
    return answers.give(answers.Cycles(cycles=[line.to_plain() for line in lines]))


@router.get(
    "/{cycle:path}/evidence",
    response_class=Response,
    responses=problems_for(*EVERYWHERE) | _FILE,
)
def read_evidence(
    cycle: CyclePath,
    question: Question,
    disclose: Annotated[
        list[Text] | None,
        Query(
            max_length=_MOST_PATTERNS,
            description="[schema:][personal:]path; every fact and no person when left out",
        ),
    ] = None,
    *,
    readings: Annotated[bool, Query(description="true: with the raw readings")] = False,
) -> Response:
    """A file that proves the cycle to someone who holds the deployment and a chain endpoint.

    Personal fields and raw readings, which may name people, only the unit itself shows.
    """
    with question.instance.database.reading() as tx:
        row = resolve_cycle(tx, question.caller, cycle)
        file = export_evidence(
            question.instance,
            tx,
            question.caller,
            cycle,
            disclose=disclose,
            attach_readings=readings,
        )
    name = f"cycle-{row.number}-{row.id.hex()[:16]}.evidence.json"
    return Response(
        content=file,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{cycle:path}", response_class=Response, responses=problems_for(*EVERYWHERE) | _VIEW)
def read_cycle(cycle: CyclePath, question: Question) -> Response:
    """One cycle: three verdicts that are never mixed, the digests to judge, and what happened."""
    with question.instance.database.reading() as tx:
        view = show_cycle(tx, question.caller, cycle)
    return answers.give_plain(view.to_plain())
