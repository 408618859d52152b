"""The rules that decide whether an operation may be accepted, each a check that raises in words.

They are the contracts' own rules (contracts/UnitRegistry.sol, contracts/CycleLedger.sol), tested
before acceptance so that nothing is promised which the chain would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import cast

from ledger.domain.decisions import DecisionKind, DecisionState, next_state, require_shares
from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, to_hex
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.operations import (
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Outcome,
    UnitRole,
    Verdict,
)
from ledger.domain.subjects.accepted import (
    CycleState,
    MachineState,
    Message,
    SignerState,
    UnitState,
    integer,
    items,
    word,
)

#: How far `signedAt` may lie ahead of the block time; the contracts' SKEW_SECONDS.
SKEW_SECONDS = 300
#: The contracts' bound on `LoadDeclaration.totals`.
MOST_TOTALS = 64

#: How long a proposed administrator may be vetoed; the contract's RECOVERY_DELAY.
RECOVERY_DELAY_SECONDS = 7 * 24 * 3600

RELEASES = frozenset(
    {
        DecisionKind.RELEASE,
        DecisionKind.RELEASE_BIOLOGICAL_PENDING,
        DecisionKind.EMERGENCY_RELEASE,
    }
)
#: The states in which packages may be used; the contract's LAST_RELEASED_STATE and below.
USABLE = frozenset(
    {
        DecisionState.RELEASED,
        DecisionState.RELEASED_BIOLOGICAL_PENDING,
        DecisionState.RELEASED_EMERGENCY,
    }
)
#: Results that keep a load from being used.
BAD_RESULTS = frozenset({"fail", "invalid"})


def require_signed_at(message: Message, now: datetime) -> None:
    """`signedAt` is neither zero nor in the future."""
    signed_at = integer(message, "signedAt")
    if signed_at <= 0:
        raise InvalidInput("is not a time", field="signedAt", rule="Unix seconds")
    if signed_at > int(now.timestamp()) + SKEW_SECONDS:
        raise InvalidInput(
            f"{_moment(signed_at)} lies in the future",
            field="signedAt",
            rule=f"at most {SKEW_SECONDS} seconds ahead of the chain's clock",
            remedy="set the clock of the device that signs",
        )


def require_known_unit(unit: UnitState | None, number: int, *, field: str) -> UnitState:
    """The unit was admitted, and may be closed by now."""
    if unit is None:
        raise NotFound(
            f"unit {number} is not admitted",
            field=field,
            remedy="have the authority admit it: steriledger unit admit",
        )
    return unit


def require_open_unit(unit: UnitState | None, number: int, *, field: str = "unit") -> UnitState:
    """The unit is admitted and not closed."""
    unit = require_known_unit(unit, number, field=field)
    if unit.is_closed:
        raise Refused(f"unit {number} is closed", field=field, rule="a closed unit no longer acts")
    return unit


def require_signer(
    signer: SignerState | None, *, unit: int, duty: Duty, signed_at: int, field: str = "signer"
) -> SignerState:
    """The signer acts for `unit` with `duty`, is not revoked, and is valid at `signed_at`."""
    if signer is None:
        raise NotFound(
            "the signing key is not enrolled",
            field=field,
            remedy="have the unit's administrator enrol it: steriledger signer enrol",
        )
    if signer.unit != unit:
        raise Refused(
            f"the signer acts for unit {signer.unit}, not for unit {unit}",
            field=field,
            rule="a signer acts only for its own unit",
        )
    if signer.revocation is not None:
        raise Refused(
            "the signer is revoked",
            field=field,
            rule="revocation is terminal",
            remedy="sign with another key of the unit",
        )
    if duty & ~Duty(signer.duties):
        raise Refused(
            f"the signer does not hold the duty {duty_words(duty & ~Duty(signer.duties))}",
            field=field,
            rule=f"it holds {duty_words(Duty(signer.duties))}",
        )
    _require_valid_at(signer, signed_at, field)
    return signer


def _require_valid_at(signer: SignerState, signed_at: int, field: str) -> None:
    if signed_at < signer.valid_from:
        raise Refused(
            f"the signer is valid only from {_moment(signer.valid_from)}",
            field=field,
            rule="signedAt lies within the signer's validity",
        )
    if signer.valid_until and signed_at > signer.valid_until:
        raise Refused(
            f"the signer expired at {_moment(signer.valid_until)}",
            field=field,
            rule="signedAt lies within the signer's validity",
        )


def require_validity(message: Message, *, valid_from: int, now: datetime) -> None:
    """A new key's validity ends after it begins and has not ended already."""
    valid_until = integer(message, "validUntil")
    if valid_until and (valid_until <= valid_from or valid_until <= int(now.timestamp())):
        raise InvalidInput(
            f"ends at {_moment(valid_until)}",
            field="valid_until",
            rule="after it begins, and not in the past; leave it out for no expiry",
        )


