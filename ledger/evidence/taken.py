"""Operations → each is one that the contracts take, by their own rules.

That a contract took an operation is only the word of whoever answers for the chain; that it would
have taken it is checked here.  What a rule needs from outside the file, such as another unit's
admission, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from ledger.domain import rules
from ledger.domain.errors import Refused, SteriLedgerError, VerificationFailed
from ledger.domain.operations import EquipmentState
from ledger.domain.subjects.accepted import CycleState, Message, integer
from ledger.evidence.facts import describe
from ledger.evidence.shape import EvidenceOperation

#: Times are compared with a block's elsewhere; here only with each other.
_NO_CLOCK = datetime.fromtimestamp(0, UTC)


def verify_terms(entry: EvidenceOperation) -> None:
    """Raise VerificationFailed unless its own values are some that the contracts know."""
    message = entry.operation.message
    with _by_the_rules(entry):
        if integer(message, "signedAt") <= 0:
            raise Refused("was signed at no time", field="signedAt", rule="Unix seconds")
        for rule in _TERMS.get(entry.operation.kind.name, ()):
            rule(message)


def verify_taken(entry: EvidenceOperation, cycle: CycleState) -> None:
    """Raise VerificationFailed unless the cycle, as it stood, could take an ending, load, decision.

    That it continues the one before is checked by the caller.
    """
    message = entry.operation.message
    with _by_the_rules(entry):
        if entry.operation.kind.name == "LoadDeclaration":
            rules.require_totals(message, cycle)
        elif entry.operation.kind.name == "CycleDecision":
            rules.require_decidable(message, cycle)


def verify_change(entry: EvidenceOperation, before: EvidenceOperation) -> None:
    """Raise VerificationFailed unless a machine as `before` left it could be changed so."""
    earlier = before.operation.message
    with _by_the_rules(entry):
        if earlier.get("state") == EquipmentState.RETIRED:
            raise Refused("the machine was retired", rule="retirement is terminal")
        if integer(entry.operation.message, "epoch") < integer(earlier, "epoch"):
            raise Refused("the counter epoch goes back", field="epoch", rule="epochs rise")


@contextmanager
def _by_the_rules(entry: EvidenceOperation) -> Iterator[None]:
    try:
        yield
    except SteriLedgerError as error:
        raise VerificationFailed(
            f"{describe(entry)} breaks a rule of the contracts: {error.what}",
            field=error.field,
            rule=error.rule,
        ) from None


def _require_validity(message: Message) -> None:
    begins = "validFrom" if "validFrom" in message else "signedAt"
    rules.require_validity(message, valid_from=integer(message, begins), now=_NO_CLOCK)


def _require_number(message: Message) -> None:
    """Whether it rises above the machine's last is not known here."""
    rules.require_rising_number(integer(message, "number"), None)


#: kind → the rules over its own values
_TERMS: Mapping[str, tuple[Callable[[Message], None], ...]] = {
    "UnitAdmission": (rules.require_roles, rules.require_custody, _require_validity),
    "SignerEnrolment": (rules.require_duties, rules.require_custody, _require_validity),
    "RecoveryProposal": (rules.require_custody, _require_validity),
    "EquipmentRegistration": (rules.require_equipment_kind,),
    "EquipmentChange": (rules.require_equipment_state,),
    "CycleOpening": (_require_number,),
    "CycleEnding": (rules.require_outcome,),
}
