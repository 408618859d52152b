"""Findings: which duties were done; never fault, never cause."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRouter, Question
from api.fields import Moment, Text
from ledger.domain.duties.reading import ASKED
from ledger.steps.answering.duties import Findings, find_duties
from ledger.steps.answering.signed import list_signed

router = LedgerRouter("/v1/findings", tag="findings")

Kind = Annotated[Text, Path(alias="kind", description=f"one of {', '.join(ASKED)}")]
Subject = Annotated[
    Text,
    Path(
        description="a package or asset by its name or code, machine/number, giver/slip, or an id"
    ),
]
AsOf = Annotated[
    Moment | None, Query(description="the moment for which it holds; now when left out")
]
Then = Annotated[Moment | None, Query(description="beside it what was known then")]
Block = Annotated[
    int | None,
    Query(ge=0, le=2**53, description="nothing later is in it: what was computed then, again"),
]


def _find(question: Asked, kind: str, subject: str, **how: Any) -> Findings:  # noqa: ANN401
    with question.instance.database.reading() as tx:
        return find_duties(question.instance, tx, question.caller, kind, subject, **how)


@router.read("/signed/{signer}", "the answer")
def read_signed(
    signer: Annotated[Text, Path(description="the signer's id")],
    question: Question,
    since: Annotated[Moment, Query(description="from when")],
    until: Annotated[Moment, Query(description="until when")],
) -> Response:
    """What a key signed in a window, and how sure it is who that was."""
    lines = question.read(list_signed, signer, since=since, until=until)
    return answers.give_plain({"signed": [line.to_plain() for line in lines]})


@router.read("/{kind}/file/{subject:path}", "the answer")
def read_findings_file(  # noqa: PLR0913, PLR0917 - what is asked, and for which moment
    kind: Kind,
    subject: Subject,
    question: Question,
    as_of: AsOf = None,
    then: Then = None,
    block: Block = None,
) -> Response:
    """The file that reproduces the answer: steriledger findings verify FILE."""
    found = _find(question, kind, subject, as_of=as_of, then=then, block=block, is_proven=True)
    name = f"{kind}.findings.json"
    return Response(
        content=found.file,
        media_type="application/json",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            # what a Findings statement sends back
            "Answer-SHA256": found.sha256,
        },
    )


@router.read("/{kind}/{subject:path}", "the answer")
def read_findings(  # noqa: PLR0913, PLR0917 - what is asked, and for which moment
    kind: Kind,
    subject: Subject,
    question: Question,
    as_of: AsOf = None,
    then: Then = None,
    block: Block = None,
) -> Response:
    """Every duty that applied, who held it, and whether it was met."""
    found = _find(question, kind, subject, as_of=as_of, then=then, block=block)
    return answers.give_plain({**found.answer, "pending": list(found.pending)})