def require_duties(message: Message) -> None:
    """A signer has at least one duty, and only known ones."""
    duties = integer(message, "duties")
    known = sum(Duty)
    if duties == 0 or duties & ~known:
        raise InvalidInput(
            "names no duty or an unknown one",
            field="duties",
            rule=f"one or more of {duty_words(Duty(known))}",
        )


def require_roles(message: Message) -> None:
    """A unit has at least one role, and only known ones."""
    roles = integer(message, "roles")
    if roles == 0 or roles & ~sum(UnitRole):
        raise InvalidInput(
            "names no role or an unknown one",
            field="roles",
            rule=f"one or more of {', '.join(str(role.name).lower() for role in UnitRole)}",
        )


def require_custody(message: Message) -> None:
    """It is said who holds a new key, in a word that the contract knows."""
    _require_member(message, "custody", Custody)


def require_equipment_kind(message: Message) -> None:
    """A machine is of a kind that the contract knows."""
    _require_member(message, "kind", EquipmentKind)


def _require_member(message: Message, name: str, members: type[IntEnum]) -> None:
    known = [member.value for member in members]
    if integer(message, name) not in known:
        words = ", ".join(f"{member.value} {member.name.lower()}" for member in members)
        raise InvalidInput("is unknown", field=name, rule=f"one of {words}")


def require_equipment_state(message: Message) -> None:
    """A machine is in a state that the contract knows."""
    _require_member(message, "state", EquipmentState)


def require_outcome(message: Message) -> None:
    """An ending's outcome and verdict are words that the contract knows."""
    _require_member(message, "outcome", Outcome)
    _require_member(message, "verdict", Verdict)


def require_vetoable(*, proposed_at: int | None, now: datetime) -> None:
    """A proposal may be vetoed until seven days after the chain recorded it.

    `proposed_at` is that block's time in Unix seconds, None while the chain does not have it.
    """
    if proposed_at is not None and int(now.timestamp()) > proposed_at + RECOVERY_DELAY_SECONDS:
        raise Refused(
            f"the proposal could be vetoed until {_moment(proposed_at + RECOVERY_DELAY_SECONDS)}",
            field="proposal",
            rule="a veto comes within seven days",
            remedy="revoke the new administrator's key, if the unit still has another",
        )


def require_machine(
    machine: MachineState | None, *, unit: int, epoch: int | None = None
) -> MachineState:
    """The machine is registered by `unit`, in service, and counts in `epoch`."""
    if machine is None:
        raise NotFound(
            "the machine is not registered",
            field="equipment",
            remedy="have the unit's administrator register it: steriledger equipment register",
        )
    if machine.unit != unit:
        raise Refused(
            f"the machine belongs to unit {machine.unit}, not to unit {unit}",
            field="equipment",
            rule="a unit opens cycles on its own machines",
        )
    if epoch is not None and machine.state is not EquipmentState.IN_SERVICE:
        raise Refused(
            "the machine is not in service",
            field="equipment",
            rule="cycles are opened on machines in service",
            remedy="put it into service again: steriledger equipment change",
        )
    if epoch is not None and epoch != machine.epoch:
        raise Refused(
            f"the machine counts in epoch {machine.epoch}, not {epoch}",
            field="epoch",
            rule="a new epoch begins with an equipment change, when the counter was reset",
        )
    return machine


