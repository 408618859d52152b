"""The directory beside the accepted operations that entered it, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeAlias

from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import (
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.operations import KINDS, Custody, Duty, EquipmentKind, Party
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.accepted import integer, word
from ledger.domain.subjects.indexed import IndexedSigner
from ledger.steps.accepting.standing import read_operation
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.paging import check_page
from ledger.storage import directory, index
from ledger.storage.operations import OperationRow, SignatureRow, list_operations
from ledger.storage.pages import directory_keys, operations_of, signatures_of
from ledger.storage.records import RecordRow, list_by_ids

_PAGE = 200
_Row: TypeAlias = (
    directory.UnitRow | directory.SignerRow | directory.EquipmentRow | directory.CycleRow
)
_Message: TypeAlias = Mapping[str, Value]
_Fields: TypeAlias = Mapping[str, FieldValue]

_TABLES: Mapping[type[_Row], tuple[str, str]] = {
    directory.UnitRow: ("units", "number"),
    directory.SignerRow: ("signers", "id"),
    directory.EquipmentRow: ("equipment", "id"),
    directory.CycleRow: ("cycles", "id"),
}
#: what a person may be called is never shown
_PERSONAL = ("signers", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entering:
    """What operations entered the directory with, by operation; records by their id."""

    evidence: Stored
    operations: Mapping[Digest, OperationRow]
    records: Mapping[str, RecordRow]
    signatures: Mapping[Digest, Sequence[SignatureRow]]


def check_directory(evidence: Stored) -> None:
    """Every row is what an operation entered, and what an operation entered is there."""
    for page in _stored(evidence):
        check_page(
            page,
            load=lambda rows: _load(
                evidence, operations_of(evidence.ours, {row.digest for row in rows})
            ),
            check=_check_stored,
        )
    for kind in _ENTERED:
        _check_entered(evidence, kind)


def _load(evidence: Stored, operations: Mapping[Digest, OperationRow]) -> _Entering:
    standing = [row for row in operations.values() if row.kind in _ENTERED]
    keyed = [row.digest for row in standing if row.kind in _WITH_NEW_KEY]
    return _Entering(
        evidence=evidence,
        operations=operations,
        records={
            row.id: row for row in list_by_ids(evidence.ours, [each.record_id for each in standing])
        },
        signatures=signatures_of(evidence.ours, keyed),
    )


def _check_stored(row: _Row, entering: _Entering) -> None:
    findings = entering.evidence.findings
    table, key = _TABLES[type(row)]
    findings.checked[table] += 1
    operation = entering.operations.get(row.digest)
    entered = () if operation is None else _entered(entering, operation)
    expected = {_key(each): each for each in entered}.get(_key(row))
    if expected is None:
        findings.note(
            table,
            getattr(row, key),
            "row",
            expected="an operation that entered it",
            found=row.digest,
        )
    else:
        _compare(entering.evidence, expected, row)


def _check_entered(evidence: Stored, kind: str) -> None:
    after = 0
    while True:
        page = list_operations(evidence.ours, kind=kind, after=after, limit=_PAGE)
        check_page(page, load=lambda rows: _load_missing(evidence, rows), check=_note_missing)
        if len(page) < _PAGE:
            return
        after = page[-1].sequence


def _load_missing(
    evidence: Stored, page: Sequence[OperationRow]
) -> tuple[Stored, Mapping[Digest, list[tuple[str, object]]]]:
    """The places of the rows that operations entered and that are not there, by operation."""
    entering = _load(evidence, {row.digest: row for row in page})
    entered = {row.digest: [_key(each) for each in _entered(entering, row)] for row in page}
    keys: dict[str, set[object]] = {}
    for places in entered.values():
        for table, key in places:
            keys.setdefault(table, set()).add(key)
    there = {
        (table, key)
        for table, wanted in keys.items()
        for key in directory_keys(evidence.ours, table, wanted)
    }
    return evidence, {
        named: [place for place in places if place not in there]
        for named, places in entered.items()
    }


def _note_missing(
    row: OperationRow, found: tuple[Stored, Mapping[Digest, list[tuple[str, object]]]]
) -> None:
    evidence, missing = found
    for table, key in missing[row.digest]:
        evidence.findings.note(table, key, "row", expected="a row", found=None)


def _compare(evidence: Stored, expected: _Row, row: _Row) -> None:
    if expected == row:
        return
    table, key = _TABLES[type(row)]
    stored = asdict(row)
    for name, right in asdict(expected).items():
        if (table, name) == _PERSONAL:
            right, found = "the name in its record", stored[name] == right  # noqa: PLW2901
            stored[name] = right if found else "another"
        evidence.findings.compare(
            table, getattr(row, key), name, expected=right, found=stored[name]
        )


def _key(row: _Row) -> tuple[str, object]:
    table, key = _TABLES[type(row)]
    return table, getattr(row, key)


def _stored(evidence: Stored) -> Iterator[Sequence[_Row]]:
    """Every row of the four tables, in pages."""
    tx = evidence.ours
    number = 0
    while page := directory.list_units(tx, after=number, limit=_PAGE):
        yield page
        number = page[-1].number
    for read in (
        partial(directory.list_signers, tx, limit=_PAGE),
        partial(directory.list_equipment, tx, limit=_PAGE),
        partial(directory.list_cycles, tx, limit=_PAGE),
    ):
        yield from _paged(read)


def _paged(read: Callable[..., Sequence[_Row]]) -> Iterator[Sequence[_Row]]:
    after: bytes | None = None
    while rows := read(after=after):
        yield rows
        after = getattr(rows[-1], "id")  # noqa: B009 - the three have it


# ---------------------------------------------------------------- operation → rows


def _entered(entering: _Entering, row: OperationRow) -> Sequence[_Row]:
    """What an operation entered, from its message and record; nothing when it was given up."""
    if row.state in GIVEN_UP or row.kind not in _ENTERED:
        return ()
    record = entering.records.get(row.record_id)
    if record is None:
        return ()
    try:
        return _ENTERED[row.kind](entering, row, read_operation(row).message, record)
    except (InvalidInput, NotFound, ValueError, KeyError):
        return ()  # the operation or its record cannot be read, which is told there


def _unit(
    entering: _Entering, row: OperationRow, message: _Message, record: RecordRow
) -> Sequence[_Row]:
    fields = _fields_of(record)
    unit = directory.UnitRow(
        number=integer(message, "unit"),
        code=str(fields["code"]),
        name=str(fields["name"]),
        digest=row.digest,
    )
    since = integer(message, "signedAt")
    return unit, _key_row(
        entering, row, message, record, named="administrator", duties=Duty.ADMINISTER, since=since
    )


def _signer(
    entering: _Entering, row: OperationRow, message: _Message, record: RecordRow
) -> Sequence[_Row]:
    duties, since = Duty(integer(message, "duties")), integer(message, "validFrom")
    return (_key_row(entering, row, message, record, named="signer", duties=duties, since=since),)


def _recovered(
    entering: _Entering, row: OperationRow, message: _Message, record: RecordRow
) -> Sequence[_Row]:
    """The worker enters a recovered administrator a while after the chain has the completion."""
    identifier = SignerId(word(message, "signer"))
    signer = index.find(entering.evidence.ours, IndexedSigner, identifier)
    is_completed = signer is not None and signer.enrolled_by == row.digest
    if not is_completed or directory.find_signer(entering.evidence.ours, identifier) is None:
        return ()
    since = integer(message, "signedAt")
    return (
        _key_row(
            entering, row, message, record, named="signer", duties=Duty.ADMINISTER, since=since
        ),
    )


def _key_row(  # noqa: PLR0913 - what three kinds of operation say of a key
    entering: _Entering,
    row: OperationRow,
    message: _Message,
    record: RecordRow,
    *,
    named: str,
    duties: Duty,
    since: int,
) -> directory.SignerRow:
    """The key that an operation brought, whose name stands under `named` in message and record."""
    return directory.SignerRow(
        id=SignerId(word(message, named)),
        unit=integer(message, "unit"),
        signer=_new_key(entering, row),
        name=_text(_fields_of(record), f"{named}_name"),
        duties=duties,
        custody=Custody(integer(message, "custody")),
        valid_from=since,
        valid_until=integer(message, "validUntil"),
        digest=row.digest,
    )


def _equipment(
    _entering: _Entering, row: OperationRow, message: _Message, record: RecordRow
) -> Sequence[_Row]:
    unit, fields = integer(message, "unit"), _fields_of(record)
    return (
        directory.EquipmentRow(
            id=equipment_id(UnitNumber(unit), word(message, "serial")),
            unit=unit,
            name=_text(fields, "name"),
            model=_text(fields, "model"),
            serial=str(fields["serial"]),
            kind=EquipmentKind(integer(message, "kind")),
            digest=row.digest,
        ),
    )


def _cycle(
    _entering: _Entering, row: OperationRow, message: _Message, _record: RecordRow
) -> Sequence[_Row]:
    machine = EquipmentId(word(message, "equipment"))
    epoch, number = integer(message, "epoch"), integer(message, "number")
    return (
        directory.CycleRow(
            id=cycle_id(machine, epoch, number),
            equipment=machine,
            unit=integer(message, "unit"),
            epoch=epoch,
            number=number,
            digest=row.digest,
        ),
    )


def _new_key(entering: _Entering, row: OperationRow) -> bytes:
    signatures = entering.signatures.get(row.digest, ())
    found = [each.signer for each in signatures if each.party is Party.NEW_KEY]
    if len(found) != 1:
        raise NotFound("the operation has no new key")
    return found[0]


def _fields_of(record: RecordRow) -> _Fields:
    """What a record states; a personal field that was erased is not there."""
    personal = {} if record.personal is None else fields_from_bytes(record.personal)
    return fields_from_bytes(record.facts) | personal


def _text(fields: _Fields, name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else str(value)


_ENTERED: Mapping[str, Callable[[_Entering, OperationRow, _Message, RecordRow], Sequence[_Row]]] = {
    "UnitAdmission": _unit,
    "SignerEnrolment": _signer,
    "RecoveryProposal": _recovered,
    "EquipmentRegistration": _equipment,
    "CycleOpening": _cycle,
}
#: the kinds of operation that bring a key
_WITH_NEW_KEY = frozenset(name for name in _ENTERED if Party.NEW_KEY in KINDS[name].parties)
