"""The rules that many acts share, each a check that raises in words.

They are the contracts' own (contracts/UnitRegistry.sol): acceptance asks them before anything is
promised, and a verifier replays them.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import IntFlag

from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Message,
    Records,
    View,
    flag_words,
    integer,
    word,
)
from ledger.domain.acts.words import Party, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.subjects.states import CycleState, MachineState, SignerState, UnitState

#: How far `signedAt` may lie ahead of the block time; the contracts' SKEW_SECONDS.
SKEW_SECONDS = 300
#: How long a proposed administrator may be vetoed; the contract's RECOVERY_DELAY.
RECOVERY_DELAY_SECONDS = 7 * 24 * 3600

_HAPPENED_LINE = re.compile(r"lines\.\d+\.happened")
_SIGNER_MEMBERS = {Party.SIGNER: "signedBy", Party.COUNTERSIGNER: "countersignedBy"}


def require_timely(message: Message, now: int) -> None:
    """`signedAt` is neither zero nor in the future; `now` in Unix seconds."""
    signed_at = integer(message, "signedAt")
    if signed_at <= 0:
        raise InvalidInput("is not a time", field="signedAt", rule="Unix seconds")
    if signed_at > now + SKEW_SECONDS:
        raise InvalidInput(
            f"{seconds_text(signed_at)} lies in the future",
            field="signedAt",
            rule=f"at most {SKEW_SECONDS} seconds ahead of the chain's clock",
            remedy="set the clock of the device that signs",
        )


def require_happened(act: Act, message: Message, facts: Facts) -> None:
    """What is said of packages happened before it was signed, but for clocks that are apart.

    A year that was mistyped would put all that the unit does with them later behind it.  What a
    machine's own clock says is not asked: it may be hours ahead, and the cycle ran all the same.
    """
    if act.package_lines is None and act.moved_lines is None:
        return
    latest = integer(message, "signedAt") + SKEW_SECONDS
    for path, value in facts.items():
        if value is None or not (path == "happened.utc" or _HAPPENED_LINE.fullmatch(path)):
            continue
        if datetime.fromisoformat(str(value)).timestamp() > latest:
            raise InvalidInput(
                f"{value} lies after the signature",
                field=path.removesuffix(".utc"),
                rule="what is reported has happened",
            )


def require_known_words(act: Act, message: Message) -> None:
    """Every number of an enumeration stands for something; the contracts take no other.

    What a statement packs is not asked: no contract looks into it.
    """
    for each in act.fields:
        if each.signed_as and isinstance(each.of, Choice):
            each.of.facts(each.name, integer(message, each.signed_as))


def require_rights(act: Act, message: Message, view: View) -> None:
    """Every party may sign: the rules of UnitRegistry's guards, for all acts the same."""
    signers: list[bytes] = []
    for party in act.parties:
        if party in _SIGNER_MEMBERS:
            if not signers:
                unit = integer(message, "unit")
                require_open_unit(view.find(UnitState, unit), unit)
            member = _SIGNER_MEMBERS[party]
            signer = word(message, member)
            if signer in signers:
                raise InvalidInput("is the same signer", field=member, rule="two signers sign it")
            signers.append(signer)
            require_signer(
                view.find(SignerState, signer),
                unit=unit,
                right=right_in(act, message, view),
                signed_at=integer(message, "signedAt"),
                field=member,
            )
        elif party is Party.NEW_KEY:
            _require_new_key(view.find(SignerState, word(message, act.key_member)))


def right_in(act: Act, message: Message, view: View) -> Right:
    """What the signer must be allowed; raises what keeps the unit out altogether."""
    return (act.right or Right(0)) if act.right_in is None else act.right_in(message, view)


def signers_of(act: Act, message: Message) -> dict[Party, bytes]:
    """The id of each key that signs, by party; the authority has none."""
    members = {**_SIGNER_MEMBERS, Party.NEW_KEY: act.key_member}
    return {p: word(message, members[p]) for p in act.parties if p is not Party.AUTHORITY}


def _require_new_key(known: SignerState | None) -> None:
    if known is not None:
        raise Conflict(
            f"this key was enrolled before, for unit {known.unit}",
            field="key",
            rule="a key acts for one unit, once, for ever",
            remedy="make a new key",
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
    signer: SignerState | None, *, unit: int, right: Right, signed_at: int, field: str = "signedBy"
) -> SignerState:
    """The signer acts for `unit` with `right`, is not revoked, and is valid at `signed_at`."""
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
    if signer.is_revoked:
        raise Refused(
            "the signer is revoked",
            field=field,
            rule="revocation is terminal",
            remedy="sign with another key of the unit",
        )
    if right & ~signer.rights:
        raise Refused(
            f"the signer does not hold the right {flag_words(Right, right & ~signer.rights)}",
            field=field,
            rule=f"it holds {flag_words(Right, signer.rights)}",
        )
    if signed_at < signer.valid_from:
        raise Refused(
            f"the signer is valid only from {seconds_text(signer.valid_from)}",
            field=field,
            rule="signedAt lies within the signer's validity",
        )
    if signer.valid_until and signed_at > signer.valid_until:
        raise Refused(
            f"the signer expired at {seconds_text(signer.valid_until)}",
            field=field,
            rule="signedAt lies within the signer's validity",
        )
    return signer


def require_validity(message: Message, *, valid_from: int) -> None:
    """A new key's validity ends after it begins."""
    valid_until = integer(message, "validUntil")
    if valid_until and valid_until <= valid_from:
        raise InvalidInput(
            f"ends at {seconds_text(valid_until)}",
            field="valid_until",
            rule="after it begins; leave it out for no expiry",
        )


def require_not_over(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """A new key's validity has not ended before it began to act."""
    valid_until = integer(message, "validUntil")
    if valid_until and valid_until <= captured_at(facts).timestamp():
        raise InvalidInput(
            f"ends at {seconds_text(valid_until)}",
            field="valid_until",
            rule="not in the past; leave it out for no expiry",
        )


def captured_at(facts: Facts) -> datetime:
    """When a record was made."""
    return datetime.fromisoformat(str(facts["captured_at"]))


def require_flags(message: Message, name: str, known: type[IntFlag]) -> None:
    """At least one member of a set, and only known ones."""
    bits, every = integer(message, name), sum(known)
    if bits == 0 or bits & ~every:
        raise InvalidInput(
            "names none or an unknown one",
            field=name,
            rule=f"one or more of {flag_words(known, every)}",
        )


def require_machine(machine: MachineState | None, *, unit: int) -> MachineState:
    """The machine is registered by `unit`."""
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
            rule="a unit acts on its own machines",
        )
    return machine


def require_cycle(cycle: CycleState | None, *, unit: int) -> CycleState:
    """The cycle is open, and `unit`'s."""
    if cycle is None or not cycle.is_open or cycle.unit != unit:
        raise NotFound("no such cycle of this unit", field="cycle")
    return cycle


def named_cycle(message: Message, view: View) -> CycleState:
    """The open cycle that a message names, of the unit that it names."""
    cycle = view.find(CycleState, word(message, "cycle"))
    return require_cycle(cycle, unit=integer(message, "unit"))


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


def machine_of_cycle(message: Message, view: View) -> bytes | None:
    """The machine of the cycle that a message names; None while it is unknown."""
    cycle = view.find(CycleState, word(message, "cycle"))
    return None if cycle is None else cycle.equipment
