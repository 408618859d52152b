"""Drafts for tests, each with the values that a test seldom cares about filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.vocabulary import CycleReference, Machine
from ledger.domain.acts.words import (
    Custody,
    EquipmentKind,
    EquipmentState,
    Outcome,
    Party,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.drafts import Circumstances, Draft, draft
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    UnitNumber,
    equipment_id,
    serial_hash,
)

#: values to replace, each of its own type
Changes: TypeAlias = Any
Shares = Sequence[tuple[int, int, int, int]]


def _draft(
    kind: str,
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    unit: int,
    keys: Mapping[Party, bytes],
) -> Draft:
    told = changes.get("circumstances")
    given = {**values, **{name: v for name, v in changes.items() if name != "circumstances"}}
    return draft(ACTS[kind], given, unit=unit, keys=keys, circumstances=told or Circumstances())


def admission(number: int, *, key: bytes, authority: bytes, **changes: Changes) -> Draft:
    """A unit with an administrator whose key the server holds."""
    values = {
        "code": f"U{number}",
        "name": f"Unit {number}",
        "roles": UnitRole.PROCESSOR | UnitRole.USER,
        "administrator_name": f"Head {number}",
        "key": key,
        "custody": Custody.SERVER,
    }
    return _draft("UnitAdmission", values, changes, unit=number, keys={Party.AUTHORITY: authority})


def closure(number: int, *, authority: bytes, **changes: Changes) -> Draft:
    """The end of a unit."""
    changes.setdefault("circumstances", Circumstances(reason="merged"))
    return _draft("UnitClosure", {}, changes, unit=number, keys={Party.AUTHORITY: authority})


def enrolment(
    unit: int, *, key: bytes, administrator: bytes, rights: Right, **changes: Changes
) -> Draft:
    """A signer whose key the server holds."""
    values = {"name": "Operator", "key": key, "rights": rights, "custody": Custody.SERVER}
    return _draft("SignerEnrolment", values, changes, unit=unit, keys={Party.SIGNER: administrator})


def revocation(unit: int, *, signer: bytes, administrator: bytes, **changes: Changes) -> Draft:
    """The end of a signer; `signer` is its id."""
    changes.setdefault("circumstances", Circumstances(reason="left"))
    return _draft(
        "SignerRevocation",
        {"signer": signer},
        changes,
        unit=unit,
        keys={Party.SIGNER: administrator},
    )


def registration(unit: int, serial: str, *, administrator: bytes, **changes: Changes) -> Draft:
    """A sterilizer in epoch 1."""
    values = {
        "equipment": equipment_id(UnitNumber(unit), serial_hash(serial)),
        "name": f"Sterilizer {serial}",
        "model": "DAC Universal",
        "serial": serial,
        "kind": EquipmentKind.STERILIZER,
    }
    return _draft(
        "EquipmentRegistration", values, changes, unit=unit, keys={Party.SIGNER: administrator}
    )


def change(machine: Machine, *, replaces: bytes, administrator: bytes, **changes: Changes) -> Draft:
    """A machine's new state or epoch."""
    changes.setdefault("circumstances", Circumstances(reason="repaired"))
    values = {
        "equipment": machine.id,
        "state": EquipmentState.IN_SERVICE,
        "epoch": 1,
        "replaces": replaces,
    }
    return _draft(
        "EquipmentChange", values, changes, unit=machine.unit, keys={Party.SIGNER: administrator}
    )


def proposal(unit: int, *, key: bytes, authority: bytes, **changes: Changes) -> Draft:
    """A new administrator, proposed by the authority."""
    changes.setdefault("circumstances", Circumstances(reason="the key was lost"))
    values = {"name": "New head", "key": key, "custody": Custody.SERVER}
    return _draft("RecoveryProposal", values, changes, unit=unit, keys={Party.AUTHORITY: authority})


