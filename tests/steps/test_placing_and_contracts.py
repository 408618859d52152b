"""Our rules and the contracts, compared: what we accept the chain records, in every allowed order.

Random requests go through our acceptance and to the real contracts at once; both must agree on
each.  Then the accepted ones go to a fresh chain in a random order that keeps only what they depend
on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from web3 import EthereumTesterProvider, Web3
from web3.types import TxParams

from ledger.chain.calldata import encode_batch
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.vocabulary import CycleReference, Machine
from ledger.domain.acts.words import (
    Custody,
    EquipmentState,
    Outcome,
    Party,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.chain.deployment import AuthorityKind, DeployedContract, Deployment, Role
from ledger.domain.cycle_acts import (
    DecideCycle,
    DeclareLoad,
    EndCycle,
    LoadLine,
    OpenCycle,
    ShareLine,
    draft_cycle_decision,
    draft_cycle_ending,
    draft_cycle_opening,
    draft_load_declaration,
)
from ledger.domain.drafts import Circumstances, Draft
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, EquipmentId, SignerId, signer_id
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.domain.operations import Operation, message_from_json
from ledger.domain.outbox.batching import Proof
from ledger.domain.registry_acts import (
    AdmitUnit,
    ChangeEquipment,
    CloseUnit,
    EnrolSigner,
    EraseRecord,
    ProposeRecovery,
    RevokeSigner,
    VetoRecovery,
    draft_equipment_change,
    draft_record_erasure,
    draft_recovery_proposal,
    draft_recovery_veto,
    draft_signer_enrolment,
    draft_signer_revocation,
    draft_unit_admission,
    draft_unit_closure,
)
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.prepare import fix
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.accepting.standing import find_cycle_state, find_machine_state
from ledger.steps.accepting.submit import Receipt
from ledger.storage.engine.database import Database
from ledger.storage.operations import (
    OperationRow,
    list_dependencies,
    list_operations,
    list_signatures,
)
from tests.contracts.world import deploy
from tests.house import CENTRE, CYCLE_DUTIES, MEMBER, SERIAL, Clock, House, build_house

T = TypeVar("T")

ALL_DUTIES = CYCLE_DUTIES | Right.ERASE
REASON = Circumstances(reason="as a test wants it")
SEEDS = range(5)
STEPS = 70


@dataclass(kw_only=True)
class Chain:
    """The real contracts in this process, told about operations one by one."""

    tester: EthereumTester = field(default_factory=lambda: EthereumTester(PyEVMBackend()))
    addresses: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.w3 = Web3(EthereumTesterProvider(self.tester))
        self.relayer = self.w3.eth.accounts[0]

    def now(self) -> datetime:
        """The newest block's time."""
        return datetime.fromtimestamp(self.w3.eth.get_block("latest")["timestamp"], UTC)

    def deploy(self, authority: bytes, receipt_key: bytes) -> Deployment:
        """Fresh contracts of this authority."""
        named = Web3.to_checksum_address(authority)
        registry = deploy(self.w3, self.relayer, "UnitRegistry", named, [])
        ledger = deploy(self.w3, self.relayer, "CycleLedger", registry.address)
        places = {Role.UNIT_REGISTRY: registry.address, Role.CYCLE_LEDGER: ledger.address}
        self.addresses = {role.value: bytes.fromhex(a[2:]) for role, a in places.items()}
        return Deployment(
            name="test",
            chain_id=self.w3.eth.chain_id,
            genesis_hash=b"\1" * 32,
            contracts={
                role: DeployedContract(
                    address=bytes.fromhex(places[role][2:]) if role in places else bytes([n]) * 20,
                    code_hash=b"\2" * 32,
                )
                for n, role in enumerate(Role, start=1)
            },
            authority=authority,
            authority_kind=AuthorityKind.ACCOUNT,
            deployed_at=1,
            receipt_key=receipt_key,
        )

    def takes(self, operation: Operation, proofs: Mapping[Party, Proof]) -> bool:
        """Send it; whether the contract recorded it."""
        transaction: TxParams = {
            "from": self.relayer,
            "to": Web3.to_checksum_address(operation.domain.contract),
            "data": encode_batch(operation.kind, [operation.message], [proofs]),
            "gas": 8_000_000,
        }
        try:
            self.w3.eth.call(transaction)
        except TransactionFailed:
            return False
        receipt = self.w3.eth.wait_for_transaction_receipt(
            self.w3.eth.send_transaction(transaction)
        )
        return bool(receipt["status"] == 1)


