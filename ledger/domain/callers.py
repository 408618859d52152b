"""Who asks, and what they may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.errors import NotFound, Refused
from ledger.domain.records.commitments import FieldValue


class Scope(StrEnum):
    """What a token allows its holder to ask for."""

    OPEN = "open"
    LOAD = "load"
    END = "end"
    RESULT = "result"
    DECIDE = "decide"
    READ_UNIT = "read_unit"
    READ_ALL = "read_all"
    ADMINISTER = "administer"
    AUTHORITY = "authority"


#: The scope that each kind of operation asks for.
SCOPE_OF_KIND: Mapping[str, Scope] = {
    "UnitAdmission": Scope.AUTHORITY,
    "UnitClosure": Scope.AUTHORITY,
    "RecoveryProposal": Scope.AUTHORITY,
    "SignerEnrolment": Scope.ADMINISTER,
    "SignerRevocation": Scope.ADMINISTER,
    "EquipmentRegistration": Scope.ADMINISTER,
    "EquipmentChange": Scope.ADMINISTER,
    "RecoveryVeto": Scope.ADMINISTER,
    "RecordErasure": Scope.ADMINISTER,
    "CycleOpening": Scope.OPEN,
    "CycleEnding": Scope.END,
    "LoadDeclaration": Scope.LOAD,
    "CycleDecision": Scope.DECIDE,
}
#: How a decision's record names its monitoring results, and what it says where there is none.
_RESULTS, _NOT_ENTERED = "results.", "not_entered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One person at one unit, or whoever administers this instance on its own machine."""

    person: str
    #: None: the local administrator, who may act for every unit whose keys this instance holds
    unit: int | None
    scopes: frozenset[Scope]
    #: None for the local administrator
    token_id: str | None = None
    #: id of the server-held key that signs for this person; None when they bring their own
    signer: bytes | None = None
    #: that key's ERC-7913 bytes
    signer_key: bytes | None = None

    @property
    def readable_unit(self) -> int | None:
        """The unit whose records this caller may read; None means every unit's.

        Raises Refused when the caller may read nothing.
        """
        if Scope.READ_ALL in self.scopes:
            return None
        self.require_scope(Scope.READ_UNIT)
        return self.unit

    def require_scope(self, scope: Scope) -> None:
        """Raise Refused unless the caller's token carries the scope."""
        if scope not in self.scopes:
            raise Refused(
                f"your token does not allow {scope.value!r}",
                field="token",
                rule=f"it allows {', '.join(sorted(self.scopes)) or 'nothing'}",
                remedy="ask whoever runs this instance for a token with that scope",
            )

    def require_act(self, kind: str, facts: Mapping[str, FieldValue]) -> None:
        """Raise Refused unless the caller may ask for an operation with such a record.

        Results are entered in a decision: who only decides rests on those entered before.
        """
        self.require_scope(SCOPE_OF_KIND[kind])
        if any(map(_is_result, facts.items())):
            self.require_scope(Scope.RESULT)

    def require_unit(self, unit: int) -> None:
        """Raise NotFound unless the caller acts for that unit: others' affairs do not exist."""
        if self.unit is not None and self.unit != unit:
            raise NotFound(
                f"unit {unit} is not yours", field="unit", rule="you act for your own unit"
            )


def _is_result(fact: tuple[str, FieldValue]) -> bool:
    path, value = fact
    return path.startswith(_RESULTS) and value != _NOT_ENTERED


def local_administrator(person: str) -> Caller:
    """Whoever can read the home's key file: every unit, every scope."""
    return Caller(person=person, unit=None, scopes=frozenset(Scope))
