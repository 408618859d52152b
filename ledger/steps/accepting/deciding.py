"""Names and numbers → the draft of a decision over a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.cycle_acts import RESULT_NAMES, DecideCycle, ShareLine, draft_cycle_decision
from ledger.domain.decisions import DecisionKind
from ledger.domain.drafts import Circumstances, Draft
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import Duty
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.rules import require_cycle, require_implant_rule, require_results
from ledger.domain.subjects.accepted import CycleState
from ledger.steps.accepting.resolving import resolve_reference, resolve_signer
from ledger.steps.accepting.standing import find_cycle_state
from ledger.storage import operations, records


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRequest:
    """What a person decides, in the words that people use."""

    #: id, or machine/number
    cycle: str
    decision: DecisionKind
    shares: Sequence[ShareLine] = ()
    #: by name of RESULT_NAMES; those left out are `not_entered`
    results: Mapping[str, str] = field(default_factory=dict)
    #: name or id; None: the only one that fits
    signer: str | None = None
    #: ERC-7913 bytes of a key held elsewhere, in place of `signer`
    signer_key: bytes | None = None
    #: the digests that the person judged; None: the current ones at this moment
    ending: Digest | None = None
    load: Digest | None = None
    #: the decision that this one supersedes; None: the current one, if any
    replaces: Digest | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)


def draft_decision(tx: Connection, caller: Caller, request: DecisionRequest) -> Draft:
    """Request → draft; raises NotFound, InvalidInput or Refused in words."""
    cycle = resolve_reference(tx, caller, request.cycle)
    unit = cycle.machine.unit
    caller.require_unit(unit)
    state = require_cycle(find_cycle_state(tx, cycle.id), unit=unit)
    _require_known_results(tx, state, request)
    key = request.signer_key
    if key is None:
        key = resolve_signer(tx, caller, unit, Duty.DECIDE, request.signer).signer
    return draft_cycle_decision(
        DecideCycle(
            cycle=cycle,
            decision=request.decision,
            ending=state.ending if request.ending is None else request.ending,
            load=state.load if request.load is None else request.load,
            shares=request.shares,
            results=request.results,
            replaces=state.decision if request.replaces is None else request.replaces,
            signer=key,
            circumstances=request.circumstances,
        )
    )


def _require_known_results(tx: Connection, state: CycleState, request: DecisionRequest) -> None:
    """The rules about monitoring results, over everything that was entered for the cycle."""
    rows = operations.list_by_subject(tx, state.id, standing=True)
    opening = next(_facts(tx, row) for row in rows if row.digest == state.opening)
    known = {**_earlier_results(tx, rows), **_entered(request.results)}
    require_implant_rule(
        holds_implant=opening["holds_implant"] is True,
        decision=request.decision,
        biological=known.get("biological", "not_entered"),
    )
    require_results(
        state=state.state,
        decision=request.decision,
        adds=any(share.delta > 0 for share in request.shares),
        known=known,
        holds_indicator=opening["biological_indicator"] is True,
    )


def _earlier_results(tx: Connection, rows: Sequence[operations.OperationRow]) -> dict[str, str]:
    """The newest word that earlier decisions entered for each result."""
    known: dict[str, str] = {}
    for row in rows:
        if row.kind == "CycleDecision":
            facts = _facts(tx, row)
            known |= _entered({name: str(facts[f"results.{name}"]) for name in RESULT_NAMES})
    return known


def _entered(results: Mapping[str, str]) -> dict[str, str]:
    return {name: word for name, word in results.items() if word != "not_entered"}


def _facts(tx: Connection, row: operations.OperationRow) -> Mapping[str, FieldValue]:
    return fields_from_bytes(records.get_record(tx, row.record_id).facts)
