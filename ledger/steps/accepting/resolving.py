"""What people call things → what operations call them, within what the caller may see."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from ledger.domain.acts.moving import REPORT_IT
from ledger.domain.acts.vocabulary import (
    ConsignmentReference,
    CycleReference,
    Machine,
    Recorded,
    flag_words,
    integer,
)
from ledger.domain.acts.words import AssetCondition, Right
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import (
    AssetId,
    ConsignmentId,
    CycleId,
    EquipmentId,
    SignerId,
    UnitNumber,
    consignment_id,
    parse_hex32,
    serial_hash,
)
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.names import plain_name
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.states import AssetState, ConsignmentState, MachineState, SignerState
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.standing import Accepted
from ledger.storage import directory, operations
from ledger.storage.keys import find_key

#: Most signers of one unit that a name is searched among.
_MOST = 10_000
_HEX_DIGITS = 64
#: decimal digits of the largest uint32, and of the largest number that JSON holds exactly
_UINT32_DIGITS = 10
_NUMBER_DIGITS = 16
_UNITS = "see the list of units: steriledger unit list, GET /v1/units"


def is_id(text: str) -> bool:
    """Whether a text can only be a 32-byte id."""
    return len(text.removeprefix("0x")) == _HEX_DIGITS


def nothing_called(kind: str, text: str, *, field: str | None = None) -> NotFound:
    """Of what is not there, and of what is not theirs to read: in the same words."""
    return NotFound(
        f"there is no {kind} {text}",
        field=field or kind,
        rule=f"a {kind} whose records you may read",
        remedy="look at how it is written, or ask who has it",
    )


def resolve_unit(tx: Connection, text: str) -> directory.UnitRow:
    """A unit by its number or its code."""
    row = (
        directory.find_unit(tx, int(text))
        if _is_number(text, _UINT32_DIGITS)
        else directory.find_unit_by_code(tx, plain_name(text))
    )
    if row is None:
        raise NotFound(
            f"there is no unit {text!r}" if text else "no unit is named",
            field="unit",
            remedy=_UNITS,
        )
    return row


def find_numbers(tx: Connection, texts: Iterable[str]) -> dict[str, int]:
    """Those of the texts that are numbers of units, found in one question."""
    numbers = {text: int(text) for text in texts if _is_number(text, _UINT32_DIGITS)}
    if not numbers:
        return {}
    known = {row.number for row in directory.list_numbered_units(tx, set(numbers.values()))}
    return {text: number for text, number in numbers.items() if number in known}


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def resolve_machine(tx: Connection, caller: Caller, text: str) -> directory.EquipmentRow:
    """A machine of the caller's unit by id, serial number or name."""
    if is_id(text):
        found = directory.find_equipment(
            tx, EquipmentId(parse_hex32(text, field="equipment")), unit=caller.unit
        )
        matches = [found] if found else []
    else:
        matches = directory.list_equipment_called(tx, plain_name(text), unit=caller.unit)
    if not matches:
        raise NotFound(
            f"there is no machine {text!r}",
            field="equipment",
            remedy="register it first: steriledger equipment register",
        )
    if len(matches) > 1:
        raise InvalidInput(
            f"{len(matches)} machines are called {text!r}",
            field="equipment",
            rule="one machine",
            remedy="name it by its id",
        )
    return matches[0]


def machine_of(row: directory.EquipmentRow) -> Machine:
    """A directory row as the acts name a machine."""
    return Machine(id=row.id, unit=row.unit, serial=row.serial)


def current_epoch(tx: Connection, equipment: EquipmentId) -> int:
    """The counter epoch that a machine is in."""
    state = Accepted(tx).find(MachineState, equipment)
    if state is None:
        raise NotFound("the machine is not registered", field="equipment")
    return state.epoch


def resolve_cycle(tx: Connection, caller: Caller, text: str) -> directory.CycleRow:
    """A cycle that the caller may read: by id, or as `machine/number` or `machine/epoch/number`."""
    row, _ = _find_cycle(tx, caller, text)
    return row


def resolve_reference(tx: Connection, caller: Caller, text: str) -> CycleReference:
    """The same, as the acts name a cycle."""
    row, machine = _find_cycle(tx, caller, text)
    return reference_of(tx, row) if machine is None else _reference(row, machine)


