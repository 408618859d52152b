"""Database → what is accepted here: the states of subjects, and what earlier records say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import ACTS, find_act
from ledger.domain.acts.vocabulary import Facts, unit_subject, word
from ledger.domain.acts.words import Custody, Right
from ledger.domain.custody.lines import find_package_name
from ledger.domain.custody.standing import Order, Suspension
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, SignerId
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.folding import Key, Memory, apply
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import (
    AssetState,
    ConsignmentState,
    CurrentWitness,
    CycleState,
    ErasureState,
    MachineState,
    ProposalState,
    ServiceState,
    SignerState,
    UnitState,
    WitnessState,
)
from ledger.steps.accepting.reading_back import read_facts, read_facts_of, read_operation
from ledger.steps.accepting.recalled import orders_of, suspensions_of
from ledger.storage import directory, index, operations, packages, records

#: the classes that several units' operations move
_MOVED: frozenset[type[Any]] = frozenset({ConsignmentState, AssetState})

S = TypeVar("S")

#: the classes that are folded from all operations about one subject
_FOLDED: Mapping[type[Any], str] = {
    UnitState: "unit",
    MachineState: "equipment",
    CycleState: "cycle",
    ErasureState: "operation",
}


class Accepted:
    """The states of subjects as accepted here; what was given up does not count.

    It is a view that nobody changes: an operation that is accepted changes it by being stored.
    """

    def __init__(self, tx: Connection, keys: Iterable[Key] = ()) -> None:
        """`keys` are those that will surely be asked for; they are read in one question."""
        self._tx = tx
        self._rows: dict[bytes, Sequence[operations.MessageRow]] = {}
        self._found: dict[Key, Any] = {}
        self._load({_subject_of(key) for cls, key in keys if cls in _FOLDED})

    def find(self, cls: type[S], *key: object) -> S | None:
        """The state with that key, or None."""
        if (cls, key) not in self._found:
            self._found[cls, key] = self._read(cls, key)
        found: S | None = self._found[cls, key]
        return found

    def put(self, state: object) -> None:
        """Never: acceptance asks rules, and applies nothing."""
        raise NotImplementedError(state)

    def _load(self, subjects: set[bytes]) -> None:
        missing = tuple(subjects - self._rows.keys())
        self._rows |= {subject: [] for subject in missing}
        for row in operations.list_messages(self._tx, missing) if missing else ():
            cast("list[operations.MessageRow]", self._rows[row.subject]).append(row)

    def _read(self, cls: type[Any], key: tuple[Any, ...]) -> Any:
        if cls in _FOLDED:
            return self._fold(cls, key)
        if cls in _MOVED:
            return self._moved(cls, key)
        readers: Mapping[type[Any], Callable[..., Any]] = {
            SignerState: self._signer,
            ProposalState: self._proposal,
            CurrentWitness: self._current,
            WitnessState: self._witness,
            ServiceState: self._service,
        }
        return readers[cls](*key)

    def _fold(self, cls: type[Any], key: tuple[Any, ...]) -> Any:
        subject = _subject_of(key)
        self._load({subject})
        memory = Memory()
        for row in self._rows[subject]:
            act = find_act(row.kind)
            if act.about == _FOLDED[cls] and act.witness is None:
                apply(read_operation(row), memory)
        return memory.find(cls, *key)

    def _moved(self, cls: type[Any], key: tuple[Any, ...]) -> Any:
        """As the chain has it, and after that what is accepted here and not on the chain yet.

        Several units move it, so that some of its operations may have been accepted elsewhere.
        """
        memory = Memory()
        indexed = index.find(self._tx, cls, *key)
        if indexed is not None:
            memory.put(indexed)
        rows = operations.list_moving(self._tx, key[0], standing=True)
        mined = index.list_by_keys(self._tx, IndexedOperation, [(row.digest,) for row in rows])
        known = {row.digest for row in mined}
        for row in rows:
            if row.digest not in known:
                apply(read_operation(row), memory)
        return memory.find(cls, *key)

    def _signer(self, signer: SignerId) -> SignerState | None:
        """As accepted here or as the chain has it; revoked where either says so."""
        indexed = index.find(self._tx, SignerState, signer)
        row = directory.find_signer(self._tx, signer)
        if row is None:
            # the chain has it and nobody enrolled it here: others did, or a recovery
            return indexed
        revoked = operations.find_standing(self._tx, "SignerRevocation", signer, unit=row.unit)
        on_chain = ZERO_DIGEST if indexed is None else indexed.revocation
        return SignerState(
            id=row.id,
            unit=row.unit,
            signer=row.signer,
            rights=Right(row.rights),
            custody=Custody(row.custody),
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            enrolment=row.digest,
            revocation=on_chain if revoked is None else revoked.digest,
        )

    def _proposal(self, digest: Digest) -> ProposalState | None:
        memory = Memory()
        indexed = index.find(self._tx, ProposalState, digest)
        row = operations.find_operation(self._tx, digest)
        if indexed is not None:
            memory.put(indexed)
        elif row is None or row.kind != "RecoveryProposal" or row.state in GIVEN_UP:
            return None
        else:
            apply(read_operation(row), memory)
        self._load({digest})
        for each in self._rows[digest]:
            if each.kind == "RecoveryVeto":
                apply(read_operation(each), memory)
        return memory.find(ProposalState, digest)

    def _current(self, kind: int, about: bytes, unit: int) -> CurrentWitness | None:
        self._load({about})
        memory = Memory()
        for row in self._rows[about]:
            witness = find_act(row.kind).witness
            if witness is not None and witness.kind == kind:
                apply(read_operation(row), memory)
        return memory.find(CurrentWitness, kind, about, unit)

    def _witness(self, digest: Digest) -> WitnessState | None:
        row = operations.find_operation(self._tx, digest)
        if row is None or find_act(row.kind).witness is None or row.state in GIVEN_UP:
            return None
        memory = Memory()
        apply(read_operation(row), memory)
        for each in operations.list_replacing(self._tx, digest):
            apply(read_operation(each), memory)
        return memory.find(WitnessState, digest)

    def _service(self, digest: Digest) -> ServiceState | None:
        """As accepted here; where another instance recorded it, as the chain has it."""
        memory = Memory()
        row = operations.find_operation(self._tx, digest)
        indexed = index.find(self._tx, ServiceState, digest)
        if row is not None and row.kind == "Service" and row.state not in GIVEN_UP:
            apply(read_operation(row), memory)
        elif row is None and indexed is not None:
            memory.put(replace(indexed, left=indexed.quantity))
        self._load({digest})
        for each in self._rows[digest]:
            if each.kind == "Service":
                apply(read_operation(each), memory)
        return memory.find(ServiceState, digest)


def _subject_of(key: tuple[Any, ...]) -> bytes:
    """The 32 bytes under which operations about it are kept."""
    only = key[0]
    return unit_subject(only) if isinstance(only, int) else bytes(only)


class AcceptedRecords:
    """What the records of accepted operations say."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    def facts_of(self, digest: bytes) -> Facts:
        """The facts of one operation's record; raises NotFound."""
        row = operations.get_operation(self._tx, digest)
        return read_facts(self._tx, row)

    def is_held(self, digest: bytes) -> bool:
        """Whether a standing incident's trace names the operation, or what it is about."""
        row = operations.get_operation(self._tx, digest)
        told = operations.list_latest_operations(self._tx, kind="Incident", limit=None)
        told = [each for each in told if each.state not in GIVEN_UP]
        replaced = {word(read_operation(each).message, "replaces") for each in told}
        standing = [each.record_id for each in told if each.digest not in replaced]
        held: set[str] = set()
        for record in records.list_by_ids(self._tx, standing):
            facts = fields_from_bytes(record.facts)
            if facts["what"] != "withdrawn":
                held |= {str(v) for path, v in facts.items() if path.split(".")[-1] == "subject"}
        names = {name for each in held if (name := find_package_name(each)) is not None}
        ids = [bytes.fromhex(each) for each in held if find_package_name(each) is None]
        names |= set(packages.list_loaded(self._tx, ids))
        for lines in packages.list_lines_of(self._tx, names).values():
            held |= {each.hex() for line in lines for each in (line.digest, line.thread) if each}
        return not held.isdisjoint({row.digest.hex(), row.subject.hex()})

    def facts_about(self, subject: bytes, *kinds: str) -> Iterator[Facts]:
        """The facts of every operation of these kinds about a subject that counts, oldest first."""
        for row in counted(operations.list_by_subject(self._tx, subject, standing=True)):
            if row.kind in kinds:
                yield read_facts(self._tx, row)

    def facts_about_each(self, subjects: Iterable[bytes], *kinds: str) -> dict[bytes, list[Facts]]:
        """The same of several subjects at once, by subject; each of them has a key."""
        about: dict[bytes, list[operations.OperationRow]] = {each: [] for each in subjects}
        for row in operations.list_by_subjects(self._tx, about, kinds=(*kinds, *_UNSAYING)):
            if row.state not in GIVEN_UP:
                about[row.subject].append(row)
        told = {
            subject: [row for row in counted(rows) if row.kind in kinds]
            for subject, rows in about.items()
        }
        facts = read_facts_of(self._tx, [row for rows in told.values() for row in rows])
        return {subject: [facts[row.digest] for row in rows] for subject, rows in told.items()}

    def orders_of(self, machine: bytes) -> Sequence[Order]:
        """The recalls that were ordered for a machine and stand, oldest first."""
        return orders_of(self._tx, machine)

    def suspensions_of(self, machine: bytes) -> Sequence[Suspension]:
        """When a machine was suspended, and whether it is."""
        return suspensions_of(self._tx, machine)


def counted(rows: Sequence[operations.OperationRow]) -> list[operations.OperationRow]:
    """Those of the standing operations about one subject, oldest first, that still say something.

    A statement that was withdrawn is left out, and what was said before a cycle's opening was
    taken back: it is about another cycle than the one that has its number now.
    """
    voids = [place for place, row in enumerate(rows) if row.kind == "CycleVoid"]
    rows = rows[voids[-1] :] if voids else rows
    withdrawn = {word(read_operation(r).message, "replaces") for r in rows if _is_entry(r.kind)}
    return [row for row in rows if row.digest not in withdrawn]


def _is_entry(kind: str) -> bool:
    return ACTS[kind].witness is not None


#: The kinds by which something that was said of a subject comes to say nothing.
_UNSAYING = frozenset({"CycleVoid", *(kind for kind in ACTS if _is_entry(kind))})
