"""A small group for tests: an authority, a centre with a sterilizer, a member, and their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import func, select

from ledger.domain.callers import Caller, local_administrator
from ledger.domain.chain.deployment import (
    AuthorityKind,
    DeployedContract,
    Deployment,
    Role,
    deployment_to_json,
)
from ledger.domain.cycle_acts import (
    CycleReference,
    DeclareLoad,
    EndCycle,
    LoadLine,
    Machine,
    OpenCycle,
    ShareLine,
    draft_cycle_ending,
    draft_cycle_opening,
    draft_load_declaration,
)
from ledger.domain.decisions import DecisionKind
from ledger.domain.drafts import Circumstances, Draft
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    EquipmentId,
    UnitNumber,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.operations import (
    Custody,
    Duty,
    EquipmentKind,
    Outcome,
    UnitRole,
    Verdict,
)
from ledger.domain.registry_acts import (
    AdmitUnit,
    EnrolSigner,
    RegisterEquipment,
    draft_equipment_registration,
    draft_signer_enrolment,
    draft_unit_admission,
)
from ledger.domain.rules import RELEASES
from ledger.keys.accounts import account_address, create_account
from ledger.keys.receipts import create_receipt_key, receipt_public_key
from ledger.keys.signers import Algorithm
from ledger.keys.vault import KEY_PURPOSE, Vault
from ledger.settings import Settings
from ledger.steps.accepting.clock import confirm_clock
from ledger.steps.accepting.deciding import DecisionRequest, draft_decision
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.storage.engine.database import Database
from ledger.storage.engine.schema import metadata
from ledger.storage.keys import KeyPurpose, KeyRow, insert_key
from ledger.storage.settings import insert_setting

#: members of a request to replace, each of its own type
Changes: TypeAlias = Any

DATA = Path(__file__).parent / "data"
DAC_LOG = DATA / "dacuniversal" / "DAC.Log"
SERIAL = "601362"
CENTRE, MEMBER = 1, 2
CYCLE_DUTIES = Duty.OPEN | Duty.LOAD | Duty.RESULT | Duty.DECIDE


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time that the test set."""
        return self.now

    def advance(self, **parts: float) -> None:
        """Let time pass."""
        self.now += timedelta(**parts)


@dataclass(kw_only=True)
class House:
    """An instance with a group in it."""

    instance: Instance
    clock: Clock
    caller: Caller
    authority: bytes
    administrators: dict[int, bytes] = field(default_factory=dict)
    #: signs for the centre with every duty of a cycle
    operator: bytes = b""
    equipment: EquipmentId = field(default=EquipmentId(bytes(32)))

    def record(self, draft: Draft) -> Receipt:
        """Accept a draft with the keys that the instance holds."""
        with self.instance.database.transaction() as tx:
            return record_with_held_keys(self.instance, tx, self.caller, draft)

    def wait(self, **parts: float) -> None:
        """Let a long time pass in silence; then a person says that the clock is right."""
        self.clock.advance(**parts)
        with self.instance.database.transaction() as tx:
            confirm_clock(self.instance, tx, person="tester")

    def key(self, label: str) -> bytes:
        """A new key held by the instance."""
        with self.instance.database.transaction() as tx:
            return make_held_key(self.instance, tx, label=label)

    def admit(self, number: int, code: str, roles: UnitRole) -> None:
        """Admit a unit with a server-held administrator."""
        key = self.key(f"administrator of {code}")
        self.administrators[number] = key
        request = AdmitUnit(
            number=number,
            code=code,
            name=f"Unit {code}",
            roles=roles,
            administrator=key,
            administrator_name=f"Administrator {code}",
            custody=Custody.SERVER,
        )
        self.record(draft_unit_admission(request, authority=self.authority))

    def enrol(self, unit: int, name: str, duties: Duty, **validity: int) -> bytes:
        """Enrol a server-held signer; returns its key."""
        key = self.key(name)
        self.enrol_key(unit, key, name, duties, **validity)
        return key

    def enrol_key(self, unit: int, key: bytes, name: str, duties: Duty, **validity: int) -> None:
        """Enrol a key that the instance holds already."""
        request = EnrolSigner(
            unit=unit,
            key=key,
            name=name,
            duties=duties,
            custody=Custody.SERVER,
            valid_from=validity.get("valid_from", 0),
            valid_until=validity.get("valid_until", 0),
            administrator=self.administrators[unit],
        )
        self.record(draft_signer_enrolment(request))

    def register(self, unit: int, serial: str) -> EquipmentId:
        """Register a sterilizer in epoch 1."""
        request = RegisterEquipment(
            unit=unit,
            name=f"Sterilizer {serial}",
            model="DAC Universal",
            serial=serial,
            kind=EquipmentKind.STERILIZER,
            epoch=1,
            clock_zone="Europe/Berlin",
            profile="en-285-134",
            administrator=self.administrators[unit],
        )
        self.record(draft_equipment_registration(request))
        return equipment_id(UnitNumber(unit), serial_hash(serial))

    def cycle(self, number: int) -> CycleReference:
        """The centre's cycle of that number."""
        machine = Machine(id=self.equipment, unit=CENTRE, serial=SERIAL)
        return CycleReference(machine=machine, epoch=1, number=number)

    def open(self, number: int, **changes: Changes) -> Receipt:
        """Open a cycle of the centre's machine."""
        request = OpenCycle(
            cycle=self.cycle(number),
            programme=None,
            started_at=None,
            is_after_outcome=False,
            biological_indicator=None,
            holds_implant=None,
            signer=self.operator,
        )
        return self.record(draft_cycle_opening(replace(request, **changes)))

    def end(self, number: int, **changes: Changes) -> Receipt:
        """End it as a person typed it: completed, and nothing computed."""
        return self.record(draft_cycle_ending(replace(self.ending(number), **changes)))

    def ending(self, number: int) -> EndCycle:
        """A typed ending."""
        return EndCycle(
            cycle=self.cycle(number),
            outcome=Outcome.COMPLETED,
            verdict=Verdict.NOT_COMPUTED,
            verdict_facts={},
            machine_facts={},
            started_at=None,
            ended_at=None,
            readings=(),
            replaces=ZERO_DIGEST,
            signer=self.operator,
        )

    def decision(self, number: int, kind: DecisionKind, **changes: Changes) -> DecisionRequest:
        """A decision over the cycle as it stands; a first release releases everything."""
        shares = (
            ShareLine(owner=CENTRE, payer=CENTRE, package_class=1, delta=5),
            ShareLine(owner=MEMBER, payer=MEMBER, package_class=1, delta=5),
        )
        request = DecisionRequest(
            cycle=f"{SERIAL}/{number}",
            decision=kind,
            shares=shares if kind in RELEASES else (),
            signer_key=self.operator,
        )
        return replace(request, **changes)

    def decide(
        self, number: int, kind: DecisionKind = DecisionKind.RELEASE, **changes: Changes
    ) -> Receipt:
        """Decide over a cycle."""
        with self.instance.database.transaction() as tx:
            draft = draft_decision(tx, self.caller, self.decision(number, kind, **changes))
            return record_with_held_keys(self.instance, tx, self.caller, draft)

    def complete(self, number: int, **opening: Changes) -> None:
        """A cycle that may be released: opened, loaded with 10 packages, completed."""
        self.open(number, **opening)
        self.declare(number)
        self.end(number)

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self.instance.database.reading() as tx:
            return {
                name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in metadata.tables.items()
            }

    @contextmanager
    def nothing_stored(self) -> Iterator[None]:
        """What happens inside leaves every table as it was."""
        before = self.counts()
        yield
        assert self.counts() == before

    def declare(self, number: int, quantity: int = 10, **changes: object) -> Receipt:
        """Declare a load of one class, half of it the member's."""
        half = quantity // 2
        request = DeclareLoad(
            cycle=self.cycle(number),
            lines=(
                LoadLine(owner=CENTRE, payer=CENTRE, package_class=1, quantity=quantity - half),
                LoadLine(owner=MEMBER, payer=MEMBER, package_class=1, quantity=half),
            ),
            replaces=changes.get("replaces", ZERO_DIGEST),  # type: ignore[arg-type]
            signer=self.operator,
            circumstances=Circumstances(reason=changes.get("reason")),  # type: ignore[arg-type]
        )
        return self.record(draft_load_declaration(request))


