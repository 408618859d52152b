"""Packages: packed, scanned, traced and asked about; recalls ordered and looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRouter, Question
from api.bodies import literal_of
from api.fields import Body, Hex32, Moment, ShortText, SignerName, Text, UnitName
from api.routes.operations import DOOR
from ledger.domain.acts.recall_order import CAUSES
from ledger.domain.callers import Scope
from ledger.domain.custody.expiry import STORAGE_CLASSES
from ledger.domain.custody.gates import WORDS, Gate
from ledger.domain.custody.lines import BASES, SCANNED, Deed
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.steps.accepting.assembling import Assembly, assemble, get_definition
from ledger.steps.accepting.meaning import resolve_set
from ledger.steps.accepting.recalling import RecallRequest, end_recall, order_recall
from ledger.steps.accepting.scanning import Scan, look, report
from ledger.steps.accepting.submit import Receipt
from ledger.steps.answering import packages as asking
from ledger.steps.answering import recalls
from ledger.steps.answering.baskets import show_basket
from ledger.steps.reading.scan_lists import template

router = LedgerRouter("/v1", tag="packages")

PackageQuery = Annotated[
    Text, Query(description="UNIT/SERIAL such as centre/Q02, or a code as a scanner delivers it")
]
UnitQuery = Annotated[ShortText | None, Query(description="number or code; your own when left out")]
AtQuery = Annotated[Moment | None, Query(description="as it was then")]
KnownQuery = Annotated[
    int | None, Query(ge=0, le=2**63 - 1, description="as it was known after this sequence")
]
MOST_SCANS = 5000
ActWord = literal_of(SCANNED)
BasisWord = literal_of(BASES)
StorageWord = literal_of(STORAGE_CLASSES)
CauseWord = literal_of(CAUSES)
LanguageWord = literal_of(tuple(WORDS))


class ScanBody(Body):
    """One line of a scan."""

    act: ActWord  # type: ignore[valid-type]
    said: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="what the scanner delivered, or UNIT/SERIAL"
    )
    set: ShortText | None = None
    basis: BasisWord = "typed"  # type: ignore[valid-type]
    happened: Moment | None = None
    happened_text: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    performer: Text | None = None
    outcome: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    note: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    case: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    photo_sha256: Hex32 | None = None
    takes_back: Annotated[str, Field(min_length=3, max_length=72)] | None = None
    basket: Text | None = Field(
        default=None, description="the code of the basket or container that it is put into"
    )


class ScansBody(Body):
    """Lines of one unit, all or none of which are taken."""

    unit: UnitName | None = None
    signer: SignerName | None = None
    performer: Text | None = None
    lines: Annotated[list[ScanBody], Field(min_length=1, max_length=MOST_SCANS)]


class AssemblyBody(Body):
    """What was packed."""

    unit: UnitName | None = None
    serials: Annotated[list[ShortText], Field(min_length=1, max_length=1000)]
    set: ShortText | None = None
    material: ShortText | None = None
    storages: Annotated[
        list[StorageWord],  # type: ignore[valid-type]
        Field(min_length=1, max_length=2),
    ] = Field(default=list(STORAGE_CLASSES))
    expires: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None = None
    happened: Moment | None = None
    zone: ShortText = "UTC"
    lot: ShortText | None = Field(default=None, description="in the GS1 code of a set with a GTIN")
    signer: SignerName | None = None
    performer: Text | None = None


class RecallBody(Body):
    """A machine's range that is ordered back."""

    equipment: Text
    first: Annotated[int, Field(ge=1, le=2**53 - 1)]
    last: Annotated[int, Field(ge=1, le=2**53 - 1)]
    epoch: Annotated[int, Field(ge=1, le=2**32 - 1)] | None = None
    cause: CauseWord  # type: ignore[valid-type]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    is_mock: bool = Field(default=False, description="look at its reach, and change nothing")
    notifies: bool = Field(default=True, description="tell each holder at once")
    signer: SignerName | None = None
    performer: Text | None = None


