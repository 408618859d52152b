"""Printouts: kept as they came, read, and their cycles recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Header, Path, Query
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRouter, Question, raw_body, require_media, upload_of
from api.fields import Hex32, ShortText, SignerName, Text
from api.routes.operations import Named
from ledger.domain.callers import Scope
from ledger.domain.drafts import People
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.readings import read_file, zone_named
from ledger.steps.asking.idempotency import Answer, NamedRequest, answer_once, find_answer, finish
from ledger.steps.reading.imports import (
    Import,
    ImportedCycle,
    ImportOptions,
    ImportReport,
    import_file,
    keep_reading,
)
from ledger.storage import readings

router = LedgerRouter("/v1/readings", tag="readings")

ShaPath = Annotated[Hex32, Path(description="SHA-256 of the file")]

_MEDIA = frozenset({"text/plain", "text/csv", "application/octet-stream"})
_LONGEST_NAME = 200


async def file_name(
    request: Request,
    filename: Annotated[str | None, Query(max_length=_LONGEST_NAME)] = None,
    x_filename: Annotated[
        str | None, Header(max_length=3 * _LONGEST_NAME, description="percent-encoded UTF-8")
    ] = None,
) -> str:
    """What the file is called where it comes from."""
    require_media(request, _MEDIA, "is no printout")
    name = filename if filename is not None else unquote(x_filename or "upload")
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            "is not a name",
            field="filename",
            rule=f"1 to {_LONGEST_NAME} printable characters",
        )
    return name


async def options_of(  # noqa: PLR0913, PLR0917 - what the framework reads from a request
    question: Question,
    zone: Annotated[
        ShortText | None, Query(description="of the machine's clock; else as registered")
    ] = None,
    profile: Annotated[
        ShortText | None, Query(description="to judge against; else as registered")
    ] = None,
    ambient_bar: Annotated[
        Decimal | None,
        Query(
            ge=Decimal("0.3"),
            le=Decimal("1.2"),
            description="pressure of the air, where pressures count from it",
        ),
    ] = None,
    machine: Annotated[
        ShortText | None, Query(description="of a reading that does not name it")
    ] = None,
    number: Annotated[
        int | None, Query(ge=1, lt=2**53, description="of the one cycle that does not tell it")
    ] = None,
    epoch: Annotated[
        int | None,
        Query(ge=1, lt=2**32, description="of the counter, where numbers and times do not tell it"),
    ] = None,
    signer: Annotated[SignerName | None, Query()] = None,
    performer: Annotated[Text | None, Query(description="who ran the machine")] = None,
) -> ImportOptions:
    """What the person who uploads adds to the file."""
    if zone is not None:
        zone_named(zone)
    return ImportOptions(
        zone=zone,
        profile=profile,
        ambient_bar=ambient_bar,
        machine=machine,
        number=number,
        epoch=epoch,
        people=People(performer=performer, enterer=question.caller.person),
        authenticated_by="token",
        signer=signer,
    )


@router.write("", answers.ReadingReport, openapi_extra=upload_of(_MEDIA))
def upload(  # noqa: PLR0913 - a file and what is said of it
    question: Question,
    named: Named,
    data: Annotated[bytes, Depends(raw_body)],
    filename: Annotated[str, Depends(file_name)],
    options: Annotated[ImportOptions, Depends(options_of)],
    *,
    record: Annotated[
        bool, Query(description="false: keep the file, and open and end no cycle")
    ] = True,
) -> Response:
    """A printout → kept, and each cycle in it opened and ended; the answer says what became of it.

    Each cycle is its own transaction: one that a rule keeps out is reported, and the others go on.
    Under an Idempotency-Key an upload that died on the way is taken up where it ended.
    """
    question.caller.require_scope(Scope.END)
    unit = question.caller.unit
    if unit is None:
        raise Refused("the authority has no machines", field="token", rule="a unit's own token")
    kept = _answered(question, named)
    if kept is not None:
        return answers.give_kept(kept)
    work = _record if record else _keep
    return answers.give_kept(work(question, named, data, filename, unit, options))


@router.read("", answers.Readings)
def list_readings(
    question: Question,
    after: Annotated[Hex32 | None, Query(description="the last line's sha256")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:
    """The readings that you may read, by their hash."""
    start = None if after is None else parse_hex32(after, field="after")
    with question.instance.database.reading() as tx:
        rows = readings.list_readings(
            tx, unit=question.caller.readable_unit, after=start, limit=limit
        )
    told = [answers.reading_of(row, shows_people=_is_own(question, row.unit)) for row in rows]
    lines = [answers.ReadingLine(**each) for each in told]
    return answers.give(answers.Readings(readings=lines))


@router.read("/{sha256}", answers.ReadingAnswer)
def read_reading(sha256: ShaPath, question: Question) -> Response:
    """One reading, and the cycles in it."""
    with question.instance.database.reading() as tx:
        digest = parse_hex32(sha256, field="sha256")
        row = _find_head(tx, question, digest)
        cycles = readings.list_reading_cycles(tx, row.sha256, unit=row.unit)
    shows_people = _is_own(question, row.unit)
    return answers.give(answers.reading_answer(row, cycles, shows_people=shows_people))


@router.read(
    "/{sha256}/raw",
    {200: {"content": {"application/octet-stream": {}}, "description": "the file"}},
)
def read_raw(sha256: ShaPath, question: Question) -> Response:
    """The file, byte for byte as it came: of your own unit, since it may name people."""
    digest = parse_hex32(sha256, field="sha256")
    with question.instance.database.reading() as tx:
        head = _find_head(tx, question, digest)
        if not _is_own(question, head.unit):
            raise Refused(
                "only a unit itself gives its printouts out",
                field="token",
                rule="a printout may name people of the unit that it is from",
                remedy="ask that unit",
            )
        row = readings.get_reading(tx, digest, unit=head.unit)
    disposition = f"attachment; filename*=UTF-8''{quote(row.filename, safe='')}"
    return Response(
        content=row.raw,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )


def _find_head(tx: Connection, question: Asked, digest: bytes) -> readings.ReadingHead:
    """A reading that the caller may know of, where several units kept it their own one."""
    caller = question.caller
    units = dict.fromkeys((caller.unit, caller.readable_unit))
    found = (readings.find_head(tx, digest, unit=unit) for unit in units)
    row = next(filter(None, found), None)
    if row is None:
        raise NotFound(f"there is no reading {digest.hex()}", field="sha256")
    return row


def _is_own(question: Asked, unit: int) -> bool:
    return question.caller.unit == unit


def _answered(question: Asked, named: Named) -> Answer | None:
    if named is None:
        return None
    with question.instance.database.reading() as tx:
        return find_answer(tx, named)


def _record(  # noqa: PLR0913, PLR0917 - a file and what is said of it
    question: Asked,
    named: NamedRequest | None,
    data: bytes,
    filename: str,
    unit: int,
    options: ImportOptions,
) -> Answer:
    instance = question.instance
    report = import_file(
        instance,
        question.caller,
        data,
        filename=filename,
        unit=unit,
        options=options,
        request=named,
    )
    answer = _told(report, is_recorded=True)
    if named is None:
        return answer
    with instance.database.transaction() as tx:
        return finish(tx, named, answer)


def _keep(  # noqa: PLR0913, PLR0917 - a file and what is said of it
    question: Asked,
    named: NamedRequest | None,
    data: bytes,
    filename: str,
    unit: int,
    options: ImportOptions,
) -> Answer:
    instance, source = question.instance, options.source
    file = read_file(data, filename=filename)

    def work() -> Answer:
        is_new = keep_reading(instance, tx, file, data, filename=filename, unit=unit, source=source)
        cycles = tuple(
            ImportedCycle(reading=cycle, what=Import.UNMATCHED, cycle=None, why=None)
            for cycle in file.cycles
        )
        report = ImportReport(file=file, filename=filename, is_new=is_new, cycles=cycles)
        return _told(report, is_recorded=False)

    with instance.database.transaction() as tx:
        return answer_once(instance, tx, named, work)


def _told(report: ImportReport, *, is_recorded: bool) -> Answer:
    return Answer(
        status=200, body=answers.reading_report(report, is_recorded=is_recorded).to_bytes()
    )
