"""Records and index → an answer about duties, in the file that reproduces it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.cycle_decision import RESULTS_IN, known_results
from ledger.domain.acts.terms import SUBJECT as TERMS_SUBJECT
from ledger.domain.acts.vocabulary import Facts
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import Custody
from ledger.domain.callers import Caller
from ledger.domain.custody.fold import ordered
from ledger.domain.custody.lines import package_subject
from ledger.domain.custody.reading import readable
from ledger.domain.duties.case import SubjectKind
from ledger.domain.duties.reading import ASKED, Question
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import (
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
    parse_hex32,
    to_hex,
)
from ledger.domain.encoding.moments import require_moment
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import (
    AssetState,
    ConsignmentState,
    CycleState,
    SignerState,
    UnitState,
    WitnessState,
)
from ledger.evidence.answers import answer_unproven, make_answer_file
from ledger.evidence.build import EvidenceSources, OperationSource
from ledger.evidence.shape import ANYTHING, OPERATION, PACKAGE, BlockReference, Subject
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.resolving import (
    asset_travels,
    nothing_called,
    parties_of,
    resolve_asset,
    resolve_consignment,
    resolve_cycle,
)
from ledger.steps.accepting.standing import Accepted, AcceptedRecords
from ledger.steps.answering.exporting import case_units, sources_of
from ledger.steps.answering.packages import find_package, operations_read, reader_of
from ledger.steps.instance import Instance
from ledger.storage import index, operations, packages, records

#: How many cycles of one machine, the nearest by number, are asked whether they tested something.
_MOST_CYCLES = 120
#: How long before and after what is asked about a shift or an outage may be told.
_AROUND_SECONDS = 2 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """An answer, and what could not go into it yet."""

    #: the file that reproduces it; empty where nobody asked for it
    file: bytes
    #: the answer as plain data
    answer: Mapping[str, Any]
    #: digests of operations about it that are accepted and not final
    pending: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Of the answer as the file has it, 0x and 64 digits: what is heard and published."""
        return to_hex(sha256(canonical(dict(self.answer))))


def find_duties(  # noqa: PLR0913 - who asks what, and for which moment
    instance: Instance,
    tx: Connection,
    caller: Caller,
    kind: str,
    text: str,
    *,
    as_of: datetime | None = None,
    then: datetime | None = None,
    block: int | None = None,
    is_proven: bool = False,
) -> Findings:
    """Every duty about a package, cycle, consignment, asset or recall that the caller may read.

    `is_proven` makes the file as well, which takes a signature check for every operation in it.
    With `block` nothing that came later is in it: what was computed then is computed again.
    Raises InvalidInput for what cannot be asked, NotFound for what is unknown or another's, and
    Refused before anything is on the chain.
    """
    until = None if block is None else _block(tx, block)
    moment = require_moment(as_of or instance.clock(), field="as_of")
    then = None if then is None else require_moment(then, field="then")
    if kind not in ASKED:
        raise InvalidInput(
            f"{kind[:40]!r} is unknown", field="kind", rule=f"one of {', '.join(ASKED)}"
        )
    asked = _GATHER[SubjectKind(kind)](tx, caller, text, block)
    if asked.package is not None and reader_of(tx, caller).is_carrier:
        raise NotFound(
            f"there is no package {asked.name}",
            field="subject",
            rule="a carrier reads the duties of what it carried, not of what was in the box",
            remedy="ask about the consignment",
        )
    question = Question(
        kind=SubjectKind(kind), subject=asked.name, as_of=moment.replace(microsecond=0), then=then
    )
    about = (*asked.own, *asked.beside, *_around(tx, asked.own, block))
    told = _operations_of(tx, about, block)
    subjects = [each for each, rows in told.items() if rows]
    named = {row.digest: row for rows in told.values() for row in rows}
    if not subjects:
        raise Refused(
            f"nothing of this {kind} is on the chain yet",
            field="subject",
            rule="an answer is of what is final",
            remedy="wait a moment: steriledger status",
        )

    def may_read(row: IndexedOperation) -> bool:
        if row.kind in {"UnitAdmission", "UnitClosure"}:
            return True  # what units are called, and that one is closed, everybody may know
        # who reads an operation reads what is said to it
        commented = named.get(Digest(row.subject)) if row.kind == "Comment" else None
        about = commented or named.get(row.digest)
        return about is not None and asked.may_read(about) and asked.may_read(row)

    is_package = asked.package is not None
    asking = Subject(type=PACKAGE, id=question.id) if is_package else subjects[0]
    sources = sources_of(instance, tx, caller, asking, asked.package, may_read=may_read)
    made_of = (
        question,
        subjects,
        instance.deployment_in(tx),
        sources if until is None else _up_to(sources, until),
        cache(lambda number: _time_of(tx, number)),
    )
    pending = tuple(to_hex(each) for each in _pending(tx, asked.own))
    tokens = case_units(tx, caller)
    if not is_proven:
        answer = answer_unproven(
            *made_of, custody_of=lambda signer: _custody_of(tx, signer), case_units=tokens
        )
        return Findings(file=b"", answer=answer, pending=pending)
    file = make_answer_file(*made_of, verify_signature=verify_signature, case_units=tokens)
    return Findings(file=file, answer=json.loads(file)["answer"], pending=pending)