def require_rising_number(number: int, latest: int | None) -> None:
    """The machine's own number rises within one epoch."""
    if number < 1:
        raise InvalidInput(f"{number} is not a cycle number", field="number", rule="from 1 upwards")
    if latest is not None and number <= latest:
        raise Refused(
            f"number {number} does not rise: the latest cycle of this machine is {latest}",
            field="number",
            rule="numbers of one machine and counter epoch rise",
            remedy="if the counter was reset, change the machine's epoch first",
        )


def require_cycle(cycle: CycleState | None, *, unit: int) -> CycleState:
    """The cycle was opened, by `unit`."""
    if cycle is None or cycle.unit != unit:
        raise NotFound("no such cycle of this unit", field="cycle")
    return cycle


def require_current(message: Message, current: Digest, *, what: str) -> None:
    """An amendment names what it replaces; a first one names nothing."""
    replaces = Digest(word(message, "replaces"))
    if replaces == current:
        return
    if replaces == ZERO_DIGEST:
        raise Conflict(
            f"the cycle has {what} already",
            field="replaces",
            rule="an amendment names the digest that it replaces",
            remedy=f"to amend it, name {to_hex(current)}",
        )
    raise Conflict(
        f"{to_hex(replaces)} is not the current one",
        field="replaces",
        rule=f"the current one is {to_hex(current)}" if current != ZERO_DIGEST else "there is none",
    )


def require_totals(message: Message, cycle: CycleState) -> None:
    """A declaration names each class once, keeps every class, and covers what was released."""
    totals = items(message, "totals")
    if not 1 <= len(totals) <= MOST_TOTALS:
        raise InvalidInput(
            f"has {len(totals)} classes", field="lines", rule=f"1 to {MOST_TOTALS} classes"
        )
    classes = [cast("int", total["packageClass"]) for total in totals]
    if classes != sorted(set(classes)):
        raise InvalidInput(
            "classes do not ascend", field="totals", rule="each class once, ascending"
        )
    missing = sorted(set(cycle.counts) - set(classes))
    if missing:
        raise InvalidInput(
            f"leaves out class {', '.join(map(str, missing))}",
            field="lines",
            rule="an amended declaration names every class declared before, 0 if there was none",
        )
    for total in totals:
        _require_total(total, cycle)


def _require_total(total: Mapping[str, Scalar], cycle: CycleState) -> None:
    package_class, quantity = (cast("int", total[name]) for name in ("packageClass", "quantity"))
    count = cycle.counts.get(package_class)
    if quantity == 0 and count is None:
        raise InvalidInput(
            f"declares 0 of class {package_class}",
            field="lines",
            rule="a first declaration counts at least one package of each class it names",
        )
    if count is not None and quantity < count.released:
        raise Refused(
            f"declares {quantity} of class {package_class}, but {count.released} are released",
            field="lines",
            rule="released packages never exceed the declared",
        )


def require_decidable(message: Message, cycle: CycleState) -> None:
    """A decision follows the table of states, judges the current records, and shares add up.

    Whatever makes packages usable needs a releasable cycle: a release, the lift of a hold that
    returns to one, and a correction that adds packages to one.
    """
    _require_member(message, "kind", DecisionKind)
    kind = DecisionKind(integer(message, "kind"))
    for name, current in (("ending", cycle.ending), ("load", cycle.load)):
        if word(message, name) != current:
            raise Conflict(
                f"judges another {name} than the current one",
                field=name,
                rule="a decision names the digests that it judges",
                remedy="look at the cycle again and decide on what it says now",
            )
    shares = items(message, "shares")
    if makes_usable(cycle.state, kind, adds=_adds(shares)):
        require_releasable(cycle)
    declared = {number: count.declared for number, count in cycle.counts.items()}
    released = {number: count.released for number, count in cycle.counts.items()}
    require_shares(cycle.state, kind, shares, declared, released)


