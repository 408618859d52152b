"""Records and index → an evidence file about anything that the caller may read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Named, unit_subject
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.custody.fold import fold
from ledger.domain.custody.lines import package_subject
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import Inconsistent, InvalidInput, Refused
from ledger.domain.operations import message_from_json
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.folding import SUBJECTS
from ledger.domain.subjects.indexed import IndexedOperation, IndexedSignature
from ledger.domain.subjects.states import SignerState
from ledger.evidence.build import (
    EvidenceSources,
    OperationSource,
    PartSource,
    RecordSource,
    build_evidence,
)
from ledger.evidence.selection import PERSONAL, Selection
from ledger.evidence.shape import (
    ANYTHING,
    OPERATION,
    PACKAGE,
    SUBJECT_TYPES,
    BlockReference,
    ChainReference,
    Subject,
)
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.meaning import resolve_package
from ledger.steps.accepting.parsing import Asker, parse
from ledger.steps.accepting.resolving import is_id, nothing_called, resolve_cycle, resolve_unit
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.answering.packages import operations_read, reader_of
from ledger.steps.instance import Instance
from ledger.storage import directory, index, operations, packages, pages, readings, records


def export_evidence(  # noqa: PLR0913 - what to show of which subject to whom
    instance: Instance,
    tx: Connection,
    caller: Caller,
    subject: Subject,
    *,
    disclose: Sequence[str] | None = None,
    attach_readings: bool = False,
) -> bytes:
    """The evidence file about a subject that the caller may read.

    Raises NotFound for an unknown or foreign subject, Refused while an operation of it is not final
    or where another unit's people would be named, and InvalidInput when a path of `disclose`
    matches nothing.
    """
    package = None
    if subject.type == PACKAGE:
        package = packages.find_package_by_subject(tx, subject.id)
    units = _units_of(tx, subject, package)
    if caller.readable_unit not in {None, *units}:
        raise nothing_called(subject.type, to_hex(subject.id))
    if package is not None and reader_of(tx, caller).is_carrier:
        raise Refused(
            "who carries a package has no file of it",
            field=subject.type,
            rule="a carrier reads that it carried and for whom",
            remedy="ask the unit that owns the package",
        )
    if caller.unit not in {None, *units}:
        _require_nobody_named(disclose or (), attach_readings=attach_readings)
    sources = sources_of(instance, tx, caller, subject, package)
    _require_final(tx, subject, package)
    return build_evidence(
        subject,
        instance.deployment_in(tx),
        sources,
        disclose=Selection(
            disclose=None if disclose is None else tuple(disclose),
            attach_readings=attach_readings,
            case_units=case_units(tx, caller),
        ),
        verify_signature=verify_signature,
    )


def sources_of(  # noqa: PLR0913, PLR0917 - who asks, about what, and what they may read
    instance: Instance,
    tx: Connection,
    caller: Caller,
    subject: Subject,
    package: packages.PackageRow | None = None,
    may_read: Callable[[IndexedOperation], bool] | None = None,
) -> EvidenceSources:
    """What evidence may be made of for a caller; raises Refused before anything is on the chain.

    `may_read` says of another unit's operation whether its facts are the caller's to read as well;
    where it is not said, those of a `package` are as far as its trace is.
    """
    cursor = index.find_cursor(tx)
    if cursor is None:
        raise Refused(
            "nothing of this home is on the chain yet",
            field=subject.type,
            rule="evidence proves what is final",
            remedy="start it and wait a moment: steriledger up",
        )
    if may_read is None:
        may_read = _nothing if package is None else _trace_of(tx, caller, package.name)
    reader = _Reader(
        instance=instance,
        tx=tx,
        caller=caller,
        subject=subject,
        package=package,
        may_read=may_read,
    )
    return EvidenceSources(
        find=reader.find,
        as_of=BlockReference(number=cursor.height, hash=cursor.hash),
        find_reading=reader.find_reading,
    )


def _nothing(_row: IndexedOperation) -> bool:
    return False


def _trace_of(tx: Connection, caller: Caller, package: str) -> Callable[[IndexedOperation], bool]:
    lines = packages.list_lines(tx, package)
    return operations_read(reader_of(tx, caller), fold(package, lines), lines)


def _require_nobody_named(disclose: Sequence[str], *, attach_readings: bool) -> None:
    """Raise Refused where another unit's people would be named."""
    if any(PERSONAL in each for each in disclose):
        raise Refused(
            "only a unit itself shows its people",
            field="token",
            rule="personal fields of another unit are not yours to disclose",
        )
    if attach_readings:
        raise Refused(
            "only a unit itself gives its printouts out",
            field="token",
            rule="a printout may name people of the unit that it is from",
            remedy="leave readings out, or ask that unit",
        )