def last_block(tx: Connection) -> int:
    """The newest block that holds an operation: up to it an answer can be computed again."""
    return index.last_height(tx)


def _block(tx: Connection, number: int) -> BlockReference:
    rows = index.list_rows(tx, IndexedOperation, height=number, limit=1)
    if not rows:
        raise InvalidInput(
            f"block {number} holds no operation",
            field="block",
            rule="an answer is computed up to a block that holds one",
        )
    return BlockReference(number=number, hash=rows[0].block_hash)


def _up_to(sources: EvidenceSources, until: BlockReference) -> EvidenceSources:
    """The same, without what came after a block."""

    def find(ids: AbstractSet[bytes]) -> Iterator[OperationSource]:
        return (each for each in sources.find(ids) if each.place.block <= until.number)

    return replace(sources, find=find, as_of=until)


def trace_of(tx: Connection, caller: Caller, kind: str, text: str) -> tuple[str, list[str]]:
    """How a question names its subject, and the ids that its trace names; raises as above."""
    if kind not in ASKED:
        raise NotFound(f"nothing is asked about a {kind[:40]}", field="kind")
    asked = _GATHER[SubjectKind(kind)](tx, caller, text, None)
    return asked.name, [to_hex(each.id) for each in asked.own]


def _custody_of(tx: Connection, signer: bytes) -> str:
    """Who holds a signer's key; the authority's is nobody's in the group."""
    state = index.find(tx, SignerState, SignerId(signer))
    return "authority" if state is None else Custody(state.custody).name.lower()


# ---------------------------------------------------------------- what belongs to an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a question is about."""

    #: as the question names it
    name: str
    #: its own subjects
    own: Sequence[Subject]
    #: what else is asked because of it: the machine, and what was tested near its cycle
    beside: Sequence[Subject] = ()
    #: the package, whose trace is then readable whoever said it
    package: packages.PackageRow | None = None
    #: of what others said about all this, what is for the eyes of who asks
    may_read: Callable[[IndexedOperation], bool] = lambda _row: True


def _cycle(tx: Connection, caller: Caller, text: str, block: int | None) -> _Asked:
    row = resolve_cycle(tx, caller, text)
    if caller.readable_unit not in {None, row.unit}:
        raise nothing_called("cycle", repr(text))
    own = [Subject(type="cycle", id=row.id)]
    return _Asked(name=to_hex(row.id), own=own, beside=_beside(tx, row.id, block))


def _beside(tx: Connection, cycle: bytes, block: int | None) -> list[Subject]:
    """A cycle's machine, and those of the machine's cycles that tested something near it."""
    own = index.find(tx, CycleState, CycleId(cycle))
    if own is None:
        return []
    near = _near(tx, own.equipment, own.epoch, own.number, own.number)
    return [Subject(type="equipment", id=own.equipment), *_testing(tx, near, block)]


