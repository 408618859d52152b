"""Units, signers and machines, by the names that people use."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRouter, Question
from api.fields import MAX_UINT32, Hex32
from ledger.domain.acts.words import Right
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.errors import Inconsistent
from ledger.domain.subjects.states import MachineState, SignerState
from ledger.steps.accepting.standing import Accepted
from ledger.storage import directory

router = LedgerRouter("/v1", tag="directory")

Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[Hex32 | None, Query(description="the last line's id")]


@router.read("/units", answers.Units)
def read_units(
    question: Question,
    after: Annotated[int, Query(ge=0, le=MAX_UINT32, description="the last line's number")] = 0,
    limit: Limit = 100,
) -> Response:
    """The units of the group, which every unit may know: loads name their owners and payers."""
    with question.instance.database.reading() as tx:
        rows = directory.list_units(tx, after=after, limit=limit)
    units = [
        answers.UnitAnswer(
            number=row.number, code=row.code, name=row.name, admission=to_hex(row.digest)
        )
        for row in rows
    ]
    return answers.give(answers.Units(units=units))


@router.read("/signers", answers.Signers)
def read_signers(question: Question, after: After = None, limit: Limit = 100) -> Response:
    """The signers that you may read; the names of people only of your own unit."""
    with question.instance.database.reading() as tx:
        rows = directory.list_signers(
            tx, unit=question.caller.readable_unit, after=_start(after), limit=limit
        )
        found = [_signer(tx, question, row) for row in rows]
    return answers.give(answers.Signers(signers=found))


@router.read("/equipment", answers.Equipment)
def read_equipment(question: Question, after: After = None, limit: Limit = 100) -> Response:
    """The machines that you may read, with the digest that a change of each replaces."""
    with question.instance.database.reading() as tx:
        rows = directory.list_equipment(
            tx, unit=question.caller.readable_unit, after=_start(after), limit=limit
        )
        found = [_machine(tx, row) for row in rows]
    return answers.give(answers.Equipment(equipment=found))


def _start(after: str | None) -> bytes | None:
    return None if after is None else parse_hex32(after, field="after")


def _signer(tx: Connection, question: Asked, row: directory.SignerRow) -> answers.SignerAnswer:
    state = Accepted(tx).find(SignerState, row.id)
    return answers.SignerAnswer(
        id=to_hex(row.id),
        unit=row.unit,
        key=to_hex(row.signer),
        name=row.name if question.caller.unit == row.unit else None,
        rights=[right.name.lower() for right in Right if right in row.rights and right.name],
        custody=row.custody.name.lower(),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        is_revoked=state is not None and state.is_revoked,
        enrolment=to_hex(row.digest),
    )


def _machine(tx: Connection, row: directory.EquipmentRow) -> answers.MachineAnswer:
    state = Accepted(tx).find(MachineState, row.id)
    if state is None:
        raise Inconsistent("a machine stands in the directory that was never registered")
    return answers.MachineAnswer(
        id=row.id.hex(),
        unit=row.unit,
        name=row.name,
        model=row.model,
        serial=row.serial,
        kind=row.kind.name.lower(),
        state=state.state.name.lower(),
        epoch=state.epoch,
        current=to_hex(state.current),
    )