def resolve_subject(tx: Connection, caller: Caller, subject_type: str, text: str) -> Subject:
    """A subject by its id, or as people call it; raises InvalidInput and NotFound."""
    if subject_type not in SUBJECT_TYPES:
        raise InvalidInput(
            f"{subject_type[:40]!r} is unknown",
            field="type",
            rule=f"one of {', '.join(SUBJECT_TYPES)}",
        )
    if subject_type == PACKAGE and not is_id(text):
        name = resolve_package(tx, text, unit_number=lambda named: resolve_unit(tx, named).number)
        return Subject(type=subject_type, id=package_subject(name))
    if is_id(text) or subject_type in {OPERATION, ANYTHING}:
        return Subject(type=subject_type, id=parse_hex32(text, field=subject_type))
    if subject_type == "cycle":
        return Subject(type=subject_type, id=resolve_cycle(tx, caller, text).id)
    asker = Asker(tx=tx, caller=caller, unit=caller.unit)
    found = parse(Named(subject_type), text, asker, subject_type)
    return Subject(
        type=subject_type, id=unit_subject(found) if isinstance(found, int) else bytes(found)
    )


def case_units(tx: Connection, caller: Caller) -> frozenset[int]:
    """The units whose tokens of cases the caller may show: its own; an auditor's are all."""
    if caller.readable_unit is not None:
        return frozenset({caller.readable_unit})
    return frozenset(row.number for row in directory.list_units(tx, limit=_MOST_UNITS))


_MOST_UNITS = 10_000


def _units_of(
    tx: Connection, subject: Subject, package: packages.PackageRow | None = None
) -> set[int]:
    """The units whose subject it is: one, or all that said something about anything.

    Of a package it is the one that owns it and the one that has it.
    """
    if package is not None:
        return {each for each in (package.owner, package.holder) if each is not None}
    if subject.type == "unit":
        return {int.from_bytes(subject.id)}
    if subject.type in SUBJECTS:
        cls = SUBJECTS[subject.type]
        state: Any = Accepted(tx).find(cls, subject.id) or index.find(tx, cls, subject.id)
        return set() if state is None else set(state.units)
    if subject.type == OPERATION:
        row: Any = operations.find_operation(tx, subject.id) or index.find(
            tx, IndexedOperation, subject.id
        )
        return set() if row is None else {row.unit}
    spoken = {row.unit for row in operations.list_by_subject(tx, subject.id)}
    return spoken | {row.unit for row in index.list_operations_about(tx, subject.id)}


def _require_final(tx: Connection, subject: Subject, package: packages.PackageRow | None) -> None:
    rows = operations.list_by_subject(tx, subject.id)
    if package is not None:
        rows = operations.list_by_digests(tx, _told_of(tx, package.name))
        threads = {row.subject for row in rows if find_act(row.kind).about in _THREADS}
        rows += operations.list_by_subjects(tx, threads)
    itself = operations.find_operation(tx, subject.id)
    waiting = [
        row
        for row in (*rows, *([] if itself is None else [itself]))
        if row.state is not OperationState.FINAL and row.state not in GIVEN_UP
    ]
    if waiting:
        states = ", ".join(f"{row.kind} is {row.state}" for row in waiting)
        raise Refused(
            f"the {subject.type} is not yet final on the chain: {states}",
            field=subject.type,
            rule="evidence proves what is final",
            remedy="wait a moment and ask again; steriledger status shows what is owed",
        )


#: what a package goes through together with others
_THREADS = frozenset({"cycle", "consignment"})