def _near(tx: Connection, machine: bytes, epoch: int, first: int, last: int) -> list[CycleState]:
    """The opened cycles of a machine with these numbers, and the nearest to them."""
    ends = max(first - _MOST_CYCLES // 2, 0), last + _MOST_CYCLES // 2
    rows = index.list_rows(tx, CycleState, equipment=machine, epoch=epoch, between={"number": ends})
    near = sorted(rows, key=lambda each: max(first - each.number, each.number - last))
    return sorted((c for c in near[:_MOST_CYCLES] if c.is_open), key=lambda c: c.number)


def _testing(tx: Connection, cycles: Sequence[CycleState], block: int | None) -> Iterator[Subject]:
    """The cycles that tested something; after a failure all since the last pass, tested or not."""
    said = AcceptedRecords(tx).facts_about_each(
        [cycle.id for cycle in cycles], *RESULTS_IN, "CycleOpening"
    )
    passed, since = 0, None
    told: list[tuple[CycleState, bool]] = []
    for cycle in cycles:
        facts = said[cycle.id] if block is None else _facts_up_to(tx, cycle.id, block)
        entered = known_results(f for f in facts if "biological_indicator" not in f)
        tested = {entered.get(n, "not_required") for n in ("biological", "bowie_dick")}
        has_indicator = any(f.get("biological_indicator") is True for f in facts)
        told.append((cycle, has_indicator or tested != {"not_required"}))
        has_failed = any(
            f.get("results.biological") == "fail"
            or (f.get("result"), f.get("word")) == ("biological", "fail")
            for f in facts
        )
        if has_failed and since is None:
            since = passed
        if entered.get("biological") == "pass":
            passed = cycle.number
    for cycle, is_tested in told:
        if is_tested or (since is not None and cycle.number > since):
            yield Subject(type="cycle", id=cycle.id)


def _facts_up_to(tx: Connection, cycle: CycleId, block: int) -> list[Facts]:
    """What the results and the opening of a cycle said up to a block."""
    own = Subject(type="cycle", id=cycle)
    kinds = {*RESULTS_IN, "CycleOpening"}
    roots = [row.record for row in _operations_of(tx, [own], block)[own] if row.kind in kinds]
    kept = {row.root: row for row in records.list_by_roots(tx, roots)}
    return [fields_from_bytes(kept[root].facts) for root in roots if root in kept]


def _package(tx: Connection, caller: Caller, text: str, block: int | None) -> _Asked:
    found, reader = find_package(tx, caller, text), reader_of(tx, caller)
    name = found.package.name
    own: dict[Subject, None] = {}
    # What others did with it since is not even named: messages say who and when without a record.
    for _, line in readable(reader, found.package, ordered(found.lines)):
        if line.kind in {"LoadDeclaration", "CycleDecision"} and line.thread is not None:
            own[Subject(type="cycle", id=line.thread)] = None
        elif ACTS[line.kind].about == "consignment" and line.thread is not None:
            own[Subject(type="consignment", id=line.thread)] = None
        else:
            own[Subject(type=OPERATION, id=line.digest)] = None
    beside = [b for each in own if each.type == "cycle" for b in _beside(tx, each.id, block)]
    return _Asked(
        name=name,
        own=list(own),
        beside=beside,
        package=packages.find_package_by_subject(tx, package_subject(name)),
        may_read=operations_read(reader, found.package, found.lines),
    )


def _consignment(tx: Connection, caller: Caller, text: str, _block: int | None) -> _Asked:
    try:
        identifier = resolve_consignment(tx, caller, text).id
    except NotFound:
        raise nothing_called("consignment", repr(text)) from None
    state = Accepted(tx).find(ConsignmentState, identifier)
    unit = caller.readable_unit
    steps = map(read_operation, operations.list_messages(tx, [identifier]))
    parties: frozenset[int] = frozenset() if state is None else parties_of(state, steps)
    if state is None or unit not in {None, *parties}:
        raise nothing_called("consignment", repr(text))
    # whoever only carried it reads counts and seals, and no list
    reads_lists = unit in {None, state.giver, state.receiver}
    return _Asked(
        name=to_hex(identifier),
        own=[Subject(type="consignment", id=identifier)],
        may_read=lambda row: reads_lists and (row.kind != "Comment" or row.unit in parties),
    )


def _recall(tx: Connection, caller: Caller, text: str, block: int | None) -> _Asked:
    digest = parse_hex32(text, field="recall")
    row = operations.find_operation(tx, Digest(digest), unit=caller.readable_unit)
    if row is None or row.kind != "RecallOrder":
        raise nothing_called("recall", repr(text))
    machine = EquipmentId(row.subject)
    epoch, first, last, _ = packed_numbers(read_operation(row).message)
    near = _near(tx, machine, epoch, first, last)
    own = [Subject(type="equipment", id=machine)]
    return _Asked(name=to_hex(digest), own=own, beside=list(_testing(tx, near, block)))


def _asset(tx: Connection, caller: Caller, text: str, _block: int | None) -> _Asked:
    """An asset: its owner and who has it read all of it, who had it up to its own hand-over."""
    row = resolve_asset(tx, caller, text, unit=caller.unit, had=True)
    state = Accepted(tx).find(AssetState, row.id)
    travels, unit = asset_travels(tx, row.id), caller.readable_unit
    parties = frozenset({row.unit}).union(*travels.values())
    part = {each: units for each, units in travels.items() if unit in units}
    is_whole = state is not None and unit in {None, *state.units}
    if not is_whole and not part:
        # an asset that is offered is known to all, and what was done with it is not
        raise nothing_called("asset", repr(text))
    told = list(index.list_operations_about(tx, row.id))
    gave = {key for key in part if _is_side(tx, key, unit)}

    def may_read(each: IndexedOperation) -> bool:
        if each.kind == "Comment":
            return each.unit in parties
        # whoever only carried it reads counts and seals
        return is_whole or each.subject in gave or (bool(gave) and each.subject not in travels)

    if is_whole:
        own = [Subject(type="asset", id=row.id)]
    else:
        moments = (each.signed_at for key in part for each in operations.list_by_subject(tx, key))
        until = max(moments, default=0)
        own = [
            Subject(type=OPERATION, id=each.digest)
            for each in told
            if each.subject == row.id and (each.unit == unit or _signed_at(each) <= until)
        ]
    threads = travels if is_whole else part
    own += [Subject(type="consignment", id=each) for each in threads]
    return _Asked(name=to_hex(row.id), own=own, may_read=may_read)


def _is_side(tx: Connection, consignment: bytes, unit: int | None) -> bool:
    """Whether a unit gives or receives it, and does not only carry it."""
    state = Accepted(tx).find(ConsignmentState, consignment)
    return state is not None and unit in {state.giver, state.receiver}


def _signed_at(row: IndexedOperation) -> int:
    return int(json.loads(row.message).get("signedAt") or 0)


_TO_A_RECEIVER = frozenset({"Dispatch", "Disposition", "ClosedUnitDisposition"})
_GATHER = {
    SubjectKind.CYCLE: _cycle,
    SubjectKind.PACKAGE: _package,
    SubjectKind.CONSIGNMENT: _consignment,
    SubjectKind.RECALL: _recall,
    SubjectKind.ASSET: _asset,
}


def _around(tx: Connection, own: Iterable[Subject], block: int | None) -> Iterator[Subject]:
    """The terms; the shifts of the keys that signed, and the outages of the units that acted."""
    yield Subject(type=ANYTHING, id=TERMS_SUBJECT)
    rows = [row for told in _operations_of(tx, own, block).values() for row in told]
    if not rows:
        return
    first = min(row.timestamp for row in rows) - _AROUND_SECONDS
    last = max(row.timestamp for row in rows) + _AROUND_SECONDS
    signed: dict[str, list[int]] = {}
    for row in rows:
        message = json.loads(row.message)
        if message.get("signedBy"):
            signed.setdefault(message["signedBy"], []).append(int(message["signedAt"]))
    for signer, moments in sorted(signed.items()):
        yield from _shifts(tx, bytes.fromhex(signer[2:]), moments, block)
    yield from _closures(tx, rows)
    for unit in sorted({row.unit for row in rows}):
        told = index.list_rows(tx, WitnessState, kind=_kind_of("Outage"), unit=unit)
        keys = [(witness.digest,) for witness in told]
        declared = {row.digest: row for row in index.list_by_keys(tx, IndexedOperation, keys)}
        for witness in told:
            outage = declared.get(witness.digest)
            if outage is not None and first <= outage.timestamp <= last:
                yield Subject(type=OPERATION, id=witness.digest)


def _closures(tx: Connection, rows: Iterable[IndexedOperation]) -> Iterator[Subject]:
    """That a unit was closed to which something was on its way."""
    named = {json.loads(r.message).get("receiver") for r in rows if r.kind in _TO_A_RECEIVER}
    for unit in sorted(int(each) for each in named if each):
        state = index.find(tx, UnitState, unit)
        if state is not None and state.is_closed:
            yield Subject(type=OPERATION, id=state.closure)


def _shifts(
    tx: Connection, signer: bytes, moments: Sequence[int], block: int | None
) -> Iterator[Subject]:
    """Of a key's shifts those that were open when it signed, or had begun last before it.

    One whose record is not here may be any of them; one that replaces another stands with it.
    """
    begun: dict[bytes, tuple[float, float]] = {}
    states = index.list_rows(tx, WitnessState, kind=_kind_of("Shift"), about=signer)
    if block is not None:
        told = _operations_of(tx, [Subject(type=OPERATION, id=s.digest) for s in states], block)
        known = {each.id for each, found in told.items() if found}
        states = [state for state in states if state.digest in known]
    rows = operations.list_by_digests(tx, [state.digest for state in states])
    kept = {row.id: row for row in records.list_by_ids(tx, [row.record_id for row in rows])}
    for row in rows:
        facts = fields_from_bytes(kept[row.record_id].facts)
        ended = _seconds(facts["ended_at"]) or float("inf")
        begun[row.digest] = _seconds(facts["begun_at"]) or 0.0, ended
    for state in states:
        begun.setdefault(state.digest, (float("-inf"), float("inf")))
    wanted: set[bytes] = set()
    for moment in moments:
        before = [digest for digest, (since, _) in begun.items() if since <= moment]
        wanted |= {digest for digest in before if moment <= begun[digest][1]}
        wanted |= set(sorted(before, key=lambda digest: begun[digest])[-1:])
    for state in states:
        if state.digest in wanted or state.replaced_by in wanted or state.replaces in wanted:
            yield Subject(type=OPERATION, id=state.digest)


def _seconds(moment: FieldValue) -> float | None:
    return None if moment is None else datetime.fromisoformat(str(moment)).timestamp()


def _kind_of(name: str) -> int:
    witness = ACTS[name].witness
    return 0 if witness is None else witness.kind


def _operations_of(
    tx: Connection, subjects: Iterable[Subject], block: int | None = None
) -> dict[Subject, Sequence[IndexedOperation]]:
    """What the chain has about each subject, in their order; up to a block."""
    asked = list(dict.fromkeys(subjects))
    named = [each.id for each in asked if each.type == OPERATION]
    itself = {
        bytes(row.digest): row
        for row in index.list_by_keys(tx, IndexedOperation, [(each,) for each in named])
    }
    about = index.list_operations_about_each(
        tx, [each.id for each in asked if each.type != OPERATION]
    )
    told: dict[Subject, Sequence[IndexedOperation]] = {
        each: ([itself[each.id]] if each.id in itself else [])
        if each.type == OPERATION
        else about[each.id]
        for each in asked
    }
    if block is None:
        return told
    return {each: [row for row in rows if row.height <= block] for each, rows in told.items()}


def _time_of(tx: Connection, number: int) -> int:
    """Unix seconds of a block that holds an operation."""
    return index.list_rows(tx, IndexedOperation, height=number, limit=1)[0].timestamp


def _pending(tx: Connection, subjects: Iterable[Subject]) -> list[bytes]:
    ids = [subject.id for subject in subjects]
    rows = [*operations.list_by_subjects(tx, ids), *operations.list_by_digests(tx, ids)]
    return sorted(
        {
            bytes(row.digest)
            for row in rows
            if row.state is not OperationState.FINAL and row.state not in GIVEN_UP
        }
    )
