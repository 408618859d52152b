"""A hospital group to measure: three units, machines, and cycles accepted with keys held here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

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
from ledger.domain.callers import Caller, local_administrator
from ledger.domain.drafts import Circumstances, Draft, People, draft
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    UnitNumber,
    equipment_id,
    serial_hash,
)
from ledger.settings import Settings
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.following.follow import follow
from ledger.steps.instance import Instance, open_instance
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.deploy import ensure_deployment, ensure_home, get_held_key
from ledger.steps.starting.leasing import LEASE, HeldLease
from ledger.steps.starting.link import Link, open_link
from ledger.storage.keys import KeyPurpose
from ledger.storage.leases import take_lease
from ledger.storage.operations import find_oldest_owed

UNITS = (1, 2, 3)
#: the operations of one cycle: opened, loaded, ended, released
RECORDS_PER_CYCLE = 4
_LEASE_SECONDS = 86_400
_RIGHTS = Right.OPEN | Right.LOAD | Right.RESULT | Right.DECIDE
_STARTED = datetime(2016, 3, 16, 0, 53, 20, tzinfo=UTC)
_ENDED = _STARTED + timedelta(minutes=22)

#: What a real printout of 134 °C and its check fill in.
_PRINTED: Mapping[str, Any] = {
    "programme": "134 wrapped",
    "started": "16.03.2016 01:53:20",
    "ended": "16.03.2016 02:15:41",
    "hold_seconds": 191,
    "minimum_celsius": "134.9",
    "maximum_celsius": "135.6",
    "minimum_bar": "3.12",
    "maximum_bar": "3.20",
    "pressure_basis": "absolute",
}
_VERDICT_FACTS: Mapping[str, str] = {
    "profile": "EN 285 134 °C",
    "profile_source": "EN 285:2015, 8.3",
    "band_low_celsius": "134",
    "band_high_celsius": "137",
    "minimum_celsius": "134.9",
    "maximum_celsius": "135.6",
    "hold_seconds": "191",
    "hold_required_seconds": "180",
    "f0_minutes": "80.21",
    "f0_reference_celsius": "121.1",
}
_RESULTS = {
    "physical": "pass",
    "chemical_external": "pass",
    "chemical_internal": "pass",
    "lumen_pcd": "not_required",
    "biological": "not_required",
    "bowie_dick": "not_required",
}


@dataclass(slots=True, kw_only=True)
class Members:
    """The members of one instance's group, whose keys it holds, and what they record."""

    instance: Instance
    caller: Caller = field(default_factory=lambda: local_administrator("bench"))
    #: keys that sign for a unit
    administrators: dict[int, bytes] = field(default_factory=dict)
    operator: bytes = b""
    machines: list[Machine] = field(default_factory=list)
    #: the last cycle of each machine
    numbers: dict[str, int] = field(default_factory=dict)

    def record_cycles(self, count: int) -> list[Digest]:
        """Accept that many cycles, the machines in turn; the digests in order of acceptance."""
        with self.instance.database.transaction() as tx:
            return [
                digest
                for at in range(count)
                for digest in self.record_cycle(tx, self.machines[at % len(self.machines)])
            ]

    def record_cycle(self, tx: Connection, machine: Machine) -> list[Digest]:
        """Open, load, end and release one cycle of ten packages of three owners."""
        number = self.numbers.get(machine.serial, 0) + 1
        self.numbers[machine.serial] = number
        cycle = CycleReference(machine=machine, epoch=1, number=number)
        opening = self.accept(tx, self._opening(cycle))
        load = self.accept(tx, self._load(cycle))
        ending = self.accept(tx, self._ending(cycle))
        return [opening, load, ending, self.accept(tx, self._release(cycle, ending, load))]

    def accept(self, tx: Connection, draft: Draft) -> Digest:
        """One operation, signed with held keys."""
        return record_with_held_keys(self.instance, tx, self.caller, draft).digest

    # ------------------------------------------------------------ the acts of a cycle

    def _circumstances(self) -> Circumstances:
        return Circumstances(
            people=People(performer="Nurse A", checker="Nurse B", enterer="Nurse A"),
            happened_text="16.03.2016 01:53:20",
            happened_zone="Europe/Berlin",
            happened_utc="2016-03-16T00:53:20Z",
            device="tablet 2",
            authenticated_by="badge",
        )

    def _draft(self, kind: str, **values: Any) -> Draft:  # noqa: ANN401 - fields of their own types
        return draft(
            ACTS[kind],
            values,
            unit=1,
            keys={Party.SIGNER: self.operator},
            circumstances=self._circumstances(),
        )

    def _opening(self, cycle: CycleReference) -> Draft:
        return self._draft(
            "CycleOpening",
            equipment=cycle.machine,
            epoch=cycle.epoch,
            number=cycle.number,
            machine_state=EquipmentState.IN_SERVICE,
            programme="134 wrapped",
            started_at=_STARTED,
        )

    def _load(self, cycle: CycleReference) -> Draft:
        lines = [{"owner": u, "payer": u, "package_class": 3, "quantity": u} for u in UNITS]
        return self._draft("LoadDeclaration", cycle=cycle, lines=lines, replaces=ZERO_DIGEST)

    def _ending(self, cycle: CycleReference) -> Draft:
        return self._draft(
            "CycleEnding",
            cycle=cycle,
            outcome=Outcome.COMPLETED,
            verdict=Verdict.PASSED,
            verdict_facts=_VERDICT_FACTS,
            started_at=_STARTED,
            ended_at=_ENDED,
            readings=[],
            replaces=ZERO_DIGEST,
            **_PRINTED,
        )

    def _release(self, cycle: CycleReference, ending: Digest, load: Digest) -> Draft:
        return self._draft(
            "CycleDecision",
            cycle=cycle,
            decision=DecisionKind.RELEASE,
            ending=ending,
            load=load,
            shares=[{"owner": u, "payer": u, "package_class": 3, "delta": u} for u in UNITS],
            results=_RESULTS,
            replaces=ZERO_DIGEST,
        )

    # ------------------------------------------------------------ the group itself

    def found(self, machines: int) -> None:
        """Admit the units, enrol the operator, register machines."""
        with self.instance.database.transaction() as tx:
            for unit in UNITS:
                self.admit(tx, unit)
            self.operator = make_held_key(self.instance, tx, label="operator")
            self.accept(tx, self._enrolment())
            for place in range(machines):
                self._register(tx, f"S{place}")

    def admit(self, tx: Connection, unit: int) -> None:
        """A unit that processes and uses, whose administrator's key is held here."""
        authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
        self.administrators[unit] = make_held_key(self.instance, tx, label=f"administrator {unit}")
        values = {
            "code": f"U{unit}",
            "name": f"Hospital {unit}",
            "roles": UnitRole.PROCESSOR | UnitRole.USER,
            "key": self.administrators[unit],
            "administrator_name": f"Head {unit}",
            "custody": Custody.SERVER,
        }
        keys = {Party.AUTHORITY: authority}
        self.accept(tx, draft(ACTS["UnitAdmission"], values, unit=unit, keys=keys))

    def _administered(self, kind: str, values: Mapping[str, Any]) -> Draft:
        return draft(ACTS[kind], values, unit=1, keys={Party.SIGNER: self.administrators[1]})

    def _enrolment(self) -> Draft:
        values = {
            "key": self.operator,
            "name": "Operator",
            "rights": _RIGHTS,
            "custody": Custody.SERVER,
        }
        return self._administered("SignerEnrolment", values)

    def _register(self, tx: Connection, serial: str) -> None:
        identifier = equipment_id(UnitNumber(1), serial_hash(serial))
        values = {
            "equipment": identifier,
            "name": f"Sterilizer {serial}",
            "model": "DAC Universal",
            "serial": serial,
            "kind": EquipmentKind.STERILIZER,
        }
        self.accept(tx, self._administered("EquipmentRegistration", values))
        self.machines.append(Machine(id=identifier, unit=1, serial=serial))


