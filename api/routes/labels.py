"""Labels: serials reserved, labels sent to a printer, and what became of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from api import answers
from api.access import LedgerRouter, Question
from api.bodies import literal_of
from api.fields import Body, ShortText, SignerName, Text, UnitName
from api.routes.operations import DOOR
from api.routes.packages import UnitQuery, receipts_of, require_reading, told_of, unit_of
from ledger.domain.callers import Scope
from ledger.domain.custody.labelling import Symbol
from ledger.domain.custody.printing import MOST_OF_ROLL, TOLD, PrintState
from ledger.forms import papers
from ledger.steps.accepting import printing
from ledger.steps.accepting.meaning import meant
from ledger.steps.answering import packages as asking
from ledger.steps.answering.labelling import labels_sent

router = LedgerRouter("/v1/labels", tag="packages")

SymbolWord = literal_of((Symbol.DATAMATRIX.value, Symbol.QR.value))
StockWord = literal_of(("roll", "sheet"))
FormWord = literal_of(tuple(papers.MEDIA))
StateWord = literal_of(tuple(TOLD))
Packages = Annotated[list[Text], Field(min_length=1, max_length=1000)]


class RollBody(Body):
    """Serials that a unit keeps for outages."""

    unit: UnitName | None = None
    count: Annotated[int, Field(ge=1, le=MOST_OF_ROLL)] = 50
    for_paper: bool = Field(
        default=True, description="on paper; else they are proposed where something is packed"
    )


class PrintsBody(Body):
    """Labels that go to a printer now."""

    unit: UnitName | None = None
    packages: Packages
    again: bool = Field(
        default=False, description="a label is on each already, though it was printed elsewhere"
    )
    printer: ShortText | None = None


class ToldBody(Body):
    """What became of labels that were sent."""

    unit: UnitName | None = None
    packages: Packages
    state: StateWord  # type: ignore[valid-type]
    signer: SignerName | None = None
    performer: Text | None = None


@router.write("/rolls", "the roll")
def post_roll(body: RollBody, question: Question) -> Response:
    """Reserve a roll of serials, for paper and for labels that are printed beforehand."""
    question.caller.require_scope(Scope.SCAN)
    with question.instance.database.transaction() as tx:
        unit = unit_of(question, tx, body.unit)
        roll = printing.reserve(
            question.instance, tx, question.caller, unit, body.count, for_paper=body.for_paper
        )
    return answers.give_plain(roll.to_plain())


@router.read("/rolls", "rolls")
def read_rolls(question: Question, unit: UnitQuery = None) -> Response:
    """A unit's rolls, and which of their serials are used."""
    require_reading(question)
    with question.instance.database.reading() as tx:
        rolls = printing.list_rolls(tx, question.caller, unit_of(question, tx, unit))
    return answers.give_plain({"rolls": [each.to_plain() for each in rolls]})


@router.write("/prints", "the labels")
def post_prints(body: PrintsBody, question: Question) -> Response:
    """Say that labels go to a printer now: what is to be printed on each."""
    question.caller.require_scope(Scope.SCAN)
    with question.instance.database.transaction() as tx:
        prints = printing.sent(
            question.instance,
            tx,
            question.caller,
            unit_of(question, tx, body.unit),
            body.packages,
            again=body.again,
            printer=body.printer,
        )
    return answers.give_plain({"labels": [each.to_plain() for each in prints]})


@router.write("/prints/told", "labels")
def post_told(body: ToldBody, question: Question) -> Response:
    """Tell what became of labels that were sent, once; a reprint voids the label before."""
    question.caller.require_scope(Scope.SCAN)
    with question.instance.database.transaction() as tx:
        receipts, prints = printing.tell(
            question.instance,
            tx,
            question.caller,
            unit_of(question, tx, body.unit),
            PrintState(body.state),
            body.packages,
            DOOR,
            told_of(body),
        )
    labels = [each.to_plain() for each in prints]
    return answers.give_plain({"operations": receipts_of(receipts), "labels": labels})


@router.read("/prints", "the labels")
def read_prints(  # noqa: PLR0913, PLR0917 - whose, which, and how many
    question: Question,
    unit: UnitQuery = None,
    undecided: Annotated[bool, Query(description="only those that nobody decided")] = False,  # noqa: FBT002
    after: Annotated[str, Query(max_length=60, description="read on after this package")] = "",
    number: Annotated[int, Query(ge=0, le=2**31 - 1, description="and this printing of it")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The labels that a unit sent to printers, and what became of each."""
    require_reading(question)
    with question.instance.database.reading() as tx:
        prints = printing.list_prints(
            tx,
            question.caller,
            unit_of(question, tx, unit),
            open_only=undecided,
            after=(after, number),
            limit=limit,
        )
    return answers.give_plain({"labels": [each.to_plain() for each in prints]})


class DrawnBody(Body):
    """Labels that were sent, and how they are drawn."""

    unit: UnitName | None = None
    packages: Packages
    stock: StockWord = Field(  # type: ignore[valid-type]
        default="roll", description="a roll of 60 × 40 mm, or A4 sheets of 21"
    )
    form: FormWord = "pdf"  # type: ignore[valid-type]
    symbol: SymbolWord = Field(  # type: ignore[valid-type]
        default="datamatrix", description="of codes of our own scheme; GS1 has its own"
    )


@router.write("/drawn", {200: {"description": "the file"}})
def post_drawn(body: DrawnBody, question: Question) -> Response:
    """The labels of packages whose printing was sent, as PDF or ZPL; each code was read back."""
    question.caller.require_scope(Scope.SCAN)
    instance = question.instance
    with instance.database.reading() as tx:
        unit = unit_of(question, tx, body.unit)
        found = meant(tx, body.packages, unit_number=lambda text: asking.numbering(tx, text))
        names = [each.require(field=f"packages.{at}") for at, each in enumerate(found)]
        made = labels_sent(tx, question.caller, unit, names, Symbol(body.symbol))
    drawn = papers.file_of(
        papers.Labels(stock=body.stock, labels=made), body.form, instance.clock().date()
    )
    return Response(
        drawn,
        media_type=papers.MEDIA[body.form],
        headers={"Content-Disposition": f'attachment; filename="labels.{body.form}"'},
    )
