"""A small group for tests: an authority, a centre with a sterilizer, a member, and their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import RELEASES, DecisionKind
from ledger.domain.acts.vocabulary import CycleReference, Machine
from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Caller, local_administrator
from ledger.domain.chain.deployment import (
    AuthorityKind,
    DeployedContract,
    Deployment,
    Role,
    deployment_to_json,
)
from ledger.domain.drafts import Circumstances, Draft
from ledger.domain.encoding.identifiers import (
    EquipmentId,
    UnitNumber,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.subjects.states import CycleState
from ledger.keys.accounts import account_address, create_account
from ledger.keys.receipts import create_receipt_key, receipt_public_key
from ledger.keys.signers import Algorithm
from ledger.keys.vault import KEY_PURPOSE, Vault
from ledger.settings import Settings
from ledger.steps.accepting.clock import confirm_clock
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.storage.engine.database import Database
from ledger.storage.engine.schema import metadata
from ledger.storage.keys import KeyPurpose, KeyRow, insert_key
from ledger.storage.settings import insert_setting
from tests import making

#: members of a request to replace, each of its own type
Changes: TypeAlias = Any

DATA = Path(__file__).parent / "data"
DAC_LOG = DATA / "dacuniversal" / "DAC.Log"
SERIAL = "601362"
CENTRE, MEMBER = 1, 2
AT_A_DOOR = Door(authenticated_by="local", takes_what_stands=True)
CYCLE_RIGHTS = Right.OPEN | Right.LOAD | Right.RESULT | Right.DECIDE


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
    #: signs for the centre with every right of a cycle
    operator: bytes = b""
    equipment: EquipmentId = field(default=EquipmentId(bytes(32)))

    def record(self, draft: Draft) -> Receipt:
        """Accept a draft with the keys that the instance holds."""
        with self.instance.database.transaction() as tx:
            return record_with_held_keys(self.instance, tx, self.caller, draft)

    def said(self, kind: str, **values: Changes) -> Draft:
        """The draft of what a person says at a door, by the names of the act's fields."""
        with self.instance.database.transaction() as tx:
            return make_draft(self.instance, tx, self.caller, ACTS[kind], values, AT_A_DOOR)

    def wait(self, **parts: float) -> None:
        """Let a long time pass in silence; then a person says that the clock is right."""
        self.clock.advance(**parts)
        with self.instance.database.transaction() as tx:
            confirm_clock(self.instance, tx, person="tester")

    def say(self, kind: str, /, **values: object) -> Receipt:
        """Record what somebody at the keyboard says, by the names of the act's fields."""
        with self.instance.database.transaction() as tx:
            return self.say_in(tx, kind, **values)

    def say_in(self, tx: Connection, kind: str, /, **values: object) -> Receipt:
        """The same, within a transaction that goes on."""
        door = Door(authenticated_by="local", takes_what_stands=True)
        draft = make_draft(self.instance, tx, self.caller, ACTS[kind], values, door)
        return record_with_held_keys(self.instance, tx, self.caller, draft)

    def key(self, label: str) -> bytes:
        """A new key held by the instance."""
        with self.instance.database.transaction() as tx:
            return make_held_key(self.instance, tx, label=label)

    def admit(self, number: int, code: str, roles: UnitRole) -> None:
        """Admit a unit with a server-held administrator."""
        key = self.key(f"administrator of {code}")
        self.administrators[number] = key
        self.record(
            making.admission(
                number,
                key=key,
                authority=self.authority,
                code=code,
                name=f"Unit {code}",
                roles=roles,
                administrator_name=f"Administrator {code}",
            )
        )

    def enrol(self, unit: int, name: str, rights: Right, **validity: Changes) -> bytes:
        """Enrol a server-held signer; returns its key."""
        key = self.key(name)
        self.enrol_key(unit, key, name, rights, **validity)
        return key

    def enrol_key(
        self, unit: int, key: bytes, name: str, rights: Right, **validity: Changes
    ) -> None:
        """Enrol a key that the instance holds already."""
        administrator = self.administrators[unit]
        self.record(
            making.enrolment(
                unit, key=key, administrator=administrator, rights=rights, name=name, **validity
            )
        )

    def register(self, unit: int, serial: str) -> EquipmentId:
        """Register a sterilizer in epoch 1."""
        self.record(
            making.registration(
                unit,
                serial,
                administrator=self.administrators[unit],
                clock_zone="Europe/Berlin",
                profile="en-285-134",
            )
        )
        return equipment_id(UnitNumber(unit), serial_hash(serial))

    def cycle(self, number: int) -> CycleReference:
        """The centre's cycle of that number."""
        machine = Machine(id=self.equipment, unit=CENTRE, serial=SERIAL)
        return CycleReference(machine=machine, epoch=1, number=number)

    def open(self, number: int, **changes: Changes) -> Receipt:
        """Open a cycle of the centre's machine."""
        given = {"signer": self.operator, **changes}
        cycle = given.pop("cycle", self.cycle(number))
        return self.record(making.opening(cycle, **given))

    def end(self, number: int, **changes: Changes) -> Receipt:
        """End it as a person typed it: completed, and nothing computed."""
        return self.record(self.ending(number, **changes))

    def ending(self, number: int, **changes: Changes) -> Draft:
        """A typed ending."""
        changes.setdefault("signer", self.operator)
        return making.ending(self.cycle(number), **changes)

    def decision(self, number: int, kind: DecisionKind, **changes: Changes) -> Draft:
        """A decision over the cycle as it stands; a first release releases everything."""
        shares = [(CENTRE, CENTRE, 1, 5), (MEMBER, MEMBER, 1, 5)] if kind in RELEASES else []
        with self.instance.database.reading() as tx:
            state = Accepted(tx).find(CycleState, self.cycle(number).id)
        judged = (
            {}
            if state is None
            else {"ending": state.ending, "load": state.load, "replaces": state.decision}
        )
        given = {"signer": self.operator, **judged, **changes}
        return making.decision(self.cycle(number), kind, given.pop("shares", shares), **given)

    def decide(
        self, number: int, kind: DecisionKind = DecisionKind.RELEASE, **changes: Changes
    ) -> Receipt:
        """Decide over a cycle."""
        return self.record(self.decision(number, kind, **changes))

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

    def declare(self, number: int, quantity: int = 10, **changes: Changes) -> Receipt:
        """Declare a load of one class, half of it the member's."""
        half = quantity // 2
        lines = [(CENTRE, CENTRE, 1, quantity - half), (MEMBER, MEMBER, 1, half)]
        if "reason" in changes:
            changes["circumstances"] = Circumstances(reason=changes.pop("reason"))
        return self.record(making.load(self.cycle(number), lines, signer=self.operator, **changes))


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
    house.operator = house.enrol(CENTRE, "Operator", CYCLE_RIGHTS)
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
