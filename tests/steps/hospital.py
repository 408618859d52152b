"""A hospital group in a test: units, a sterilizer and cycles, accepted with keys held here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.vocabulary import CycleReference, Machine, integer
from ledger.domain.acts.words import EquipmentState, Party, Right, UnitRole
from ledger.domain.callers import Caller, local_administrator
from ledger.domain.drafts import Circumstances, Draft, People
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    UnitNumber,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.accepting import submit
from ledger.steps.accepting.clock import confirm_clock
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.placing import Place
from ledger.steps.accepting.prepare import fix
from ledger.steps.accepting.signing import make_held_key, sign_with_held_key
from ledger.steps.following.follow import Progress, follow
from ledger.steps.following.forgetting import forget_erased
from ledger.steps.instance import Instance, open_instance, system_clock
from ledger.steps.sending.writer import Sent, Writer
from ledger.steps.starting.deploy import (
    ensure_deployment,
    ensure_home,
    get_held_key,
)
from ledger.steps.starting.leasing import LEASE, HeldLease
from ledger.steps.starting.link import Link, open_link
from ledger.storage.keys import KeyPurpose
from ledger.storage.leases import take_lease
from ledger.storage.operations import get_operation, list_latest_operations, list_states
from tests import making
from tests.domain.statement.chains import document
from tests.house import Clock

OPERATOR = Right.OPEN | Right.LOAD | Right.RESULT | Right.DECIDE
PEOPLE = Circumstances(people=People(performer="Nurse A", checker="Nurse B"), reason="as agreed")


@dataclass(slots=True, kw_only=True)
class Hospital:
    """What a test does with one instance."""

    instance: Instance
    link: Link
    caller: Caller = field(default_factory=lambda: local_administrator("Test"))
    administrators: dict[int, bytes] = field(default_factory=dict)
    operators: dict[int, bytes] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)

    # ------------------------------------------------------------ accepting

    def accept(self, draft: Draft) -> Digest:
        """Accepted as a person's operation is, with every rule."""
        with self.instance.database.transaction() as tx:
            return submit.record_with_held_keys(self.instance, tx, self.caller, draft).digest

    def say(self, kind: str, /, **values: object) -> Digest:
        """What somebody says at the keyboard, by the names of the act's fields."""
        door = Door(authenticated_by="local", takes_what_stands=True)
        with self.instance.database.transaction() as tx:
            draft = make_draft(self.instance, tx, self.caller, ACTS[kind], values, door)
            return submit.record_with_held_keys(self.instance, tx, self.caller, draft).digest

    def accept_unchecked(self, draft: Draft, *predecessors: Digest) -> Digest:
        """Owed without the rules that would keep it out, as if ours differed from the chain's."""
        with self.instance.database.transaction() as tx:
            prepared = fix(self.instance, self.instance.deployment_in(tx), draft)
            digest = prepared.operation.digest
            signatures = {
                party: sign_with_held_key(self.instance, tx, self.caller, party, key, digest)
                for party, key in prepared.keys.items()
            }
            message = prepared.operation.message
            subject = message.get("cycle", message.get("consignment", digest))
            assert isinstance(subject, bytes)
            placed = Place(
                subject=subject,
                parent=None,
                replaces=digest,
                depends_on=dict.fromkeys(predecessors, True),
            )
            now = self.instance.clock()
            submit._store(self.instance, tx, prepared, signatures, placed, now)
            assert integer(message, "signedAt")
            return digest

    def admit(self, number: int, *, roles: UnitRole = UnitRole.PROCESSOR | UnitRole.USER) -> Digest:
        """A unit with an administrator and one operator, whose keys are held here."""
        with self.instance.database.transaction() as tx:
            authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
            self.administrators[number] = make_held_key(
                self.instance, tx, label=f"administrator {number}"
            )
            self.operators[number] = make_held_key(self.instance, tx, label=f"operator {number}")
        admitted = self.accept(
            making.admission(
                number,
                key=self.administrators[number],
                authority=authority,
                roles=roles,
                circumstances=PEOPLE,
            )
        )
        self.enrol(number, self.operators[number])
        return admitted

    def enrol(self, unit: int, key: bytes, rights: Right = OPERATOR) -> Digest:
        """One more signer of a unit."""
        administrator = self.administrators[unit]
        return self.accept(
            making.enrolment(
                unit, key=key, administrator=administrator, rights=rights, circumstances=PEOPLE
            )
        )

    def new_signer(self, unit: int, rights: Right) -> bytes:
        """One more signer of a unit, whose key is held here."""
        with self.instance.database.transaction() as tx:
            key = make_held_key(self.instance, tx, label=f"signer of {unit}")
        self.enrol(unit, key, rights)
        return key

    def revoke_operator(self, unit: int) -> Digest:
        """The unit's operator signs no more."""
        return self.accept(
            making.revocation(
                unit,
                signer=signer_id(self.operators[unit]),
                administrator=self.administrators[unit],
                circumstances=PEOPLE,
            )
        )

    def register(self, unit: int, serial: str) -> Digest:
        """A sterilizer."""
        registered = self.accept(
            making.registration(
                unit, serial, administrator=self.administrators[unit], circumstances=PEOPLE
            )
        )
        identifier = equipment_id(UnitNumber(unit), serial_hash(serial))
        self.machines[serial] = Machine(id=identifier, unit=unit, serial=serial)
        return registered

    def reference(self, serial: str, number: int) -> CycleReference:
        """A cycle of a machine."""
        return CycleReference(machine=self.machines[serial], epoch=1, number=number)

    def opening(self, serial: str, number: int) -> Draft:
        """The draft of an opening."""
        return making.opening(
            self.reference(serial, number),
            signer=self._operator(serial),
            programme="134",
            biological_indicator=False,
            holds_implant=False,
            circumstances=PEOPLE,
        )

    def ending(self, serial: str, number: int, *, replaces: Digest = ZERO_DIGEST) -> Draft:
        """The draft of an ending."""
        return making.ending(
            self.reference(serial, number),
            signer=self._operator(serial),
            replaces=replaces,
            circumstances=PEOPLE,
        )

    def load(
        self, serial: str, number: int, quantity: int = 10, *, replaces: Digest = ZERO_DIGEST
    ) -> Draft:
        """The draft of a load of one class, owned and paid by the machine's unit."""
        unit = self.machines[serial].unit
        return making.load(
            self.reference(serial, number),
            [(unit, unit, 1, quantity)],
            signer=self._operator(serial),
            replaces=replaces,
            circumstances=PEOPLE,
        )

    def decision(
        self,
        serial: str,
        number: int,
        *,
        ending: Digest,
        load: Digest,
        quantity: int = 10,
        kind: DecisionKind = DecisionKind.RELEASE,
        replaces: Digest = ZERO_DIGEST,
    ) -> Draft:
        """The draft of a release."""
        unit = self.machines[serial].unit
        results = dict.fromkeys(
            ("physical", "chemical_external", "chemical_internal"), "pass"
        ) | dict.fromkeys(("lumen_pcd", "biological", "bowie_dick"), "not_required")
        return making.decision(
            self.reference(serial, number),
            kind,
            [(unit, unit, 1, quantity)] if quantity else [],
            signer=self._operator(serial),
            ending=ending,
            load=load,
            results=results,
            replaces=replaces,
            circumstances=PEOPLE,
        )

    def _operator(self, serial: str) -> bytes:
        return self.operators[self.machines[serial].unit]

    def run_cycle(self, serial: str, number: int) -> list[Digest]:
        """Opened, loaded, ended and released: four operations."""
        opening = self.accept(self.opening(serial, number))
        load = self.accept(self.load(serial, number))
        ending = self.accept(self.ending(serial, number))
        decision = self.accept(self.decision(serial, number, ending=ending, load=load))
        return [opening, load, ending, decision]

    # ------------------------------------------------------------ sending and following

    def writer(self, holder: str = "test") -> Writer:
        """A writer with the lease."""
        with self.instance.database.transaction() as tx:
            epoch = take_lease(tx, LEASE, holder, self.instance.clock(), 600)
        assert epoch is not None
        return Writer.open(self.instance, self.link, HeldLease(holder=holder, epoch=epoch))

    def follow(self) -> Progress:
        """Until the index has every final block."""
        while True:
            progress = follow(self.instance, self.link.node)
            if progress.height >= progress.final:
                return progress

    def settle(self, writer: Writer, rounds: int = 50) -> list[Sent]:
        """Send and follow until nothing happens."""
        done: list[Sent] = []
        for _ in range(rounds):
            done.append(writer.step())
            self.follow()
            if done[-1].is_idle:
                return done
        raise AssertionError(done)

    # ------------------------------------------------------------ looking

    def state(self, digest: Digest) -> OperationState:
        """Where an operation stands."""
        with self.instance.database.reading() as tx:
            return get_operation(tx, digest).state

    def newest(self, kind: str) -> Digest:
        """The digest of the operation of a kind that was accepted last."""
        with self.instance.database.reading() as tx:
            return list_latest_operations(tx, kind=kind, limit=1)[0].digest

    def history(self, digest: Digest) -> list[OperationState]:
        """Every state that it had."""
        with self.instance.database.reading() as tx:
            return [row.state for row in list_states(tx, digest)]

    def reason(self, digest: Digest) -> str:
        """Why it is where it is."""
        with self.instance.database.reading() as tx:
            return list_states(tx, digest)[-1].reason or ""