def makes_usable(state: DecisionState, kind: DecisionKind, *, adds: bool) -> bool:
    """Whether a decision makes packages usable; raises Refused where it is not allowed at all."""
    if next_state(state, kind) not in USABLE:
        return False
    return adds or kind in RELEASES or kind is DecisionKind.LIFT


def _adds(shares: Sequence[Mapping[str, Scalar]]) -> bool:
    return any(cast("int", share["delta"]) > 0 for share in shares)


def require_releasable(cycle: CycleState) -> None:
    """A cycle is released only when ended, completed, not failed, and with a declared load."""
    if cycle.ending == ZERO_DIGEST:
        raise Refused(
            "the cycle cannot be released: it has not ended",
            field="decision",
            rule="a release judges an ending",
        )
    if cycle.outcome is not Outcome.COMPLETED:
        word_ = "was aborted" if cycle.outcome is Outcome.ABORTED else "has no known outcome"
        raise Refused(
            f"the cycle cannot be released: by the machine's own word it {word_}",
            field="decision",
            rule="only a completed cycle is released",
            remedy="reject it, and sterilise the load again",
        )
    if cycle.verdict is Verdict.FAILED:
        raise Refused(
            "the cycle cannot be released: its readings failed the named profile",
            field="decision",
            rule="a load whose physical result failed is not released",
            remedy="reject it; or amend the ending if the wrong profile was named",
        )
    if cycle.load == ZERO_DIGEST:
        raise Refused(
            "the cycle cannot be released: its load is not declared",
            field="decision",
            rule="not declared is not zero",
            remedy="declare the load first: steriledger cycle load",
        )


def require_implant_rule(*, holds_implant: bool, decision: DecisionKind, biological: str) -> None:
    """A load with an implant is released when its biological indicator passed, and not before.

    Source: WS 310.3-2016 §4.4; the early release in an emergency is a decision of its own.
    """
    early = {DecisionKind.RELEASE, DecisionKind.RELEASE_BIOLOGICAL_PENDING}
    if not holds_implant or decision not in early or biological == "pass":
        return
    raise Refused(
        f"the load holds an implant and its biological result is {biological.replace('_', ' ')}",
        field="results.biological",
        rule="a load with an implant is released only after its biological indicator passed",
        remedy="wait for the result; in an emergency decide emergency_release",
    )


def require_results(
    *,
    state: DecisionState,
    decision: DecisionKind,
    adds: bool,
    known: Mapping[str, str],
    holds_indicator: bool,
) -> None:
    """Nothing becomes usable against a result that is known, in this decision or an earlier one.

    `adds` says whether a share adds packages; `known` is the newest word entered for each result.
    A release is the last word: where a
    biological indicator lies in the load, or its result was awaited, it passed.
    Source: WS 310.3-2016 §4.4.
    """
    if not makes_usable(state, decision, adds=adds):
        return
    bad = sorted(name for name, word_ in known.items() if word_ in BAD_RESULTS)
    if bad:
        raise Refused(
            f"{', '.join(bad)} did not pass",
            field="results",
            rule="a load with a failed or invalid monitoring result is not released",
            remedy="reject, hold or recall it; or enter the result of the repeated test",
        )
    awaited = state is DecisionState.RELEASED_BIOLOGICAL_PENDING or holds_indicator
    biological = known.get("biological", "not_entered")
    if decision is not DecisionKind.RELEASE or biological == "pass":
        return
    if awaited or biological == "pending":
        raise Refused(
            f"the biological result is {biological.replace('_', ' ')}",
            field="results.biological",
            rule="where a biological indicator is awaited, the load is released when it passed",
            remedy="enter biological=pass; before that, decide release_biological_pending",
        )


def duty_words(duties: Duty) -> str:
    """Duties in words, for messages and records."""
    return ", ".join(duty.name.lower() for duty in Duty if duty in duties and duty.name) or "none"


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
