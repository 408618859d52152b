"""What the API answers: one model for each answer, and its rendering."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ledger.domain.acts.catalogue import find_act
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.accepting.submit import Receipt
from ledger.steps.answering.status import WorkerState
from ledger.steps.answering.view import View
from ledger.steps.asking.idempotency import Answer
from ledger.steps.reading.imports import ImportReport, summary_from_bytes
from ledger.steps.sending.mending import unnamed
from ledger.storage.operations import OperationRow, StateRow
from ledger.storage.readings import ReadingCycleRow, ReadingHead
from ledger.storage.records import RecordRow


class Answered(BaseModel):
    """Any answer."""

    model_config = ConfigDict(extra="forbid")

    def to_bytes(self) -> bytes:
        """As it goes out: JSON in UTF-8."""
        return self.model_dump_json(by_alias=True).encode("utf-8")


class RecordAnswer(Answered):
    """A record as its schema has it."""

    id: str
    record_schema: str = Field(serialization_alias="schema")
    suite: str
    unit: int
    facts: dict[str, str | int | bool | None]
    personal: dict[str, str | int | bool | None] | None = Field(
        description="null: erased, or another unit's"
    )


class SecretsAnswer(Answered):
    """What makes the commitment unguessable, in base64: 32 bytes each."""

    facts: str
    personal: str


class PartyAnswer(Answered):
    """Who signs."""

    party: str
    signer: str = Field(description="ERC-7913 bytes of the key that signs")
    signer_id: str
    held_here: bool = Field(description="whether this instance holds the key")


class PreparedAnswer(Answered):
    """A prepared operation: show the record, compute the digest from it, and sign that."""

    digest: str
    kind: str
    expires_at: str
    typed_data: dict[str, Any] = Field(description="eth_signTypedData_v4")
    record: RecordAnswer
    secrets: SecretsAnswer
    parties: list[PartyAnswer]


class ReceiptAnswer(Answered):
    """Our signed promise that an operation is owed to the chain."""

    digest: str
    kind: str
    promise: dict[str, str | int] = Field(description="the payload, decoded")
    payload: str = Field(description="the signed bytes: RFC 8785")
    signature: str = Field(description="Ed25519 over the payload's UTF-8 bytes")
    key: str = Field(description="the receipt key, named in the deployment")


class PhotoAnswer(Answered):
    """A photo that is kept until a record names it."""

    sha256: str = Field(description="of what is kept, which is drawn anew: a record names it so")


class StateAnswer(Answered):
    """One dated change of state."""

    state: str
    at: str
    reason: str | None
    transaction: str | None


class ChainAnswer(Answered):
    """Where the chain holds an operation."""

    block: int
    block_hash: str
    block_time: int = Field(description="Unix seconds")
    transaction: str
    log_index: int


class OperationLine(Answered):
    """One accepted operation in a list."""

    digest: str
    kind: str
    unit: int
    subject: str
    state: str
    signed_at: int = Field(description="Unix seconds")
    accepted_at: str
    cursor: int = Field(description="pass it as `after` to read on")


class OperationAnswer(OperationLine):
    """One accepted operation with its record and its history."""

    message: dict[str, Any]
    record: RecordAnswer
    history: list[StateAnswer]
    chain: ChainAnswer | None = Field(description="null until it is indexed")


class Operations(Answered):
    """A page of operations."""

    operations: list[OperationLine]


class RemarkAnswer(Answered):
    """What the reader of a reading must know."""

    line: int
    last_line: int
    kind: str
    text: str
    why: str


class ReportedCycle(Answered):
    """What became of one cycle of an uploaded file."""

    ordinal: int
    what: str = Field(
        description="recorded, already recorded, attached, holds more, contradicts, "
        "not whole yet, not matched, refused or kept"
    )
    why: str | None
    serial: str | None
    number: int | None
    label: str | None = Field(description="the cycle's name as printed, where it is no number")
    outcome: str
    outcome_reasons: list[str] = Field(description="why the outcome is not completed")
    fault_code: str | None
    further_fault_codes: list[str]
    notices: list[str] = Field(description="what a reader must know, in sentences")
    started: str | None
    ended: str | None
    samples: int
    incomplete_because: list[str]
    content_sha256: str
    cycle: str | None
    operations: list[str]


class ReadingReport(Answered):
    """What became of an uploaded file."""

    sha256: str
    filename: str
    format: str
    encoding: str
    lines: int
    is_new: bool
    cycles: list[ReportedCycle]
    remarks: list[RemarkAnswer]
    remark_count: int


class ReadingLine(Answered):
    """One kept reading."""

    sha256: str
    filename: str | None = Field(description="null: another unit's; it may name people")
    format: str
    source: str
    unit: int
    bytes: int
    uploaded_at: str


class ReadingCycleAnswer(Answered):
    """One cycle of a kept reading."""

    ordinal: int
    content_sha256: str
    serial: str | None
    number: int | None
    cycle: str | None
    summary: dict[str, Any]


class ReadingAnswer(ReadingLine):
    """One kept reading with its cycles."""

    cycles: list[ReadingCycleAnswer]


class Readings(Answered):
    """A page of readings."""

    readings: list[ReadingLine]


class UnitAnswer(Answered):
    """One unit of the group."""

    number: int
    code: str
    name: str
    admission: str


class Units(Answered):
    """A page of units."""

    units: list[UnitAnswer]


class SignerAnswer(Answered):
    """One signer."""

    id: str
    unit: int
    key: str
    name: str | None = Field(description="null: erased, or another unit's")
    rights: list[str]
    custody: str
    valid_from: int = Field(description="Unix seconds")
    valid_until: int = Field(description="Unix seconds; 0: no expiry")
    is_revoked: bool
    enrolment: str


class Signers(Answered):
    """A page of signers."""

    signers: list[SignerAnswer]


class MachineAnswer(Answered):
    """One machine."""

    id: str
    unit: int
    name: str | None
    model: str | None
    serial: str
    kind: str
    state: str
    epoch: int
    current: str = Field(description="the digest that the next change replaces")


class Equipment(Answered):
    """A page of machines."""

    equipment: list[MachineAnswer]


class Consignments(Answered):
    """A page of consignments, newest first."""

    consignments: list[dict[str, Any]]


class Assets(Answered):
    """Assets that you own or have, and those that are offered."""

    assets: list[dict[str, Any]]


class Cycles(Answered):
    """A page of cycles, newest first."""

    cycles: list[dict[str, Any]]


class DeploymentAnswer(Answered):
    """The trust root of this instance."""

    fingerprint: str = Field(description="compare it with what you know from elsewhere")
    deployment: dict[str, Any]


class ChainStatusAnswer(Answered):
    """What the worker last saw of the chain."""

    height: int
    final: int
    indexed: int
    lag: int
    head_age_seconds: int | None = Field(description="null: it is dated ahead of the clock")
    heartbeat_age_seconds: int | None = Field(description="null: it is dated ahead of the clock")
    asked: str | None = Field(description="the group's node that is asked; null on the embedded")


class WorkerAnswer(Answered):
    """How the worker stands."""

    state: WorkerState
    since: str | None = Field(description="of what it waits for, or of what halted it")
    reason: str | None = Field(description="what it waits for, or what halted it")
    remedy: str | None = Field(description="what a person can do about it")


class StatusAnswer(Answered):
    """How the instance stands."""

    at: str
    fingerprint: str | None
    chain_id: int | None
    finality: str
    clock: str | None = Field(
        description="why nothing is accepted by this instance's clock; null while it may be right"
    )
    worker: WorkerAnswer
    chain: ChainStatusAnswer | None = Field(description="null before a worker saw its chain")
    operations: dict[str, int] = Field(description="those that you may read, by state")
    oldest_owed_seconds: int | None = Field(
        description="null: nothing is owed, or it is dated ahead of the clock"
    )
    stuck: int
    has_writer: bool
    custody: dict[str, int] = Field(description="valid signers by who holds their key")


class Health(Answered):
    """That the program answers."""

    status: str


def give(body: Answered, status: int = 200) -> Response:
    """An answer."""
    return Response(content=body.to_bytes(), status_code=status, media_type="application/json")


def give_plain(plain: Mapping[str, object]) -> Response:
    """An answer that is JSON already."""
    body = json.dumps(plain, ensure_ascii=False).encode("utf-8")
    return Response(content=body, media_type="application/json")


def give_view(view: View) -> Response:
    """An answer that is one view."""
    return give_plain(view.to_plain())


def give_kept(answer: Answer) -> Response:
    """An answer that may have been given before; what was made is named by its address."""
    response = Response(
        content=answer.body, status_code=answer.status, media_type="application/json"
    )
    digest = json.loads(answer.body).get("digest")
    if answer.status == 201 and digest is not None:  # noqa: PLR2004
        response.headers["Location"] = f"/v1/operations/{digest}"
    return response


def receipt_answer(receipt: Receipt) -> ReceiptAnswer:
    """A receipt."""
    promise = json.loads(receipt.payload)
    return ReceiptAnswer(
        digest=to_hex(receipt.digest),
        kind=find_act(promise["kind"]).spelled,
        promise=promise,
        payload=receipt.payload.decode("utf-8"),
        signature=to_hex(receipt.signature),
        key=to_hex(receipt.key),
    )


def operation_answer(
    row: OperationRow,
    record: RecordRow,
    states: Sequence[StateRow],
    indexed: IndexedOperation | None,
    *,
    shows_people: bool,
) -> OperationAnswer:
    """One operation."""
    personal = record.personal if shows_people else None
    return OperationAnswer(
        **line_of(row),
        message=json.loads(row.message),
        record=RecordAnswer(
            id=record.id,
            record_schema=record.schema,
            suite=record.suite,
            unit=record.unit,
            facts=fields_from_bytes(record.facts),
            personal=None if personal is None else fields_from_bytes(personal),
        ),
        history=[
            StateAnswer(
                state=state.state.value,
                at=instant_text(state.at),
                reason=state.reason if shows_people else unnamed(state.reason),
                transaction=None
                if state.transaction_hash is None
                else to_hex(state.transaction_hash),
            )
            for state in states
        ],
        chain=None
        if indexed is None
        else ChainAnswer(
            block=indexed.height,
            block_hash=to_hex(indexed.block_hash),
            block_time=indexed.timestamp,
            transaction=to_hex(indexed.tx_hash),
            log_index=indexed.position,
        ),
    )


#: Remarks of one report; a damaged log has thousands, and the reading itself keeps them all.
MOST_REMARKS = 200


def reading_report(report: ImportReport, *, is_recorded: bool) -> ReadingReport:
    """What became of a file, and what could not be read of it."""
    file = report.file
    return ReadingReport(
        sha256=file.sha256,
        filename=report.filename,
        format=f"{file.format_name}/{file.format_version}",
        encoding=file.encoding,
        lines=file.line_count,
        is_new=report.is_new,
        cycles=[
            ReportedCycle(**each.to_plain() | ({} if is_recorded else {"what": "kept"}))
            for each in report.cycles
        ],
        remarks=[
            RemarkAnswer(
                line=remark.line,
                last_line=remark.last_line,
                kind=remark.kind.value,
                text=remark.text,
                why=remark.why,
            )
            for remark in file.remarks[:MOST_REMARKS]
        ],
        remark_count=len(file.remarks),
    )


def reading_answer(
    row: ReadingHead, cycles: Sequence[ReadingCycleRow], *, shows_people: bool
) -> ReadingAnswer:
    """One reading."""
    return ReadingAnswer(
        **reading_of(row, shows_people=shows_people),
        cycles=[
            ReadingCycleAnswer(
                ordinal=cycle.ordinal,
                content_sha256=cycle.content_sha256.hex(),
                serial=cycle.serial,
                number=cycle.number,
                cycle=None if cycle.cycle is None else cycle.cycle.hex(),
                summary=summary_from_bytes(cycle.facts),
            )
            for cycle in cycles
        ],
    )


def line_of(row: OperationRow) -> dict[str, Any]:
    """What every answer says of an operation."""
    return {
        "digest": to_hex(row.digest),
        "kind": find_act(row.kind).spelled,
        "unit": row.unit,
        "subject": to_hex(row.subject),
        "state": row.state.value,
        "signed_at": row.signed_at,
        "accepted_at": instant_text(row.accepted_at),
        "cursor": row.sequence,
    }


def reading_of(row: ReadingHead, *, shows_people: bool) -> dict[str, Any]:
    """What every answer says of a reading."""
    return {
        "sha256": row.sha256.hex(),
        "filename": row.filename if shows_people else None,
        "format": row.format,
        "source": row.source,
        "unit": row.unit,
        "bytes": row.size,
        "uploaded_at": instant_text(row.uploaded_at),
    }