def tell_everything(hospital: Hospital, clock: Clock) -> None:
    """Every kind of operation at least once, all of it final; in the end four years went by.

    Late, amended, taken back, set right, contested, out of service, vetoed, revoked, erased.
    """
    accept, operator = hospital.accept, hospital.operators
    for unit in (1, 2):
        hospital.admit(unit)
    registered = hospital.register(1, "S1")
    _, load, ending, decision = hospital.run_cycle("S1", 4)
    hospital.run_cycle("S1", 1)
    amended = accept(hospital.load("S1", 4, 12, replaces=load))
    correction = hospital.decision(
        "S1", 4, ending=ending, load=amended, quantity=2, kind=DecisionKind.CORRECT,
        replaces=decision,
    )  # fmt: skip
    accept(correction)
    cycle, mistaken = hospital.reference("S1", 6), accept(hospital.opening("S1", 6))
    accept(making.void(cycle, opening=mistaken, signer=operator[1], circumstances=PEOPLE))
    accept(hospital.opening("S1", 6))
    failed = accept(making.result(cycle, Result.BIOLOGICAL, ResultWord.FAIL, signer=operator[1]))
    passed = making.result(
        cycle, Result.BIOLOGICAL, ResultWord.PASS, signer=operator[1], replaces=failed,
        circumstances=PEOPLE,
    )  # fmt: skip
    accept(passed)
    reporter = hospital.new_signer(2, Right.REPORT)
    accept(making.comment(2, cycle.id, Stance.DISAGREES, signer=reporter))
    machine, administrator = hospital.machines["S1"], hospital.administrators
    broken = making.change(
        machine, replaces=registered, administrator=administrator[1],
        state=EquipmentState.OUT_OF_SERVICE,
    )  # fmt: skip
    accept(making.change(machine, replaces=accept(broken), administrator=administrator[1]))
    with hospital.instance.database.transaction() as tx:
        authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
        key = make_held_key(hospital.instance, tx, label="new head")
    proposed = accept(making.proposal(2, key=key, authority=authority))
    accept(making.veto(2, proposed=proposed, administrator=administrator[2]))
    move_things(hospital)
    hospital.say("AssetRegistration", unit=1, name="Drone", code="D-1", kind="drone")
    serve(hospital)
    hospital.revoke_operator(2)
    erasers = [hospital.new_signer(1, Right.ERASE) for _ in range(2)]
    writer = hospital.writer()
    hospital.settle(writer)
    clock.advance(days=4 * 366)
    with hospital.instance.database.transaction() as tx:
        confirm_clock(hospital.instance, tx, person="tester")
        erased = get_operation(tx, mistaken)
    keys = dict(zip((Party.SIGNER, Party.COUNTERSIGNER), erasers, strict=True))
    accept(making.erasure(1, erased=mistaken, subject_record=erased.record_id, keys=keys))
    hospital.settle(hospital.writer())
    with hospital.instance.database.transaction() as tx:
        forget_erased(tx, clock.now)


