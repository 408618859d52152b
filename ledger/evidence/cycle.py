"""Checked evidence about a cycle → its reading: three verdicts, never mixed, and the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.domain.acts.cycle_ending import TOLD
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.vocabulary import integer
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import NOT_ENTERED, RESULT_NAMES
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.subjects.states import CycleState, WitnessState
from ledger.evidence.belonging import by_digest
from ledger.evidence.offline import Checked
from ledger.evidence.report import (
    ComputedVerdict,
    CycleReading,
    EnteredResult,
    Happening,
    MachinesWord,
    PersonsDecision,
)
from ledger.evidence.shape import EvidenceOperation

_MACHINE_FACTS = frozenset(
    {"fault_code", "programme", "started", "ended", "started_utc", "ended_utc", "pressure_basis"}
    | TOLD.keys()
)


def read_cycle(checked: Checked, happenings: Sequence[Happening]) -> CycleReading | None:
    """The cycle that the file is about; None when it is about something else."""
    subject = checked.evidence.subject
    cycle = checked.view.find(CycleState, subject.id) if subject.type == "cycle" else None
    if cycle is None:
        return None
    known = by_digest(checked.evidence.operations)
    machine, computed = _ending(cycle, known.get(cycle.ending))
    return CycleReading(
        equipment=cycle.equipment,
        epoch=cycle.epoch,
        number=cycle.number,
        is_open=cycle.is_open,
        machine=machine,
        computed=computed,
        decision=_decision(cycle, known.get(cycle.decision), happenings),
        results=_results(checked, known.get(cycle.decision)),
    )


def _ending(
    cycle: CycleState, ending: EvidenceOperation | None
) -> tuple[MachinesWord | None, ComputedVerdict | None]:
    if ending is None or cycle.outcome is None or cycle.verdict is None:
        return None, None
    said = {
        path: value
        for path, value in ending.facts.items()
        if path.startswith("machine.") or path in _MACHINE_FACTS
    }
    computed = {
        path: value
        for path, value in ending.facts.items()
        if path.startswith("verdict.") and path != "verdict.result"
    }
    return (
        MachinesWord(outcome=cycle.outcome.name.lower(), facts=said),
        ComputedVerdict(result=cycle.verdict.name.lower(), facts=computed),
    )


def _decision(
    cycle: CycleState, decision: EvidenceOperation | None, happenings: Sequence[Happening]
) -> PersonsDecision | None:
    if decision is None:
        return None
    return PersonsDecision(
        decision=DecisionKind(integer(decision.message, "kind")).word,
        state=cycle.state.word,
        operation=decision.digest,
        who=next(each.who for each in happenings if each.operation == decision.digest),
    )


def _results(checked: Checked, decision: EvidenceOperation | None) -> Mapping[str, EnteredResult]:
    """The newest word on each: from a decision's record, or an entry of its own that stands.

    Where the latest decision shows that nobody entered one, and no other operation does, it is not
    entered; where that is hidden, nothing is said.
    """
    unsaid = {
        name: EnteredResult(word=None, block=None)
        for name in RESULT_NAMES
        if decision is not None and f"results.{name}" in decision.facts
    }
    found = dict(unsaid)
    for entry in checked.evidence.operations:
        if entry.act.name == "CycleVoid":
            # what was said before is about another cycle than the one that has the number now
            found = dict(unsaid)
        for name, word in _entered(entry, checked):
            found[name] = EnteredResult(word=word, block=entry.place.block)
    return found


def _entered(entry: EvidenceOperation, checked: Checked) -> list[tuple[str, str]]:
    if entry.act.name == "ResultEntry":
        statement = checked.view.find(WitnessState, entry.digest)
        if statement is None or statement.replaced_by != ZERO_DIGEST:
            return []
        result, word, *_ = packed_numbers(entry.message)
        if result not in set(Result) or word not in set(ResultWord):
            return []
        return [(Result(result).name.lower(), ResultWord(word).name.lower())]
    stated = ((name, entry.facts.get(f"results.{name}")) for name in RESULT_NAMES)
    return [(name, str(word)) for name, word in stated if word not in {None, NOT_ENTERED}]