def veto(unit: int, *, proposed: bytes, administrator: bytes, **changes: Changes) -> Draft:
    """An administrator stops a recovery; `proposed` is the proposal's digest."""
    return _draft(
        "RecoveryVeto",
        {"proposal": proposed},
        changes,
        unit=unit,
        keys={Party.SIGNER: administrator},
    )


def opening(cycle: CycleReference, *, signer: bytes, **changes: Changes) -> Draft:
    """A cycle on a machine in service."""
    values = {
        "equipment": cycle.machine,
        "epoch": cycle.epoch,
        "number": cycle.number,
        "machine_state": EquipmentState.IN_SERVICE,
    }
    return _of_cycle("CycleOpening", cycle, values, changes, signer)


def void(cycle: CycleReference, *, opening: bytes, signer: bytes, **changes: Changes) -> Draft:
    """An opening that was a mistake."""
    changes.setdefault("circumstances", Circumstances(reason="mistyped"))
    values = {"cycle": cycle, "opening": opening}
    return _of_cycle("CycleVoid", cycle, values, changes, signer)


def ending(cycle: CycleReference, *, signer: bytes, **changes: Changes) -> Draft:
    """Completed, as a person typed it, and nothing computed."""
    values = {
        "cycle": cycle,
        "outcome": Outcome.COMPLETED,
        "verdict": Verdict.NOT_COMPUTED,
        "replaces": ZERO_DIGEST,
        "readings": (),
    }
    return _of_cycle("CycleEnding", cycle, values, changes, signer)


def load(cycle: CycleReference, lines: Shares, *, signer: bytes, **changes: Changes) -> Draft:
    """Lines of (owner, payer, class, quantity)."""
    rows = [{"owner": o, "payer": p, "package_class": c, "quantity": q} for o, p, c, q in lines]
    values = {"cycle": cycle, "lines": rows, "replaces": ZERO_DIGEST}
    return _of_cycle("LoadDeclaration", cycle, values, changes, signer)


def decision(
    cycle: CycleReference,
    kind: DecisionKind = DecisionKind.RELEASE,
    shares: Shares = (),
    *,
    signer: bytes,
    **changes: Changes,
) -> Draft:
    """A decision with shares of (owner, payer, class, delta)."""
    rows = [{"owner": o, "payer": p, "package_class": c, "delta": d} for o, p, c, d in shares]
    values = {
        "cycle": cycle,
        "decision": kind,
        "ending": ZERO_DIGEST,
        "load": ZERO_DIGEST,
        "replaces": ZERO_DIGEST,
        "shares": rows,
    }
    return _of_cycle("CycleDecision", cycle, values, changes, signer)


def result(
    cycle: CycleReference, which: int, how: int, *, signer: bytes, **changes: Changes
) -> Draft:
    """A monitoring result, entered on its own."""
    values = {"cycle": cycle, "result": which, "word": how}
    return _of_cycle("ResultEntry", cycle, values, changes, signer)


def comment(unit: int, about: bytes, stance: int, *, signer: bytes, **changes: Changes) -> Draft:
    """What a unit says to anything."""
    values = {"about": about, "stance": stance}
    return _draft("Comment", values, changes, unit=unit, keys={Party.SIGNER: signer})


def erasure(
    unit: int,
    *,
    erased: bytes,
    subject_record: object,
    keys: Mapping[Party, bytes],
    **changes: Changes,
) -> Draft:
    """The end of a record's personal fields; `erased` is its operation's digest."""
    changes.setdefault("circumstances", Circumstances(reason="kept long enough"))
    values = {
        "subject": erased,
        "subject_record": subject_record,
        "retention_ended": datetime(2025, 1, 1, tzinfo=UTC),
    }
    return _draft("RecordErasure", values, changes, unit=unit, keys=keys)


def _of_cycle(
    kind: str,
    cycle: CycleReference,
    values: Mapping[str, Any],
    changes: Mapping[str, Any],
    signer: bytes,
) -> Draft:
    return _draft(kind, values, changes, unit=cycle.machine.unit, keys={Party.SIGNER: signer})