def proofs_of(keys: Mapping[Party, bytes], signatures: Mapping[Party, bytes]) -> dict[Party, Proof]:
    """As a call carries them: the authority's key is known to the contract."""
    return {
        party: Proof(
            signer=b"" if party is Party.AUTHORITY else keys[party], signature=signatures[party]
        )
        for party in keys
    }


@dataclass(kw_only=True)
class Group:
    """A house whose every request also goes to the contracts."""

    house: House
    chain: Chain
    keys: dict[int, list[bytes]] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    proposals: list[Digest] = field(default_factory=list)
    outcomes: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def try_on_chain(self, draft: Draft) -> bool:
        """Whether the contracts take the draft, signed, past our rules."""
        instance = self.house.instance
        with instance.database.transaction() as tx:
            prepared = fix(instance, instance.deployment_in(tx), draft)
            digest = prepared.operation.digest
            signatures = {
                party: sign_with_held_key(instance, tx, self.house.caller, party, key, digest)
                for party, key in prepared.keys.items()
            }
        return self.chain.takes(prepared.operation, proofs_of(prepared.keys, signatures))

    def send_accepted(self, row: OperationRow) -> bool:
        """Whether the contracts take an accepted operation."""
        kind = ACTS[row.kind]
        with self.house.instance.database.reading() as tx:
            signed = list_signatures(tx, [row.digest])
            domain = self.house.instance.deployment_in(tx).domain_of(kind.contract)
        message = message_from_json(kind, row.message)
        return self.chain.takes(
            Operation(kind=kind, message=message, domain=domain),
            proofs_of({s.party: s.signer for s in signed}, {s.party: s.signature for s in signed}),
        )

    def rows(self) -> list[OperationRow]:
        """Everything accepted, in its order."""
        with self.house.instance.database.reading() as tx:
            return list_operations(tx, limit=100_000)

    def record(self, draft: Draft) -> Receipt | SteriLedgerError:
        """Accept the draft, or say which rule keeps it out."""
        try:
            return self.house.record(draft)
        except (InvalidInput, NotFound, Conflict, Refused) as error:
            return error

    def ask(self, draft: Draft) -> bool:
        """Ask us, then the contracts; both must say the same.  Returns what they said."""
        self.house.clock.now = self.chain.now()
        receipt = self.record(draft)
        if isinstance(receipt, SteriLedgerError):
            assert not self.try_on_chain(draft), f"the chain takes {draft.kind.name}: {receipt}"
            self.outcomes[draft.kind.name, False] += 1
            return False
        row = next(row for row in reversed(self.rows()) if row.digest == receipt.digest)
        assert self.send_accepted(row), f"the chain refuses {draft.kind.name} {dict(draft.message)}"
        self.outcomes[draft.kind.name, True] += 1
        if draft.kind.name == "RecoveryProposal":
            self.proposals.append(receipt.digest)
        return True


@pytest.fixture(scope="module")
def chain() -> Chain:
    """One chain; every house deploys contracts of its own on it."""
    return Chain()


@pytest.fixture
def group(chain: Chain, sqlite_database: Database, tmp_path: Path) -> Group:
    """A centre with two signers and two machines, a member, all on the chain already."""
    clock = Clock(now=chain.now())
    house = build_house(sqlite_database, tmp_path, deployment=chain.deploy, clock=clock)
    made = Group(house=house, chain=chain)
    made.keys = {CENTRE: [house.operator], MEMBER: []}
    made.keys[CENTRE].append(house.enrol(CENTRE, "Second", ALL_DUTIES))
    made.keys[MEMBER].append(house.enrol(MEMBER, "Third", ALL_DUTIES))
    for unit, serial in ((CENTRE, "B-2"), (MEMBER, "C-3")):
        made.machines.append(Machine(id=house.register(unit, serial), unit=unit, serial=serial))
    made.machines.append(Machine(id=house.equipment, unit=CENTRE, serial=SERIAL))
    for row in made.rows():
        assert made.send_accepted(row), row.kind
    return made


