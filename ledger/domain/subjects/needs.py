"""What an operation cannot be recorded without, among those that only have to come before it.

An operation waits for everything that must reach the chain earlier.  Some of it brought into being
what the operation names: a cycle's opening, the ending that a decision judges, the enrolment of who
signs.  Without that the contracts refuse the operation as well.  The rest only comes first: a
machine's earlier opening, or what a signer signed before it was revoked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import EquipmentId, UnitNumber, cycle_id, equipment_id
from ledger.domain.subjects.accepted import Accepted, Message, integer, items, word

#: Members that name an operation which the contracts look up.
_REFERENCES = ("replaces", "ending", "load", "proposal")
_SIGNERS = ("signedBy", "countersignedBy", "signer")


def is_needed(before: Accepted, after: Accepted) -> bool:
    """Whether the contracts refuse `after` when they refused `before`."""
    if any(after.message.get(name) == before.digest for name in _REFERENCES):
        return True
    brings = _BRINGS.get(before.kind)
    return brings is not None and brings(before.message, after.message)


def _brings_unit(before: Message, after: Message) -> bool:
    return before["unit"] in _units(after) or _names_signer(after, before["administrator"])


def _units(message: Message) -> set[int]:
    shares = items(message, "shares") if "shares" in message else ()
    parties = {share[name] for share in shares for name in ("owner", "payer")}
    return {integer(message, "unit")} | {party for party in parties if isinstance(party, int)}


def _brings_signer(before: Message, after: Message) -> bool:
    return _names_signer(after, before["signer"])


def _names_signer(after: Message, signer: Value) -> bool:
    return any(after.get(name) == signer for name in _SIGNERS)


def _brings_machine(before: Message, after: Message) -> bool:
    unit = UnitNumber(integer(before, "unit"))
    return after.get("equipment") == equipment_id(unit, word(before, "serial"))


def _changes_machine(before: Message, after: Message) -> bool:
    return after.get("equipment") == before["equipment"]


def _brings_cycle(before: Message, after: Message) -> bool:
    machine = EquipmentId(word(before, "equipment"))
    opened = cycle_id(machine, integer(before, "epoch"), integer(before, "number"))
    return after.get("cycle") == opened


_BRINGS: Mapping[str, Callable[[Message, Message], bool]] = {
    "UnitAdmission": _brings_unit,
    "SignerEnrolment": _brings_signer,
    "EquipmentRegistration": _brings_machine,
    "EquipmentChange": _changes_machine,
    "CycleOpening": _brings_cycle,
}
