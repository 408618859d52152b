"""Evidence: a file that proves something recorded to someone who does not trust this server."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from api.access import LedgerRouter, Question
from api.fields import Text
from ledger.evidence.shape import SUBJECT_TYPES
from ledger.steps.answering.exporting import export_evidence, resolve_subject

router = LedgerRouter("/v1/evidence", tag="evidence")

_MOST_PATTERNS = 50


@router.read("/{type}/{subject:path}", "the evidence file")
def read_evidence(
    subject_type: Annotated[
        Text, Path(alias="type", description=f"one of {', '.join(SUBJECT_TYPES)}")
    ],
    subject: Annotated[
        Text,
        Path(description="its id; or machine/number, a machine's name, a unit's code"),
    ],
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
    """A file that proves it to someone who holds the deployment and a chain endpoint."""
    with question.instance.database.reading() as tx:
        about = resolve_subject(tx, question.caller, subject_type, subject)
        file = export_evidence(
            question.instance,
            tx,
            question.caller,
            about,
            disclose=disclose,
            attach_readings=readings,
        )
    name = f"{about.type}-{about.id.hex()[:16]}.evidence.json"
    return Response(
        content=file,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