# ------------------------------------------------------------------------------ random requests


@dataclass(kw_only=True)
class Requests:
    """Requests that are often right and sometimes wrong."""

    random: Random
    group: Group

    def next(self) -> Draft:
        """One request."""
        makers: Sequence[tuple[Callable[[], Draft], int]] = (
            (self.opening, 20),
            (self.ending, 20),
            (self.load, 18),
            (self.decision, 34),
            (self.enrolment, 4),
            (self.revocation, 3),
            (self.change, 5),
            (self.admission, 2),
            (self.closure, 1),
            (self.erasure, 3),
            (self.proposal, 2),
            (self.veto, 2),
        )
        (make,) = self.random.choices([m for m, _ in makers], [w for _, w in makers])
        return make()

    def opening(self) -> Draft:
        machine, epoch = self.machine_now()
        return draft_cycle_opening(
            OpenCycle(
                cycle=CycleReference(
                    machine=machine,
                    epoch=self.mostly(epoch, [1, 2, 3]),
                    number=self.random.randint(1, 12),
                ),
                programme=None,
                started_at=None,
                is_after_outcome=False,
                biological_indicator=None,
                holds_implant=None,
                signer=self.signer(machine.unit),
                circumstances=self.told(),
            )
        )

    def ending(self) -> Draft:
        cycle, current = self.cycle_now("ending")
        draft = draft_cycle_ending(
            EndCycle(
                cycle=cycle,
                outcome=self.mostly(Outcome.COMPLETED, list(Outcome)),
                verdict=self.mostly(Verdict.PASSED, list(Verdict)),
                verdict_facts={},
                machine_facts={},
                started_at=None,
                ended_at=None,
                readings=(),
                replaces=self.mostly(current, [ZERO_DIGEST, Digest(b"\5" * 32)]),
                signer=self.signer(cycle.machine.unit),
                circumstances=self.told(),
            )
        )
        return self.spoil(draft, "outcome", "verdict")

    def load(self) -> Draft:
        cycle, current = self.cycle_now("load")
        classes = self.mostly([1, 2], [[1], [2], [1, 2, 3], [3]])
        draft = draft_load_declaration(
            DeclareLoad(
                cycle=cycle,
                lines=[
                    LoadLine(
                        owner=CENTRE,
                        payer=MEMBER,
                        package_class=number,
                        quantity=self.random.choice((0, 3, 5, 8)),
                    )
                    for number in classes
                ],
                replaces=self.mostly(current, [ZERO_DIGEST, Digest(b"\5" * 32)]),
                signer=self.signer(cycle.machine.unit),
                circumstances=self.told(),
            )
        )
        return self.disorder(draft, "totals")

    def decision(self) -> Draft:
        cycle, _ = self.cycle_now("decision")
        state = self.state_of(cycle)
        digests = (
            (ZERO_DIGEST,) * 3 if state is None else (state.ending, state.load, state.decision)
        )
        ending, load, latest = (
            self.mostly(digest, [ZERO_DIGEST, Digest(b"\5" * 32)]) for digest in digests
        )
        kind = self.random.choice(list(DecisionKind))
        draft = draft_cycle_decision(
            DecideCycle(
                cycle=cycle,
                decision=kind,
                ending=ending,
                load=load,
                shares=self.shares(kind),
                results={},
                replaces=latest,
                signer=self.signer(cycle.machine.unit),
                circumstances=self.told(),
            )
        )
        return self.spoil(self.disorder(draft, "shares"), "kind")

    def shares(self, kind: DecisionKind) -> list[ShareLine]:
        releases = kind <= DecisionKind.EMERGENCY_RELEASE
        if not releases and self.random.random() < 0.6:
            return []
        deltas = (1, 2, 3, 5) if releases else (-3, -2, -1, 0, 1, 2)
        owners = self.mostly([CENTRE, MEMBER], [[CENTRE], [CENTRE, 9], [MEMBER, 7]])
        return [
            ShareLine(
                owner=owner,
                payer=self.mostly(owner, [CENTRE, MEMBER, 8]),
                package_class=self.mostly(1, [2, 3]),
                delta=self.random.choice(deltas),
            )
            for owner in self.random.sample(owners, k=self.random.randint(0, len(owners)))
        ]

    def enrolment(self) -> Draft:
        unit = self.random.choice((CENTRE, MEMBER))
        known = self.group.keys[unit]
        key = self.mostly(self.new_key(), known)
        if key not in known:
            known.append(key)
        now = int(self.group.house.clock.now.timestamp())
        return self.spoil(
            draft_signer_enrolment(
                EnrolSigner(
                    unit=unit,
                    key=key,
                    name="Somebody",
                    duties=self.mostly(ALL_DUTIES, [Right.OPEN, Right.DECIDE, Right.ADMINISTER]),
                    custody=Custody.SERVER,
                    valid_from=self.mostly(0, [now + 5000]),
                    valid_until=self.mostly(0, [now + 20]),
                    administrator=self.administrator(unit),
                    circumstances=self.told(),
                )
            ),
            "duties",
            "custody",
        )

    def revocation(self) -> Draft:
        unit = self.random.choice((CENTRE, MEMBER))
        every = [*self.group.keys[unit], *self.group.keys[MEMBER], self.administrator(unit)]
        return draft_signer_revocation(
            RevokeSigner(
                unit=unit,
                signer=SignerId(signer_id(self.random.choice(every))),
                administrator=self.administrator(unit),
                circumstances=self.told(),
            )
        )

    def change(self) -> Draft:
        machine, epoch = self.machine_now()
        current = self.machine_state(machine.id)
        return self.spoil(
            draft_equipment_change(
                ChangeEquipment(
                    unit=machine.unit,
                    equipment=machine.id,
                    state=self.mostly(EquipmentState.IN_SERVICE, list(EquipmentState)[:2]),
                    epoch=self.mostly(epoch + 1, [1, epoch]),
                    replaces=self.mostly(current, [ZERO_DIGEST, Digest(b"\5" * 32)]),
                    administrator=self.administrator(machine.unit),
                    circumstances=self.told(),
                )
            ),
            "state",
        )

    def admission(self) -> Draft:
        number = self.random.randint(1, 6)
        house = self.group.house
        return self.spoil(
            draft_unit_admission(
                AdmitUnit(
                    number=number,
                    code=f"U{number}",
                    name="One more unit",
                    roles=UnitRole.USER,
                    administrator=self.mostly(self.new_key(), [house.operator]),
                    administrator_name=None,
                    custody=Custody.SERVER,
                    circumstances=self.told(),
                ),
                authority=house.authority,
            ),
            "roles",
            "custody",
        )

    def closure(self) -> Draft:
        request = CloseUnit(number=self.random.choice((MEMBER, 3, 4)), circumstances=self.told())
        return draft_unit_closure(request, authority=self.group.house.authority)

    def erasure(self) -> Draft:
        unit = self.random.choice((CENTRE, MEMBER))
        subjects = [row.digest for row in self.group.rows() if row.unit == unit][-6:]
        return draft_record_erasure(
            EraseRecord(
                unit=unit,
                subject=self.random.choice(subjects),
                record_id="0" * 32,
                retention_ended="2026-01-01T00:00:00Z",
                signer=self.signer(unit),
                countersigner=self.signer(unit),
                circumstances=self.told(),
            )
        )

    def proposal(self) -> Draft:
        return draft_recovery_proposal(
            ProposeRecovery(
                unit=self.random.choice((CENTRE, MEMBER, 5)),
                key=self.mostly(self.new_key(), [self.group.house.operator]),
                name=None,
                custody=Custody.SERVER,
                circumstances=self.told(),
            ),
            authority=self.group.house.authority,
        )

    def veto(self) -> Draft:
        unit = self.random.choice((CENTRE, MEMBER))
        return draft_recovery_veto(
            VetoRecovery(
                unit=unit,
                proposal=self.random.choice([*self.group.proposals, Digest(b"\5" * 32)]),
                administrator=self.administrator(unit),
                circumstances=self.told(),
            )
        )

    # ------------------------------------------------------------ parts

    def mostly(self, right: T, wrong: Sequence[T]) -> T:
        return right if self.random.random() < 0.85 else self.random.choice(wrong)

    def told(self) -> Circumstances:
        """Signed now; seldom in the future, or before anything was enrolled."""
        now = int(self.group.house.clock.now.timestamp())
        return replace(REASON, signed_at=self.mostly(now, [now, now, now + 4000, now - 90_000]))

    def signer(self, unit: int) -> bytes:
        strangers = [*self.group.keys[MEMBER], self.group.house.administrators[unit]]
        return self.mostly(self.random.choice(self.group.keys[unit]), strangers)

    def administrator(self, unit: int) -> bytes:
        return self.mostly(self.group.house.administrators[unit], self.group.keys[CENTRE])

    def new_key(self) -> bytes:
        return self.group.house.key("made for a request")

    def machine_now(self) -> tuple[Machine, int]:
        machine = self.random.choice(self.group.machines)
        with self.group.house.instance.database.reading() as tx:
            state = find_machine_state(tx, machine.id)
        assert state is not None
        return machine, state.epoch

    def machine_state(self, identifier: EquipmentId) -> Digest:
        with self.group.house.instance.database.reading() as tx:
            state = find_machine_state(tx, identifier)
        assert state is not None
        return state.current

    def cycle_now(self, what: str) -> tuple[CycleReference, Digest]:
        """A cycle that was opened, or seldom one that was not, and its current record of a kind."""
        opened = [row for row in self.group.rows() if row.kind == "CycleOpening"]
        machine, number, epoch = self.group.machines[0], 99, 1
        if opened and self.random.random() < 0.97:
            row = self.random.choice(opened[-4:])
            message = message_from_json(ACTS[row.kind], row.message)
            machine = next(m for m in self.group.machines if m.id == message["equipment"])
            number, epoch = int(str(message["number"])), int(str(message["epoch"]))
        reference = CycleReference(machine=machine, epoch=epoch, number=number)
        state = self.state_of(reference)
        return reference, ZERO_DIGEST if state is None else getattr(state, what)

    def state_of(self, cycle: CycleReference) -> CycleState | None:
        with self.group.house.instance.database.reading() as tx:
            return find_cycle_state(tx, cycle.id)

    def spoil(self, draft: Draft, *members: str) -> Draft:
        """Seldom a number that the contract does not know."""
        if self.random.random() > 0.04:
            return draft
        name = self.random.choice(members)
        bits = 16 if name in {"duties", "roles"} else 8
        value = self.random.choice((0, (1 << bits) - 1))
        return replace(draft, message={**draft.message, name: value})

    def disorder(self, draft: Draft, name: str) -> Draft:
        """Seldom the lines the other way round, or the first one twice."""
        lines = draft.message[name]
        if self.random.random() > 0.05 or isinstance(lines, int | bytes) or not lines:
            return draft
        changed: Value = self.random.choice(([*reversed(lines)], [lines[0], *lines]))
        return replace(draft, message={**draft.message, name: changed})