def _find_cycle(
    tx: Connection, caller: Caller, text: str
) -> tuple[directory.CycleRow, directory.EquipmentRow | None]:
    """The cycle, and its machine where the text named that."""
    if is_id(text):
        identifier = CycleId(parse_hex32(text, field="cycle"))
        return directory.get_cycle(tx, identifier, unit=caller.readable_unit), None
    name, _, number = text.rpartition("/")
    if not name or not _is_number(number, _NUMBER_DIGITS):
        raise InvalidInput(
            f"{text[:80]!r} names no cycle",
            field="cycle",
            rule="64 hexadecimal digits, or machine/number, or machine/epoch/number",
        )
    return _cycle_by_number(tx, caller, text)


def _cycle_by_number(
    tx: Connection, caller: Caller, text: str
) -> tuple[directory.CycleRow, directory.EquipmentRow]:
    name, _, number = text.rpartition("/")
    head, _, epoch = name.rpartition("/")
    if head and _is_number(epoch, _UINT32_DIGITS):
        machine = resolve_machine(tx, caller, head)
        chosen = int(epoch)
    else:
        machine = resolve_machine(tx, caller, name)
        chosen = current_epoch(tx, machine.id)
    row = directory.find_cycle_by_number(tx, machine.id, chosen, int(number))
    if row is None:
        raise nothing_called("cycle", repr(text))
    return row, machine


def reference_of(tx: Connection, row: directory.CycleRow) -> CycleReference:
    """A directory row as the acts name a cycle."""
    return _reference(row, directory.get_equipment(tx, row.equipment))


def _reference(row: directory.CycleRow, machine: directory.EquipmentRow) -> CycleReference:
    return CycleReference(machine=machine_of(machine), epoch=row.epoch, number=row.number)


def resolve_consignment(
    tx: Connection, caller: Caller, text: str, accepted: Accepted | None = None
) -> ConsignmentReference:
    """A consignment by its id, or by giver and slip number as they stand on the box: `EAST/4711`.

    Raises NotFound while no dispatch of it is known here, and says what to do with what happened;
    in the same words where the caller's unit never had a part in it.
    """
    giver, slash, slip = text.partition("/")
    if is_id(text):
        identifier = ConsignmentId(parse_hex32(text, field="consignment"))
    elif slash and slip:
        number = UnitNumber(resolve_unit(tx, giver).number)
        identifier = consignment_id(number, serial_hash(plain_name(slip)))
    else:
        raise InvalidInput(
            f"{text[:80]!r} names no consignment",
            field="consignment",
            rule="64 hexadecimal digits, or giver and slip number: EAST/4711",
        )
    state = (accepted or Accepted(tx)).find(ConsignmentState, identifier)
    if state is None or not _has_part(tx, state, caller.seen_unit):
        raise NotFound(
            f"no dispatch of {text[:80]} is known here",
            field="consignment",
            rule="a consignment begins with its giver's dispatch",
            remedy=f"ask the giver for it; {REPORT_IT}",
        )
    row = directory.find_consignment(tx, identifier)
    known = plain_name(slip) or None if row is None else row.slip
    return ConsignmentReference(id=state.id, giver=state.giver, slip=known)


def _has_part(tx: Connection, state: ConsignmentState, unit: int | None) -> bool:
    if unit in {None, *state.units}:
        return True
    return unit in parties_of(state, map(read_operation, operations.list_messages(tx, [state.id])))


def parties_of(state: ConsignmentState, operations: Iterable[Recorded]) -> frozenset[int]:
    """Every unit that has a part in a consignment, or had one, by all that is about it."""
    return state.units.union(*map(parties_named_by, operations))


def parties_named_by(recorded: Recorded) -> frozenset[int]:
    """The units that a step of a consignment gives a part in it; a comment gives nobody one."""
    if recorded.act.witness is not None:
        return frozenset()
    message = recorded.message
    named = (integer(message, n) for n in ("unit", "receiver", "taker") if n in message)
    return frozenset(named) - {0}


