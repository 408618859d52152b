"""Records → incidents: what went wrong with what, what was found and said, and what is held.

An incident is for the unit that opened it, and for whoever may ask about its subject: they are to
be heard.  For others it does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.steps.accepting.reading_back import read_facts
from ledger.steps.accepting.standing import counted
from ledger.steps.answering.duties import trace_of
from ledger.storage import operations, records

#: of the group's incidents at once
MOST_LOOKED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One operation about an incident, with what its record says."""

    digest: str
    kind: str
    unit: int
    #: Unix seconds
    signed_at: int
    state: OperationState
    facts: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    """One incident as its records tell it."""

    told: Entry
    #: random token of the case; None for other units
    case_token: str | None
    #: ids of what is held beside its subject
    held: tuple[str, ...]
    is_withdrawn: bool
    #: comments on it and on what was found
    said: tuple[Entry, ...]
    #: answers that were sent to their holders, or published; oldest first
    findings: tuple[Entry, ...]

    @property
    def heard(self) -> Entry | None:
        """What its holders are asked about, or were, while it is not published."""
        return self._newest("heard")

    @property
    def published(self) -> Entry | None:
        """What is published."""
        return self._newest("published")

    def _newest(self, stage: str) -> Entry | None:
        """Of whoever opened it: nobody else sends its answer to be heard, or publishes it."""
        own = (e for e in reversed(self.findings) if e.unit == self.told.unit)
        return next((e for e in own if e.facts["stage"] == stage), None)


def list_incidents(
    tx: Connection, caller: Caller, *, before: int | None = None, limit: int = MOST_LOOKED
) -> tuple[list[IncidentView], int | None]:
    """Of the group's incidents those that a caller may read, newest first, and where it goes on.

    It starts before the operation of number `before`; None for where nothing older is.  What only
    takes one back is in it.
    """
    rows = operations.list_latest_operations(tx, kind="Incident", before=before, limit=limit)
    found = (find_incident(tx, caller, to_hex(row.digest)) for row in rows)
    older = rows[-1].sequence if len(rows) == limit else None
    return [each for each in found if each is not None], older


def show_incident(tx: Connection, caller: Caller, text: str) -> IncidentView:
    """One incident; raises NotFound, in the same words where it is not the caller's to read."""
    found = find_incident(tx, caller, text)
    if found is None:
        raise NotFound("there is no such incident", field="incident")
    return found


def find_incident(tx: Connection, caller: Caller, text: str) -> IncidentView | None:
    """The same, or None."""
    digest = Digest(parse_hex32(text, field="incident"))
    row = operations.find_operation(tx, digest)
    unit = caller.readable_unit
    if row is None or row.kind != "Incident" or row.state in GIVEN_UP:
        return None
    told = _entry(tx, row)
    if told.facts["what"] == "withdrawn" or not (
        unit in {None, row.unit} or _may_ask(tx, caller, told)
    ):
        return None
    about = list(_about(tx, digest))
    findings = tuple(each for each in about if each.kind == "Findings")
    said = [each for each in about if each.kind == "Comment"]
    for each in findings:
        said += [
            e for e in _about(tx, parse_hex32(each.digest, field="digest")) if e.kind == "Comment"
        ]
    personal = records.get_record(tx, row.record_id).personal
    token = fields_from_bytes(personal).get("case_token") if personal else None
    lines = (value for path, value in told.facts.items() if path.startswith("lines."))
    return IncidentView(
        told=told,
        case_token=str(token) if token and caller.unit in {None, row.unit} else None,
        held=tuple(str(each) for each in lines if each is not None),
        is_withdrawn=any(
            each.state not in GIVEN_UP for each in operations.list_replacing(tx, digest)
        ),
        said=tuple(said),
        findings=findings,
    )


def _may_ask(tx: Connection, caller: Caller, told: Entry) -> bool:
    try:
        trace_of(tx, caller, str(told.facts["subject_kind"]), str(told.facts["subject"]))
    except (NotFound, InvalidInput):
        return False
    return True


def _about(tx: Connection, subject: bytes) -> Iterator[Entry]:
    """What counts of what was said about something."""
    for row in counted(operations.list_by_subject(tx, subject, standing=True)):
        yield _entry(tx, row)


def _entry(tx: Connection, row: operations.OperationRow) -> Entry:
    return Entry(
        digest=to_hex(row.digest),
        kind=row.kind,
        unit=row.unit,
        signed_at=row.signed_at,
        state=row.state,
        facts=read_facts(tx, row),
    )