def serve(hospital: Hospital) -> None:
    """A service, its correction, and terms that were agreed."""
    hospital.new_signer(1, Right.SETTLE)
    served = {"unit": 1, "consumer": 2, "kind": 20}
    service = hospital.say("Service", **served, quantity=90)
    hospital.say("Service", **served, quantity=-30, corrects=service.hex())
    begins: dict[str, str | int] = {"holds_from": "2100-01-01T00:00:00Z", "version": 1}
    later = parse_terms(canonical({**document(), **begins}))
    hospital.say("Terms", document=later.sha256, lines=parts_of(later))


def move_things(hospital: Hospital) -> None:
    """A loaner and two packages go by the member's own van, and one box is cancelled."""
    hospital.new_signer(1, Right.DISPATCH)
    hospital.new_signer(2, Right.CARRY)
    hospital.new_signer(2, Right.RECEIVE)
    say, box = hospital.say, "U1/4711"
    say("AssetRegistration", unit=1, name="Hip set", code="L-1", kind="loaner_set")
    say("AssetChange", asset="L-1", state="offered", reason="as agreed")
    lines = [{"assembler": 1, "package": text, "basis": "scanned"} for text in ("P-1", "P-2")]
    sent = {"unit": 1, "receiver": 2, "taker": 2, "purpose": "loan", "lines": lines}
    # nobody recorded how they were assembled, so a gate asks why they are sent
    sent |= {"reason": "as agreed"}
    say("Dispatch", slip="4711", asset="L-1", **sent)
    say("HandOver", consignment=box, unit=1, taker=2, boxes=1)
    say("TakeOver", consignment=box, unit=2, outcome="carried", trip="T-9")
    say("TakeOver", consignment=box, unit=2, outcome="kept", rest="scanned", previous=None)
    say("Dispatch", slip="4712", **sent | {"reason": "a slip was written for what had gone"})
    say("Disposition", consignment="U1/4712", unit=1, kind="cancel", reason="never sent")


@contextmanager
def opened_hospital(
    home: Path, database_address: str, *, clock: Callable[[], datetime] = system_clock
) -> Iterator[Hospital]:
    """An instance with running contracts and nothing on them."""
    opened = open_instance(Settings(home=home, database_url=database_address))
    instance = replace(opened, clock=clock)
    ensure_home(instance)
    link = open_link(instance)
    try:
        ensure_deployment(instance, link)
        yield Hospital(instance=instance, link=link)
    finally:
        link.stop()
        instance.close()
