"""The table of acts: name in addresses, kind of operation, body, and how it is drafted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from api import bodies, cycle_drafts, registry_drafts
from api.drafting import Desk
from ledger.domain.drafts import Draft
from ledger.domain.operations import KINDS, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ActKind:
    """One row."""

    #: kebab-case, as addresses and answers spell it
    name: str
    kind: Kind
    body: type[bodies.Act]
    #: the body is an instance of this row's own model
    draft: Callable[[Desk, Any], Draft]


def spell(kind: str) -> str:
    """`CycleOpening` → `cycle-opening`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def _act(kind: str, body: type[bodies.Act], draft: Callable[[Desk, Any], Draft]) -> ActKind:
    return ActKind(name=spell(kind), kind=KINDS[kind], body=body, draft=draft)


#: Their addresses are looked for in this order: the busiest first.
ACTS: Mapping[str, ActKind] = {
    act.name: act
    for act in (
        _act("CycleOpening", bodies.CycleOpening, cycle_drafts.cycle_opening),
        _act("CycleEnding", bodies.CycleEnding, cycle_drafts.cycle_ending),
        _act("LoadDeclaration", bodies.LoadDeclaration, cycle_drafts.load_declaration),
        _act("CycleDecision", bodies.CycleDecision, cycle_drafts.cycle_decision),
        _act("UnitAdmission", bodies.UnitAdmission, registry_drafts.unit_admission),
        _act("UnitClosure", bodies.UnitClosure, registry_drafts.unit_closure),
        _act("SignerEnrolment", bodies.SignerEnrolment, registry_drafts.signer_enrolment),
        _act("SignerRevocation", bodies.SignerRevocation, registry_drafts.signer_revocation),
        _act(
            "EquipmentRegistration",
            bodies.EquipmentRegistration,
            registry_drafts.equipment_registration,
        ),
        _act("EquipmentChange", bodies.EquipmentChange, registry_drafts.equipment_change),
        _act("RecoveryProposal", bodies.RecoveryProposal, registry_drafts.recovery_proposal),
        _act("RecoveryVeto", bodies.RecoveryVeto, registry_drafts.recovery_veto),
        _act("RecordErasure", bodies.RecordErasure, registry_drafts.record_erasure),
    )
}
