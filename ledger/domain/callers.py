"""Who asks, and what they may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.errors import NotFound, Refused


class Scope(StrEnum):
    """What a token allows its holder to ask for."""

    OPEN = "open"
    LOAD = "load"
    END = "end"
    RESULT = "result"
    DECIDE = "decide"
    #: dispatch, hand over, take over; the key's rights say which of them
    CUSTODY = "custody"
    REPORT = "report"
    SETTLE = "settle"
    SCAN = "scan"
    ANSWER = "answer"
    READ_UNIT = "read_unit"
    READ_ALL = "read_all"
    ADMINISTER = "administer"
    AUTHORITY = "authority"


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

    @property
    def seen_unit(self) -> int | None:
        """The unit in whose affairs this caller acts; None where all units' are seen."""
        return None if Scope.READ_ALL in self.scopes else self.unit

    def require_scope(self, scope: Scope) -> None:
        """Raise Refused unless the caller's token carries the scope."""
        if scope not in self.scopes:
            raise Refused(
                f"your account or token does not allow {scope.value!r}",
                field="token",
                rule=f"it allows {', '.join(sorted(self.scopes)) or 'nothing'}",
                remedy="ask your unit's administrator, or whoever runs this instance, for it",
            )

    def require_unit(self, unit: int) -> None:
        """Raise NotFound unless the caller acts for that unit: others' affairs do not exist."""
        if self.unit is not None and self.unit != unit:
            raise NotFound(
                f"unit {unit} is not yours", field="unit", rule="you act for your own unit"
            )


def local_administrator(person: str) -> Caller:
    """Whoever can read the home's key file: every unit, every scope."""
    return Caller(person=person, unit=None, scopes=frozenset(Scope))