def resolve_asset(
    tx: Connection, caller: Caller, text: str, *, unit: int | None = None, had: bool = False
) -> directory.AssetRow:
    """An asset by id, code or name that the caller may know of; of several, the unit's own.

    With `had` also one that the caller's unit had, or carries.
    """
    if is_id(text):
        found = directory.find_asset(tx, parse_hex32(text, field="asset"))
        matches = [found] if found else []
    else:
        matches = directory.list_assets_called(tx, plain_name(text))
    matches = [
        row
        for row in matches
        if sees_asset(tx, caller, row.id) or (had and had_asset(tx, caller.seen_unit, row.id))
    ]
    own = [row for row in matches if row.unit == unit]
    if not matches:
        raise NotFound(
            f"there is no asset {text[:80]!r}",
            field="asset",
            remedy="its owner registers it: steriledger asset register",
        )
    if len(own or matches) > 1:
        raise InvalidInput(
            f"{len(own or matches)} assets are called {text[:80]!r}",
            field="asset",
            rule="one asset",
            remedy="name it by its id",
        )
    return (own or matches)[0]


def sees_asset(tx: Connection, caller: Caller, asset: AssetId) -> bool:
    """Whether a caller knows of an asset: its owner's and its custodian's, and all if offered."""
    state = Accepted(tx).find(AssetState, asset)
    if state is None:
        return False
    is_offered = state.state is AssetCondition.OFFERED
    return is_offered or caller.seen_unit in {None, *state.units}


def had_asset(tx: Connection, unit: int | None, asset: AssetId) -> bool:
    """Whether a unit has or had a part in a consignment that the asset travelled in."""
    return any(unit in parties for parties in asset_travels(tx, asset).values())


def asset_travels(tx: Connection, asset: AssetId) -> dict[ConsignmentId, frozenset[int]]:
    """The consignments that an asset travelled in, each with who has or had a part in it."""
    found: dict[ConsignmentId, frozenset[int]] = {}
    for row in operations.list_moving(tx, asset):
        if row.kind != "Dispatch" or row.state in GIVEN_UP:
            continue
        identifier = ConsignmentId(row.subject)
        state = Accepted(tx).find(ConsignmentState, identifier)
        rows = operations.list_by_subject(tx, identifier)
        steps = [read_operation(each) for each in rows if each.state not in GIVEN_UP]
        if state is not None:
            found[identifier] = parties_of(state, steps)
    return found


def resolve_signer(
    tx: Connection, caller: Caller, unit: int, right: Right, text: str | None
) -> directory.SignerRow:
    """The signer of a unit by id or name; without either, the caller's own or the only fitting one.

    Raises NotFound when there is none, InvalidInput when there are several.
    """
    if text is None and caller.signer is not None:
        return directory.get_signer(tx, caller.signer, unit=unit)
    if text is not None and is_id(text):
        return directory.get_signer(tx, SignerId(parse_hex32(text, field="signer")), unit=unit)
    signers = directory.list_signers(tx, unit=unit, limit=_MOST)
    if text is not None:
        named = plain_name(text)
        matches = _acting(tx, [signer for signer in signers if signer.name == named])
        missing = f"unit {unit} has no signer {text!r}"
    else:
        held = [s for s in signers if right in s.rights and find_key(tx, s.id) is not None]
        matches = _acting(tx, held)
        words = flag_words(Right, right)
        missing = f"this instance holds no key of unit {unit} with the right {words}"
    if not matches:
        raise NotFound(missing, field="signer", remedy="see: steriledger signer list")
    if len(matches) > 1:
        names = ", ".join(sorted(signer.name or "unnamed" for signer in matches))
        raise InvalidInput(
            f"several signers fit: {names}",
            field="signer",
            rule="an act names its signer",
            remedy="name one of them, by its id where two have one name: steriledger signer list",
        )
    return matches[0]


def _acting(tx: Connection, signers: list[directory.SignerRow]) -> list[directory.SignerRow]:
    """Those that are not revoked; all of them where none is left, so that the rule speaks."""
    if len(signers) < 2:  # noqa: PLR2004 - one is left either way
        return signers
    acting = [signer for signer in signers if not _is_revoked(tx, signer.id)]
    return acting or signers


def _is_revoked(tx: Connection, signer: SignerId) -> bool:
    state = Accepted(tx).find(SignerState, signer)
    return state is not None and state.is_revoked