@pytest.mark.parametrize("seed", SEEDS)
def test_we_accept_exactly_what_the_contracts_record_in_every_order_that_we_allow(
    group: Group, seed: int
) -> None:
    requests = Requests(random=Random(seed), group=group)
    before = len(group.rows())
    snapshot = group.chain.tester.take_snapshot()
    for _ in range(STEPS):
        group.ask(requests.next())
    accepted = group.rows()[before:]
    assert len(accepted) > STEPS // 6
    ended = group.chain.now()
    group.chain.tester.revert_to_snapshot(snapshot)
    group.chain.tester.time_travel(int(ended.timestamp()) + 60)
    for row in in_some_allowed_order(group, accepted, Random(seed)):
        assert group.send_accepted(row), f"out of order: {row.kind} {row.message!r}"


def in_some_allowed_order(
    group: Group, rows: Sequence[OperationRow], random: Random
) -> Iterator[OperationRow]:
    """A random order in which everything comes after what it depends on."""
    with group.house.instance.database.reading() as tx:
        waits = list_dependencies(tx, [row.digest for row in rows])
    missing = {row.digest: set[Digest]() for row in rows}
    for each in waits:
        if each.predecessor in missing:
            missing[each.digest].add(each.predecessor)
    left = {row.digest: row for row in rows}
    while left:
        ready = [digest for digest in left if not missing[digest] & set(left)]
        yield left.pop(random.choice(ready))