def build_house(
    database: Database,
    home: Path,
    *,
    deployment: Callable[[bytes, bytes], Deployment] | None = None,
    clock: Clock | None = None,
) -> House:
    """A group of a centre and a member; every key is held by the instance.

    `deployment` makes the contracts from (authority address, receipt key); without it they are
    addresses at which nothing stands, for tests that stop before the chain.
    """
    clock = clock or Clock()
    instance = Instance(
        settings=Settings(home=home),
        database=database,
        vault=Vault(b"\7" * 32),
        clock=clock,
    )
    authority, receipt = create_account(), create_receipt_key()
    address = account_address(authority)
    make = deployment or paper_deployment
    with database.transaction() as tx:
        _keep(instance, tx, KeyPurpose.AUTHORITY, Algorithm.SECP256K1, authority, address)
        public = receipt_public_key(receipt)
        _keep(instance, tx, KeyPurpose.RECEIPT, Algorithm.ED25519, receipt, public)
        body = deployment_to_json(make(address, public))
        insert_setting(tx, DEPLOYMENT_SETTING, body)
    house = House(
        instance=instance, clock=clock, caller=local_administrator("tester"), authority=address
    )
    house.admit(CENTRE, "centre", UnitRole.PROCESSOR)
    house.admit(MEMBER, "member", UnitRole.USER)
    house.operator = house.enrol(CENTRE, "Operator", CYCLE_DUTIES)
    house.equipment = house.register(CENTRE, SERIAL)
    return house


def paper_deployment(authority: bytes, receipt_key: bytes) -> Deployment:
    """A deployment of nothing anywhere: enough to compute digests."""
    return Deployment(
        name="test",
        chain_id=424242,
        genesis_hash=b"\1" * 32,
        contracts={
            role: DeployedContract(address=bytes([n + 1]) * 20, code_hash=bytes([n + 1]) * 32)
            for n, role in enumerate(Role)
        },
        authority=authority,
        authority_kind=AuthorityKind.ACCOUNT,
        deployed_at=1,
        receipt_key=receipt_key,
    )


def _keep(  # noqa: PLR0917 - the parts of one key
    instance: Instance,
    tx: object,
    purpose: KeyPurpose,
    algorithm: Algorithm,
    secret: bytes,
    public: bytes,
) -> None:
    identifier = signer_id(public)
    insert_key(
        tx,  # type: ignore[arg-type]
        KeyRow(
            signer_id=identifier,
            signer=public,
            algorithm=algorithm,
            purpose=purpose,
            label=purpose.value,
            private_key=instance.vault.encrypt(secret, purpose=KEY_PURPOSE, row=identifier.hex()),
            created_at=instance.clock(),
        ),
    )