def _told_of(tx: Connection, package: str) -> set[bytes]:
    """The operations whose records name a package."""
    return {line.digest for line in packages.list_lines(tx, package)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What is kept of some operations."""

    #: by operation; one whose signatures nobody here knows has no key
    signatures: Mapping[Digest, Sequence[IndexedSignature | operations.SignatureRow]]
    #: by root
    stored: Mapping[bytes, records.RecordRow]
    #: by record
    secrets: Mapping[str, records.RecordSecretsRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """What is stored, as far as somebody may see it."""

    instance: Instance
    tx: Connection
    caller: Caller
    subject: Subject
    package: packages.PackageRow | None
    may_read: Callable[[IndexedOperation], bool]

    def find(self, ids: AbstractSet[bytes]) -> Iterable[OperationSource]:
        """The operations that these 32 bytes name, are the subjects of, or are brought by."""
        tx = self.tx
        if self.package is not None and self.subject.id in ids:
            ids = ids | _told_of(tx, self.package.name)
        signers = index.list_by_keys(tx, SignerState, [(each,) for each in ids])
        named = {*ids, *(signer.enrolment for signer in signers)}
        about = index.list_operations_about_each(tx, sorted(ids))
        rows = {
            row.digest: row
            for row in (
                *index.list_by_keys(tx, IndexedOperation, [(each,) for each in named]),
                *(row for told in about.values() for row in told),
            )
        }
        kept = self._kept(rows)
        return [self._source(row, kept) for row in rows.values()]

    def _kept(self, rows: Mapping[Digest, IndexedOperation]) -> _Kept:
        """What is kept of some operations, each table asked once."""
        tx = self.tx
        signed = index.list_signatures_of(tx, rows)
        elsewhere = [digest for digest in rows if digest not in signed]
        stored = records.list_by_roots(tx, {row.record for row in rows.values()})
        return _Kept(
            # As the chain received them; where they came through another contract, as we keep them.
            signatures={**signed, **pages.signatures_of(tx, elsewhere)},
            stored={record.root: record for record in stored},
            secrets=pages.secrets_of(tx, [record.id for record in stored]),
        )

    def _source(self, row: IndexedOperation, kept: _Kept) -> OperationSource:
        act = find_act(row.kind)
        signatures = kept.signatures.get(row.digest)
        if not signatures:
            raise Inconsistent(
                f"nobody here knows the signatures of a {row.kind} that the chain holds",
                remedy="ask the instance that recorded it for the evidence",
            )
        return OperationSource(
            act=act,
            message=message_from_json(act, row.message),
            signatures={each.party: each.signature for each in signatures},
            keys={
                each.party: each.signer for each in signatures if each.party is not Party.AUTHORITY
            },
            record=self._record(row, kept),
            place=ChainReference(block=row.height, log_index=row.position),
        )

    def _record(self, row: IndexedOperation, kept: _Kept) -> RecordSource | None:
        """None where it is kept elsewhere, or not the caller's to read."""
        record = kept.stored.get(row.record)
        if record is None:
            return None
        # Who may read a package reads its lines, whoever said them; no other line is shown.  What
        # the authority said is said to all.
        is_open = Party.AUTHORITY in find_act(row.kind).parties or self.may_read(row)
        if not is_open and self.caller.readable_unit not in {None, record.unit}:
            return None
        secrets, vault = kept.secrets[record.id], self.instance.vault
        facts = PartSource(
            root=record.facts_root,
            fields=fields_from_bytes(record.facts),
            secret=vault.decrypt(secrets.facts_secret, purpose=FACTS_PURPOSE, row=record.id),
        )
        personal = PartSource(root=record.personal_root, fields=None, secret=None)
        is_own = self.caller.unit in {None, record.unit}
        if is_own and record.personal is not None and secrets.personal_secret is not None:
            personal = PartSource(
                root=record.personal_root,
                fields=fields_from_bytes(record.personal),
                secret=vault.decrypt(
                    secrets.personal_secret, purpose=PERSONAL_PURPOSE, row=record.id
                ),
            )
        return RecordSource(facts=facts, personal=personal)

    def find_reading(self, sha256: str) -> bytes | None:
        """A reading that the caller may see."""
        found = readings.find_reading(self.tx, bytes.fromhex(sha256), unit=self.caller.unit)
        return None if found is None else found.raw