@dataclass(slots=True, kw_only=True)
class Group(Members):
    """A group with its running chain."""

    link: Link
    writer: Writer

    def send(self) -> None:
        """Until nothing is owed, and everything that was sent is seen mined."""
        while self.has_owed():
            self.writer.step()

    def has_owed(self) -> bool:
        """Whether an accepted operation has not been sent."""
        with self.instance.database.reading() as tx:
            return find_oldest_owed(tx) is not None

    def follow(self) -> None:
        """Until the index has every block."""
        while True:
            progress = follow(self.instance, self.link.node)
            if progress.height >= progress.final:
                return


def open_writer(instance: Instance, link: Link) -> Writer:
    """The writer of a home that nobody else writes for."""
    with instance.database.transaction() as tx:
        epoch = take_lease(tx, LEASE, "bench", instance.clock(), _LEASE_SECONDS)
    if epoch is None:
        raise RuntimeError("another process has the writer's lease")
    return Writer.open(instance, link, HeldLease(holder="bench", epoch=epoch))


@contextmanager
def founded_group(home: Path, *, machines: int = 1, database_url: str = "") -> Iterator[Group]:
    """A new home with contracts on its own chain and a group on them, sent and indexed."""
    settings = Settings(home=home, database_url=database_url, chain_url="", finality="journal")
    instance = open_instance(settings)
    try:
        ensure_home(instance)
        link = open_link(instance)
        try:
            ensure_deployment(instance, link)
            group = Group(instance=instance, link=link, writer=open_writer(instance, link))
            group.found(machines)
            group.send()
            group.follow()
            yield group
        finally:
            link.stop()
    finally:
        instance.close()