class EndBody(Body):
    """The end of a recall."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    signer: SignerName | None = None


def unit_of(question: Asked, tx: Connection, named: int | str | None) -> int:
    """The unit that is named, or the caller's own; raises InvalidInput where nothing says which."""
    if named is not None:
        return asking.numbering(tx, str(named))
    if question.caller.unit is None:
        raise InvalidInput("is missing", field="unit", rule="the unit that acts, or its code")
    return question.caller.unit


def require_reading(question: Asked) -> None:
    """Raise Refused unless the caller may read anything."""
    _ = question.caller.readable_unit


def told_of(body: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a body of any route
    """How it came to be, as far as a body says so."""
    told = {name: getattr(body, name, None) for name in ("performer", "signer")}
    return {name: value for name, value in told.items() if value is not None}


def receipts_of(receipts: list[Receipt]) -> list[str]:
    """The digests of what was accepted."""
    return [to_hex(each.digest) for each in receipts]


# ---------------------------------------------------------------- telling


@router.write("/scans", "what it did")
def post_scans(
    body: ScansBody,
    question: Question,
    preview: Annotated[bool, Query(description="say what it will do, and do nothing")] = False,  # noqa: FBT002
) -> Response:
    """Report what was done with packages; the answer says line by line what is wrong with it."""
    question.caller.require_scope(Scope.SCAN)
    scans = [
        Scan(**{**each.model_dump(exclude_unset=True), "act": Deed(each.act)}, line=number)
        for number, each in enumerate(body.lines, 1)
    ]
    instance, caller = question.instance, question.caller
    if preview:
        with instance.database.reading() as tx:
            unit = unit_of(question, tx, body.unit)
            caller.require_unit(unit)
            looks = look(instance, tx, unit, scans)
        return answers.give_plain({"operations": [], "lines": [each.to_plain() for each in looks]})
    with instance.database.transaction() as tx:
        unit = unit_of(question, tx, body.unit)
        receipts, looks = report(instance, tx, caller, unit, scans, DOOR, told_of(body))
    lines = [each.to_plain() for each in looks]
    return answers.give_plain({"operations": receipts_of(receipts), "lines": lines})


@router.read("/scans/paper-form", {})
def read_paper_form(question: Question) -> Response:  # noqa: ARG001 - asked for by its holder only
    """The columns of the paper log, as a CSV to fill in."""
    return Response(template(), media_type="text/csv")


@router.write("/packages", "packages")
def post_packages(body: AssemblyBody, question: Question) -> Response:
    """Pack sets, and label each package with a code of ours."""
    question.caller.require_scope(Scope.SCAN)
    packed = Assembly(
        set=body.set,
        serials=body.serials,
        material=body.material,
        storages=tuple(body.storages),
        expires=body.expires,
        happened=body.happened,
        zone=body.zone,
        lot=body.lot,
    )
    with question.instance.database.transaction() as tx:
        unit = unit_of(question, tx, body.unit)
        receipts, made = assemble(
            question.instance, tx, question.caller, unit, packed, DOOR, told_of(body)
        )
    packages = [each.to_plain() for each in made]
    return answers.give_plain({"operations": receipts_of(receipts), "packages": packages})


# ---------------------------------------------------------------- asking


@router.read("/trace", "its story")
def read_trace(
    package: PackageQuery, question: Question, at: AtQuery = None, known: KnownQuery = None
) -> Response:
    """A package's whole story, as far as you may read it."""
    return answers.give_view(question.read(asking.trace, package, at=_seconds(at), known=known))


@router.read("/where", "where it is")
def read_where(package: PackageQuery, question: Question) -> Response:
    """Where a package is, how it stands, and how sure that is."""
    return answers.give_view(question.read(asking.where, package))


@router.read("/baskets", "its content")
def read_basket(
    basket: Annotated[Text, Query(description="its code, as a scanner delivers it")],
    question: Question,
    at: AtQuery = None,
    known: KnownQuery = None,
) -> Response:
    """What lies in a basket or container, or lay in it, as far as you may read it."""
    require_reading(question)
    view = question.read(show_basket, basket, at=_seconds(at), known=known)
    return answers.give_plain(view.to_plain())


@router.read("/gate", "the answer")
def read_gate(  # noqa: PLR0913, PLR0917 - who asks what of which package
    gate: Annotated[Gate, Query(description="what is to be done with it")],
    question: Question,
    package: Annotated[str | None, Query(max_length=200, description="name or code")] = None,
    cycle: Annotated[
        Text | None, Query(description="in place of a package that is only counted")
    ] = None,
    unit: UnitQuery = None,
    language: Annotated[LanguageWord, Query()] = "en",  # type: ignore[valid-type]
) -> Response:
    """Whether a unit may do that with it now: yes, no with reasons, or cannot know."""
    require_reading(question)
    with question.instance.database.reading() as tx:
        if cycle is not None:
            counted = asking.gate_counted(tx, question.caller, gate, cycle)
            return answers.give_plain(counted.to_plain(language))
        if package is None:
            raise InvalidInput("is missing", field="package", rule="a package, or a cycle")
        number = unit_of(question, tx, unit)
        answer = asking.gate(question.instance, tx, question.caller, gate, package, unit=number)
    return answers.give_plain(answer.to_plain(language))


@router.read("/holdings", "holdings")
def read_holdings(  # noqa: PLR0913, PLR0917 - whose, when, and how much of it
    question: Question,
    unit: UnitQuery = None,
    at: AtQuery = None,
    known: KnownQuery = None,
    after: Annotated[str, Query(max_length=60, description="read on after this package")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What a unit has, or had at a moment, as known now or as known then."""
    require_reading(question)
    with question.instance.database.reading() as tx:
        found = asking.holdings(
            question.instance,
            tx,
            question.caller,
            unit_of(question, tx, unit),
            at=_seconds(at),
            known=known,
            after=after,
            limit=limit,
        )
    return answers.give_plain(found.to_plain())


@router.read("/against", "the list")
def read_against(
    question: Question,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What was done against a gate, newest first, with what it said and why."""
    lines = question.read(asking.list_against, before=before, limit=limit)
    return answers.give_plain({"lines": [each.to_plain() for each in lines]})


@router.read("/sets", "its sheet")
def read_set(
    name: Annotated[Text, Query(alias="set", description="UNIT/NAME")], question: Question
) -> Response:
    """A set's newest count sheet."""
    require_reading(question)
    with question.instance.database.reading() as tx:
        wanted = resolve_set(
            name, question.caller.unit, unit_number=lambda text: asking.numbering(tx, text)
        )
        facts = get_definition(tx, wanted)
    return answers.give_plain(dict(facts))


# ---------------------------------------------------------------- recalls


@router.write("/recalls", "its reach")
def post_recall(body: RecallBody, question: Question) -> Response:
    """Order a range back in one call: the order, a decision for each cycle, a notice a holder."""
    question.caller.require_scope(Scope.DECIDE)
    request = RecallRequest(**body.model_dump(include=set(RecallRequest.__dataclass_fields__)))
    with question.instance.database.transaction() as tx:
        done = order_recall(question.instance, tx, question.caller, request, DOOR, told_of(body))
    decided = {str(number): what for number, what in done.decided.items()}
    return answers.give_plain({**done.view.to_plain(), "decided": decided, "notices": done.notices})


@router.read("/recalls", "recalls")
def read_recalls(
    question: Question,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    """The recalls that concern you, newest first; read on with `before` the last one's cursor."""
    require_reading(question)
    views = question.read(recalls.list_recalls, before=before, limit=limit)
    return answers.give_plain({"recalls": [view.to_plain() for view in views]})


@router.read("/recalls/{order}", "the recall")
def read_recall(order: Hex32, question: Question) -> Response:
    """A recall: its reach by holder, who was reached, and what was found of how many."""
    return answers.give_view(question.read(recalls.show_recall, order))


@router.write("/recalls/{order}/end", "the recall")
def post_end(order: Hex32, body: EndBody, question: Question) -> Response:
    """End a recall with what was found, of how many; its cycles stay recalled."""
    question.caller.require_scope(Scope.DECIDE)
    with question.instance.database.transaction() as tx:
        _, view = end_recall(
            question.instance, tx, question.caller, order, body.reason, DOOR, told_of(body)
        )
    return answers.give_plain(view.to_plain())


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
