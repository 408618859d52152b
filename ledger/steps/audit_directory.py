"""The directory beside the accepted operations that entered it, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TypeAlias

from ledger.domain.abi import Value
from ledger.domain.accepted import integer, word
from ledger.domain.commitments import FieldValue
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.identifiers import (
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.indexed import IndexedSigner
from ledger.domain.operation_states import GIVEN_UP
from ledger.domain.operations import Custody, Duty, EquipmentKind, Party
from ledger.domain.records import fields_from_bytes
from ledger.steps.accepted import read_operation
from ledger.steps.audit_evidence import Evidence
from ledger.storage import directory, index
from ledger.storage.operations import (
    OperationRow,
    find_operation,
    list_operations,
    list_signatures,
)
from ledger.storage.records import find_record

_PAGE = 200
_Row: TypeAlias = (
    directory.UnitRow | directory.SignerRow | directory.EquipmentRow | directory.CycleRow
)
#: what a record states; a personal field that was erased is not there
_Fields: TypeAlias = Mapping[str, FieldValue]

_TABLES: Mapping[type[_Row], tuple[str, str]] = {
    directory.UnitRow: ("units", "number"),
    directory.SignerRow: ("signers", "id"),
    directory.EquipmentRow: ("equipment", "id"),
    directory.CycleRow: ("cycles", "id"),
}
#: what a person may be called is never shown
_PERSONAL = ("signers", "name")


def check_directory(evidence: Evidence) -> None:
    """Every row is what an operation entered, and what an operation entered is there."""
    for row in _stored(evidence):
        table, key = _TABLES[type(row)]
        evidence.findings.checked[table] += 1
        expected = {_key(each): each for each in _entered(evidence, row.digest)}.get(_key(row))
        if expected is None:
            evidence.findings.note(
                table,
                getattr(row, key),
                "row",
                expected="an operation that entered it",
                found=row.digest,
            )
        else:
            _compare(evidence, expected, row)
    for kind in _ENTERED:
        _check_entered(evidence, kind)


def _check_entered(evidence: Evidence, kind: str) -> None:
    after = 0
    while True:
        page = list_operations(evidence.ours, kind=kind, after=after, limit=_PAGE)
        for operation in page:
            for row in _entered(evidence, operation.digest):
                if _find(evidence, row) is None:
                    table, key = _TABLES[type(row)]
                    evidence.findings.note(
                        table, getattr(row, key), "row", expected="a row", found=None
                    )
        if len(page) < _PAGE:
            return
        after = page[-1].sequence


def _compare(evidence: Evidence, expected: _Row, row: _Row) -> None:
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


def _find(evidence: Evidence, row: _Row) -> _Row | None:
    if isinstance(row, directory.UnitRow):
        return directory.find_unit(evidence.ours, row.number)
    if isinstance(row, directory.SignerRow):
        return directory.find_signer(evidence.ours, row.id)
    if isinstance(row, directory.EquipmentRow):
        return directory.find_equipment(evidence.ours, row.id)
    return directory.find_cycle(evidence.ours, row.id)


def _stored(evidence: Evidence) -> Iterator[_Row]:
    """Every row of the four tables, read in pages."""
    tx = evidence.ours
    number = 0
    while page := directory.list_units(tx, after=number, limit=_PAGE):
        yield from page
        number = page[-1].number
    for read in (
        partial(directory.list_signers, tx, limit=_PAGE),
        partial(directory.list_equipment, tx, limit=_PAGE),
        partial(directory.list_cycles, tx, limit=_PAGE),
    ):
        yield from _paged(read)


def _paged(read: Callable[..., Sequence[_Row]]) -> Iterator[_Row]:
    after: bytes | None = None
    while rows := read(after=after):
        yield from rows
        after = getattr(rows[-1], "id")  # noqa: B009 - the three have it


# ---------------------------------------------------------------- operation → rows


def _entered(evidence: Evidence, digest: Digest) -> Sequence[_Row]:
    """What an operation entered, from its message and record; nothing when it was given up."""
    row = find_operation(evidence.ours, digest)
    if row is None or row.state in GIVEN_UP or row.kind not in _ENTERED:
        return ()
    record = find_record(evidence.ours, row.record_id)
    if record is None:
        return ()
    try:
        message = read_operation(row).message
        personal = {} if record.personal is None else fields_from_bytes(record.personal)
        fields = fields_from_bytes(record.facts) | personal
        return _ENTERED[row.kind](evidence, row, message, fields)
    except (InvalidInput, NotFound, ValueError, KeyError):
        return ()  # the operation or its record cannot be read, which is told there


def _unit(
    evidence: Evidence, row: OperationRow, message: Mapping[str, Value], fields: _Fields
) -> Sequence[_Row]:
    number = integer(message, "unit")
    unit = directory.UnitRow(
        number=number, code=str(fields["code"]), name=str(fields["name"]), digest=row.digest
    )
    administrator = directory.SignerRow(
        id=SignerId(word(message, "administrator")),
        unit=number,
        signer=_new_key(evidence, row),
        name=_text(fields, "administrator_name"),
        duties=Duty.ADMINISTER,
        custody=Custody(integer(message, "custody")),
        valid_from=integer(message, "signedAt"),
        valid_until=integer(message, "validUntil"),
        digest=row.digest,
    )
    return unit, administrator


def _signer(
    evidence: Evidence, row: OperationRow, message: Mapping[str, Value], fields: _Fields
) -> Sequence[_Row]:
    return (
        directory.SignerRow(
            id=SignerId(word(message, "signer")),
            unit=integer(message, "unit"),
            signer=_new_key(evidence, row),
            name=_text(fields, "signer_name"),
            duties=Duty(integer(message, "duties")),
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "validFrom"),
            valid_until=integer(message, "validUntil"),
            digest=row.digest,
        ),
    )


def _recovered(
    evidence: Evidence, row: OperationRow, message: Mapping[str, Value], fields: _Fields
) -> Sequence[_Row]:
    """The worker enters a recovered administrator a while after the chain has the completion."""
    identifier = SignerId(word(message, "signer"))
    signer = index.find(evidence.ours, IndexedSigner, identifier)
    is_completed = signer is not None and signer.enrolled_by == row.digest
    if not is_completed or directory.find_signer(evidence.ours, identifier) is None:
        return ()
    return (
        directory.SignerRow(
            id=identifier,
            unit=integer(message, "unit"),
            signer=_new_key(evidence, row),
            name=_text(fields, "signer_name"),
            duties=Duty.ADMINISTER,
            custody=Custody(integer(message, "custody")),
            valid_from=integer(message, "signedAt"),
            valid_until=integer(message, "validUntil"),
            digest=row.digest,
        ),
    )


def _equipment(
    _evidence: Evidence, row: OperationRow, message: Mapping[str, Value], fields: _Fields
) -> Sequence[_Row]:
    unit = integer(message, "unit")
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
    _evidence: Evidence, row: OperationRow, message: Mapping[str, Value], _fields: _Fields
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


def _new_key(evidence: Evidence, row: OperationRow) -> bytes:
    signatures = list_signatures(evidence.ours, [row.digest])
    found = [each.signer for each in signatures if each.party is Party.NEW_KEY]
    if len(found) != 1:
        raise NotFound("the operation has no new key")
    return found[0]


def _text(fields: _Fields, name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else str(value)


_ENTERED: Mapping[
    str, Callable[[Evidence, OperationRow, Mapping[str, Value], _Fields], Sequence[_Row]]
] = {
    "UnitAdmission": _unit,
    "SignerEnrolment": _signer,
    "RecoveryProposal": _recovered,
    "EquipmentRegistration": _equipment,
    "CycleOpening": _cycle,
}
