"""The directory beside the accepted operations that entered it, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Facts, Recorded, word
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import Digest, SignerId
from ledger.domain.errors import SteriLedgerError
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.folding import Memory, apply, complete_recovery
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.entering import ENTERING, DirectoryRow, rows_of, signer_rows
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.auditing.evidence import Stored
from ledger.steps.auditing.paging import check_page
from ledger.storage import directory, index
from ledger.storage.operations import OperationRow, SignatureRow, list_operations
from ledger.storage.pages import directory_keys, operations_of, signatures_of
from ledger.storage.records import RecordRow, list_by_ids

_PAGE = 200
_TABLES: Mapping[type[DirectoryRow], tuple[str, str]] = {
    directory.UnitRow: ("units", "number"),
    directory.SignerRow: ("signers", "id"),
    directory.EquipmentRow: ("equipment", "id"),
    directory.CycleRow: ("cycles", "id"),
    directory.ConsignmentRow: ("consignments", "id"),
    directory.AssetRow: ("assets", "id"),
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
    for kind in sorted(_ENTERING):
        _check_entered(evidence, kind)


def _load(evidence: Stored, operations: Mapping[Digest, OperationRow]) -> _Entering:
    standing = [row for row in operations.values() if row.kind in _ENTERING]
    keyed = [row.digest for row in standing if row.kind in _WITH_NEW_KEY]
    return _Entering(
        evidence=evidence,
        operations=operations,
        records={
            row.id: row for row in list_by_ids(evidence.ours, [each.record_id for each in standing])
        },
        signatures=signatures_of(evidence.ours, keyed),
    )


def _check_stored(row: DirectoryRow, entering: _Entering) -> None:
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


def _compare(evidence: Stored, expected: DirectoryRow, row: DirectoryRow) -> None:
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


def _key(row: DirectoryRow) -> tuple[str, object]:
    table, key = _TABLES[type(row)]
    return table, getattr(row, key)


def _stored(evidence: Stored) -> Iterator[Sequence[DirectoryRow]]:
    """Every row of the directory, in pages."""
    tx = evidence.ours
    number = 0
    while page := directory.list_units(tx, after=number, limit=_PAGE):
        yield page
        number = page[-1].number
    for read in (
        partial(directory.list_signers, tx, limit=_PAGE),
        partial(directory.list_equipment, tx, limit=_PAGE),
        partial(directory.list_cycles, tx, limit=_PAGE),
        partial(directory.list_consignments, tx, limit=_PAGE),
        partial(directory.list_assets, tx, limit=_PAGE),
    ):
        yield from _paged(read)


def _paged(read: Callable[..., Sequence[DirectoryRow]]) -> Iterator[Sequence[DirectoryRow]]:
    after: bytes | None = None
    while rows := read(after=after):
        yield rows
        after = getattr(rows[-1], "id")  # noqa: B009 - all these have it


# ---------------------------------------------------------------- operation → rows


def _entered(entering: _Entering, row: OperationRow) -> Sequence[DirectoryRow]:
    """What an operation entered, from its message and record; nothing when it was given up."""
    record = entering.records.get(row.record_id)
    if row.state in GIVEN_UP or row.kind not in _ENTERING or record is None:
        return ()
    try:
        signatures = entering.signatures.get(row.digest, ())
        new_key = next((s.signer for s in signatures if s.party is Party.NEW_KEY), b"")
        recorded = replace(read_operation(row), new_key=new_key)
        facts = fields_from_bytes(record.facts)
        personal = None if record.personal is None else fields_from_bytes(record.personal)
        if row.kind == _PROPOSAL:
            return _recovered(entering, recorded, personal or {})
        return rows_of(recorded, facts, personal)
    except (SteriLedgerError, ValueError, KeyError):
        return ()  # the operation or its record cannot be read, which is told there


def _recovered(
    entering: _Entering, recorded: Recorded, personal: Facts
) -> Sequence[directory.SignerRow]:
    """The worker enters a recovered administrator a while after the chain has the completion."""
    identifier = SignerId(word(recorded.message, recorded.act.key_member))
    state = index.find(entering.evidence.ours, SignerState, identifier)
    is_completed = state is not None and state.enrolment == recorded.digest
    if not is_completed or directory.find_signer(entering.evidence.ours, identifier) is None:
        return ()
    memory = Memory()
    apply(recorded, memory)
    complete_recovery(recorded.digest, memory)
    return signer_rows(recorded, memory, personal)


_PROPOSAL = "RecoveryProposal"
_ENTERING = ENTERING | {_PROPOSAL}
#: the kinds of operation that bring a key
_WITH_NEW_KEY = frozenset(name for name in _ENTERING if ACTS[name].key_member)
