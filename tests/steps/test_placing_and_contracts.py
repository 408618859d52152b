"""Our rules and the contracts, compared: what we accept the chain records, in every allowed order.

Random requests of every kind go through our acceptance and to the real contracts at once; both must
agree on each.  Then the accepted ones go to a fresh chain in a random order that keeps only what
they depend on.  What only records can say is our own rule, which the contracts never see: it is
left out here (test_submit.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

import pytest
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from web3 import EthereumTesterProvider, Web3
from web3.types import TxParams

from ledger.chain.calldata import SELECTORS, encode_batch
from ledger.chain.deploy import kind_rows
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.custody import ConsignmentStatus, DispositionKind, TakeOutcome
from ledger.domain.acts.decisions import RELEASES, TRANSITIONS, DecisionKind
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    ConsignmentNamed,
    ConsignmentReference,
    CycleNamed,
    CycleReference,
    Field,
    Flags,
    Given,
    Hash,
    Lines,
    Machine,
    MachineNamed,
    Moment,
    Named,
    NewKey,
    Numbers,
    OneOf,
    ReadingPart,
    SetNamed,
    Whole,
    WitnessMode,
    WitnessScope,
    Words,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Party, Right, UnitRole
from ledger.domain.chain.deployment import AuthorityKind, DeployedContract, Deployment, Role
from ledger.domain.drafts import Circumstances, Draft, draft
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, signer_id
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.domain.operations import Operation, message_from_json
from ledger.domain.outbox.batching import Proof
from ledger.domain.statement.periods import Period
from ledger.domain.subjects.states import (
    AssetState,
    ConsignmentState,
    CurrentWitness,
    CycleState,
    MachineState,
)
from ledger.steps.accepting.prepare import fix
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import Receipt
from ledger.storage.engine.database import Database
from ledger.storage.operations import (
    OperationRow,
    list_dependencies,
    list_operations,
    list_signatures,
)
from tests.contracts.world import deploy
from tests.domain.statement.chains import document as agreed
from tests.house import CENTRE, MEMBER, SERIAL, Clock, House, build_house

T = TypeVar("T")

#: what one signer of each unit may do: everything but to administer
GONE = 3
EVERY_RIGHT = Right(sum(Right)) & ~Right.ADMINISTER
REASON = Circumstances(reason="as a test wants it")
STALE = Digest(b"\5" * 32)
SEEDS = range(5)
STEPS = 70
#: how often each kind is asked for at first, until it is accepted once
TRIES = 60


def _statement(number: int, scope: WitnessScope, mode: WitnessMode, about: Field) -> Act:
    by_authority = scope is WitnessScope.AUTHORITY
    return witness(
        name=f"Statement{number}",
        kind=number,
        doc="Made up, so that every scope and mode of the contract's table is asked.",
        right=None if by_authority else Right.REPORT,
        command=f"statement {number}",
        on_chain=scope,
        mode=mode,
        about=about,
        fields=(),
        says=lambda _: "something was stated",
    )


#: Kinds of statements that no kind of ours is like yet.
MADE_UP = (
    _statement(
        901, WitnessScope.OWN_CYCLE, WitnessMode.STATE, Field(name="cycle", of=CycleNamed())
    ),
    _statement(
        902,
        WitnessScope.OWN_MACHINE,
        WitnessMode.ENTRY,
        Field(name="equipment", of=Named("equipment")),
    ),
    _statement(
        903, WitnessScope.AUTHORITY, WitnessMode.STATE, Field(name="about", of=Named("anything"))
    ),
)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue with the kinds that are made up here; all statements have one function."""
    for act in MADE_UP:
        monkeypatch.setitem(cast("dict[str, Act]", ACTS), act.name, act)
        monkeypatch.setitem(cast("dict[str, bytes]", SELECTORS), act.name, SELECTORS["Comment"])


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
        custody = deploy(self.w3, self.relayer, "CustodyLedger", registry.address)
        witnesses = deploy(
            self.w3, self.relayer, "Witnesses", registry.address, ledger.address, kind_rows()
        )
        contributions = deploy(self.w3, self.relayer, "ContributionLedger", registry.address)
        places = {
            Role.UNIT_REGISTRY: registry.address,
            Role.CYCLE_LEDGER: ledger.address,
            Role.CUSTODY_LEDGER: custody.address,
            Role.WITNESSES: witnesses.address,
            Role.CONTRIBUTION_LEDGER: contributions.address,
        }
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
            "data": encode_batch(operation.act, [operation.message], [proofs]),
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
    #: admitted by a request
    units: list[int] = field(default_factory=list)
    revoked: list[bytes] = field(default_factory=list)
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
        act = ACTS[row.kind]
        with self.house.instance.database.reading() as tx:
            signed = list_signatures(tx, [row.digest])
            domain = self.house.instance.deployment_in(tx).domain_of(act.contract)
        message = message_from_json(act, row.message)
        return self.chain.takes(
            Operation(act=act, message=message, domain=domain),
            proofs_of({s.party: s.signer for s in signed}, {s.party: s.signature for s in signed}),
        )

    def rows(self) -> list[OperationRow]:
        """Everything accepted, in its order."""
        with self.house.instance.database.reading() as tx:
            return list_operations(tx, limit=100_000)

    def record(self, draft: Draft) -> Receipt | SteriLedgerError:
        """Accept the draft by the contracts' rules alone, or say which of them keeps it out."""
        fields = tuple(
            replace(each, of=Named(each.of.what)) if isinstance(each.of, Named) else each
            for each in draft.act.fields
        )
        act = replace(draft.act, fields=fields, record_rules=lambda *_: None)
        try:
            return self.house.record(replace(draft, act=act))
        except (InvalidInput, NotFound, Conflict, Refused) as error:
            return error

    def ask(self, draft: Draft) -> bool:
        """Ask us, then the contracts; both must say the same.  Returns what they said."""
        self.house.clock.now = self.chain.now()
        receipt = self.record(draft)
        if isinstance(receipt, SteriLedgerError):
            assert not self.try_on_chain(draft), f"the chain takes {draft.act.name}: {receipt}"
            self.outcomes[draft.act.name, False] += 1
            return False
        row = next(row for row in reversed(self.rows()) if row.digest == receipt.digest)
        assert self.send_accepted(row), f"the chain refuses {draft.act.name} {dict(draft.message)}"
        self.outcomes[draft.act.name, True] += 1
        self.note(draft, receipt.digest)
        return True

    def note(self, draft: Draft, digest: Digest) -> None:
        """Whose keys stand, and what may be vetoed."""
        if draft.act.name == "UnitAdmission":
            self.units.append(draft.unit)
        if draft.act.name == "RecoveryProposal":
            self.proposals.append(digest)
        if draft.act.name == "SignerEnrolment":
            self.keys[draft.unit].append(draft.keys[Party.NEW_KEY])
        if draft.act.name == "SignerRevocation":
            keys, signer = self.keys[draft.unit], draft.message["signer"]
            self.revoked += [key for key in keys if signer_id(key) == signer]
            self.keys[draft.unit] = [key for key in keys if signer_id(key) != signer]


@pytest.fixture(scope="module")
def chain() -> Chain:
    """One chain; every house deploys contracts of its own on it."""
    return Chain()


@pytest.fixture
def group(chain: Chain, made_up: None, sqlite_database: Database, tmp_path: Path) -> Group:
    """A centre with two signers and two machines, a member, all on the chain already."""
    clock = Clock(now=chain.now())
    house = build_house(sqlite_database, tmp_path, deployment=chain.deploy, clock=clock)
    made = Group(house=house, chain=chain)
    made.keys = {
        unit: [house.enrol(unit, name, EVERY_RIGHT) for name in ("One", "Two", "Three")]
        for unit in (CENTRE, MEMBER)
    }
    leave_boxes_behind(house)
    for unit, serial in ((CENTRE, "B-2"), (MEMBER, "C-3")):
        made.machines.append(Machine(id=house.register(unit, serial), unit=unit, serial=serial))
    made.machines.append(Machine(id=house.equipment, unit=CENTRE, serial=SERIAL))
    for row in made.rows():
        assert made.send_accepted(row), row.kind
    return made


def leave_boxes_behind(house: House) -> None:
    """A third unit sends some boxes and is closed."""
    house.admit(GONE, "gone", UnitRole.USER)
    house.enrol(GONE, "Gone", EVERY_RIGHT)
    for slip in ("1", "2", "3"):
        house.say(
            "Dispatch",
            unit=GONE,
            slip=slip,
            receiver=MEMBER,
            taker=CENTRE,
            purpose="clean",
            lines=[{"package_class": 1, "quantity": 3, "basis": "counted"}],
        )
    house.say("UnitClosure", unit=GONE, reason="closed")


# ------------------------------------------------------------------------------ random requests


#: how often each kind is asked for; a kind that is not named: as rarely as an erasure
WEIGHTS = {
    "CycleOpening": 7,
    "CycleVoid": 4,
    "CycleEnding": 15,
    "LoadDeclaration": 16,
    "CycleDecision": 32,
    "ResultEntry": 8,
    "Comment": 5,
    "SignerEnrolment": 4,
    "EquipmentChange": 5,
    "SignerRevocation": 2,
    "UnitClosure": 1,
    "RecoveryProposal": 1,
    "Dispatch": 8,
    "HandOver": 8,
    "TakeOver": 16,
    "Disposition": 8,
    "Service": 8,
}
RARELY = 3


@dataclass(kw_only=True)
class Requests:
    """Requests of every kind that are often right and sometimes wrong."""

    random: Random
    group: Group

    def next(self) -> Draft:
        """One request that its declaration can draft."""
        while True:
            weights = [WEIGHTS.get(name, RARELY) for name in ACTS]
            (act,) = self.random.choices(list(ACTS.values()), weights)
            try:
                return self.of(act)
            except InvalidInput:
                continue

    def of(self, act: Act) -> Draft:
        """One request of a kind; raises InvalidInput where no draft can say it."""
        return self.disorder(self.spoil(self.draft(act)))

    def draft(self, act: Act) -> Draft:  # noqa: C901 - a branch for each sort that names a subject
        """Values for every field, by its sort and by what stands."""
        machine = self.random.choice(self.group.machines)
        cycle = self.fresh_cycle() if act.name == "CycleVoid" else self.cycle()
        values: dict[str, Any] = {}
        unit = self.random.choice((CENTRE, MEMBER))
        for each in act.fields:
            if isinstance(each.of, CycleNamed):
                values[each.name], unit = cycle, cycle.machine.unit
            elif isinstance(each.of, MachineNamed):
                values[each.name], unit = machine, machine.unit
            elif each.of == Named("equipment") and each.given is Given.ALWAYS:
                values[each.name], unit = machine.id, machine.unit
            elif isinstance(each.of, ConsignmentNamed):
                values[each.name], unit = self.consignment(act)
            elif each.of == Named("asset") and each.given is Given.ALWAYS:
                values[each.name], unit = self.asset()
        state = self.subject(act, values)
        for each in act.fields:
            if each.name not in values:
                values[each.name] = self.value(act, each, state, values, unit)
        if act.name == "Service":
            values |= self.correction(unit)
        number = unit
        if act.witness is not None and act.right is None:
            number = self.mostly(0, [unit])
        elif act.right is None:
            number = values["unit"]
        return draft(act, values, unit=number, keys=self.keys(act, unit), circumstances=self.told())

    def correction(self, unit: int) -> dict[str, Any]:
        """What a correction of one of the unit's services says, or seldom of another's."""
        known = [row for row in self.group.rows() if row.kind == "Service"]
        own = [row for row in known if row.unit == unit]
        if not known or self.random.random() < 0.4:
            return {}
        row = self.random.choice(self.mostly(own, [known]) or known)
        message = message_from_json(ACTS[row.kind], row.message)
        repeated = {
            "consumer": message["consumer"],
            "kind": message["kind"],
            "service_class": message["serviceClass"],
            "subject": message["subject"],
        }
        if self.random.random() < 0.1:
            repeated["kind"] = 3
        return {**repeated, "corrects": row.digest, "quantity": self.random.randint(-9, 3)}

    def subject(self, act: Act, values: Mapping[str, Any]) -> object | None:
        """How the thing stands that a request names."""
        for each in act.fields:
            if isinstance(each.of, ConsignmentNamed):
                return self.find(ConsignmentState, values[each.name].id)
            if each.of == Named("asset") and each.name in values:
                return self.find(AssetState, values[each.name])
            if isinstance(each.of, CycleNamed):
                return self.find(CycleState, values[each.name].id)
            if isinstance(each.of, MachineNamed):
                return self.find(MachineState, values[each.name].id)
            if each.of == Named("equipment") and each.name in values:
                return self.find(MachineState, values[each.name])
        return None

    def value(  # noqa: C901, PLR0911, PLR0912 - the sources of a value
        self, act: Act, field: Field, state: object, values: Mapping[str, Any], unit: int
    ) -> Any:
        """What somebody might say there; None leaves it to the declaration."""
        if act.ends == "unit":
            return self.mostly(self.random.choice((*self.group.units, MEMBER)), [13])
        if act.about == "consignment" and field.name in self.of_custody:
            return self.of_custody[field.name](state, values, unit)
        if isinstance(field.of, Numbers):
            return self.random.choice(((), (1,), (2, 256)))
        if act.name == "Terms" and field.name in {"document", "lines"}:
            return self.terms()[field.name]
        if isinstance(field.of, Lines) and field.name == "lines" and act.name != "LoadDeclaration":
            # no contract reads these: one line is as good as another
            words = {"act": "washed", "basis": "typed", "package": "1/Q01", "outcome": "found"}
            line = {name: words[name] for name in field.of.columns if name in words}
            return [line] if field.given is Given.ALWAYS else None
        if isinstance(field.of, SetNamed):
            return f"{unit}/A"
        if field.name == "proposal" and isinstance(field.of, Words):
            return "half of it"
        if field.name in self.by_name:
            return self.by_name[field.name](values)
        if field.name == "decision" and isinstance(state, CycleState):
            allowed = self.random.choice(list(TRANSITIONS[state.state]))
            return self.mostly(allowed, list(DecisionKind))
        if field.name == "epoch" and isinstance(state, MachineState):
            begins = act.name == "EquipmentChange"
            return self.mostly(state.epoch + begins, [1, 2, 3, state.epoch])
        if field.name == "replaces" and act.witness is not None:
            return self.mostly(self.stated(act, values, unit), [ZERO_DIGEST, STALE])
        if field.stands_as and state is not None:
            return self.standing(getattr(state, field.stands_as))
        if isinstance(field.of, NewKey):
            return self.mostly(self.group.house.key("new"), self.every_key(unit))
        return self.by_sort(field, unit)

    def by_sort(self, field: Field, unit: int) -> Any:  # noqa: PLR0911 - a row for each sort
        """A value of the field's sort."""
        of, now = field.of, self.group.house.clock.now
        if isinstance(of, Choice):
            return self.mostly(next(iter(of.of)), list(of.of))
        if isinstance(of, Flags):
            return self.mostly(of.of(sum(of.of)), [self.random.choice(list(of.of))])
        if field.given is Given.ALWAYS:
            said = {OneOf: "other", Words: "1/Q01", Moment: now, Hash: "11" * 32}
            found = next((value for sort, value in said.items() if isinstance(of, sort)), None)
            if found is not None:
                return self.random.choice(of.words) if isinstance(of, OneOf) else found
        if isinstance(of, Moment):
            return self.mostly(None, [now + timedelta(seconds=s) for s in (20, 5000)])
        if isinstance(of, ReadingPart) and field.given is Given.ALWAYS:
            return "kept"  # no part of what is signed
        if isinstance(of, Whole) and field.given is Given.ALWAYS:
            return self.random.randint(1, 12)
        return self.named(of.what, unit) if isinstance(of, Named) else None

    def named(self, what: str, unit: int) -> int | bytes | None:  # noqa: PLR0911 - a case each
        """Something that there may be, of what people call by a name."""
        if what == "unit":
            return self.mostly(unit, [*self.group.units, 13])
        if what == "signer":
            return signer_id(self.random.choice(self.every_key(unit)))
        if what == "operation":
            return self.random.choice(self.latest_of(unit))
        if what == "asset":
            return self.random.choice([None, self.asset()[0]])
        if what in {"hash", "terms"}:
            return self.random.randbytes(32)
        if what == "period":
            return Period(2026, self.random.randint(1, 12)).word
        if what == "anything":
            return self.random.choice([self.cycle().id, self.group.machines[0].id])
        return None

    @property
    def by_name(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """What no sort says."""
        return {
            "code": lambda _: f"U{self.random.randint(1, 10**9)}",
            "name": lambda _: "Somebody",
            "serial": lambda _: self.random.choice(("B-2", "C-3", "D-4", "E-5")),
            "shares": lambda values: self.shares(values["decision"]),
            "lines": lambda _: self.lines(),
            "proposal": lambda _: self.random.choice([*self.group.proposals, STALE]),
            "thing": lambda _: self.asset()[0],
            "subject_record": lambda _: "0" * 32,
            "retention_ended": lambda _: datetime(2026, 1, 1, tzinfo=UTC),
            "hearing_until": lambda _: datetime(2099, 1, 1, tzinfo=UTC),
        }

    @property
    def of_custody(self) -> Mapping[str, Callable[[Any, Mapping[str, Any], int], Any]]:
        """What no sort says of a consignment, by how it stands, what is said and who acts."""
        return {
            "unit": lambda _state, _values, unit: unit,
            "slip": lambda *_: str(self.random.randint(1, 60)),
            "receiver": self.receiver,
            "taker": lambda *_: self.mostly(self.random.choice((CENTRE, MEMBER)), [GONE, 13]),
            "lines": lambda _state, values, _unit: self.package_lines(values),
            "outcome": lambda *_: self.random.choice(list(TakeOutcome)),
            "kind": lambda state, *_: self.mostly(
                DispositionKind.FOUND
                if state is not None and state.status is ConsignmentStatus.LOST
                else DispositionKind.CANCEL,
                list(DispositionKind),
            ),
        }

    def receiver(self, _state: object, values: Mapping[str, Any], unit: int) -> Any:
        """The other unit; of a disposition, whom a re-route is for."""
        if "kind" not in values:
            return self.mostly(CENTRE + MEMBER - unit, [unit, GONE, 13])
        units = [*self.group.units, MEMBER]
        reroutes = values["kind"] is DispositionKind.REROUTE
        return self.mostly(self.random.choice(units) if reroutes else None, units)

    def package_lines(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One line of three packages, and what became of it."""
        line = {"package_class": 1, "quantity": self.mostly(3, [4]), "basis": "counted"}
        outcome = self.mostly("accepted", ["refused", "extra", "missing"])
        return [{**line, "outcome": outcome} if "outcome" in values else line]

    def consignment(self, act: Act) -> tuple[ConsignmentReference, int]:
        """One that was dispatched lately, mostly not over, and who may have a part in it."""
        rows = [row for row in self.group.rows() if row.kind == "Dispatch"]
        states = [self.find(ConsignmentState, row.subject) for row in rows]
        known = [each for each in states if each is not None]
        if act.right is None:
            known = [each for each in known if each.giver == GONE]
        standing = [each for each in known if not each.status.is_over] or known
        chosen = self.random.choice(standing if self.random.random() < 0.9 else known)
        unit = self.random.choice(sorted(chosen.units))
        if act.name == "HandOver":
            unit = self.mostly(chosen.holder, [unit])
        if act.right is None:
            unit = chosen.giver
        reference = ConsignmentReference(id=chosen.id, giver=chosen.giver, slip=None)
        return reference, unit if act.right is None or unit != GONE else MEMBER

    def asset(self) -> tuple[bytes, int]:
        """An asset that was registered, and its owner."""
        rows = [row for row in self.group.rows() if row.kind == "AssetRegistration"]
        row = self.random.choice(rows) if rows else None
        return (STALE, CENTRE) if row is None else (row.subject, row.unit)

    # ------------------------------------------------------------ parts

    def mostly(self, right: T, wrong: Sequence[T]) -> T:
        return right if self.random.random() < 0.9 else self.random.choice(wrong)

    def standing(self, current: Any) -> Any:
        """As the subject stands, and seldom otherwise."""
        if isinstance(current, bytes):
            return self.mostly(current, [ZERO_DIGEST, STALE])
        if not isinstance(current, IntEnum):
            return self.mostly(current, [0, current + 1])
        return self.mostly(current, [each for each in type(current) if each is not current][:2])

    def stated(self, act: Act, values: Mapping[str, Any], unit: int) -> bytes:
        """What a statement replaces: the standing one, or often none of the many."""
        about = values[act.about]
        about = about.id if isinstance(about, CycleReference) else about
        assert act.witness is not None
        if act.witness.mode is WitnessMode.STATE:
            current = self.find(CurrentWitness, act.witness.kind, about, unit)
            return ZERO_DIGEST if current is None else current.digest
        same = [
            row.digest
            for row in self.group.rows()
            if (row.kind, row.subject, row.unit) == (act.name, about, unit)
        ]
        return self.random.choice([ZERO_DIGEST, *same[-1:]])

    def shares(self, kind: DecisionKind) -> list[dict[str, int]]:
        if kind not in RELEASES and self.random.random() < 0.6:
            return []
        deltas = (1, 2, 3, 5) if kind in RELEASES else (-3, -2, -1, 0, 1, 2)
        owners = self.mostly([CENTRE, MEMBER], [[CENTRE], [CENTRE, 9], [MEMBER, 7]])
        return [
            {
                "owner": owner,
                "payer": self.mostly(owner, [CENTRE, MEMBER, 8]),
                "package_class": self.mostly(1, [2, 3]),
                "delta": self.random.choice(deltas),
            }
            for owner in self.random.sample(owners, k=self.random.randint(0, len(owners)))
        ]

    def lines(self) -> list[dict[str, int]]:
        classes = self.mostly([1, 2], [[1], [2], [1, 2, 3], [3]])
        return [
            {
                "owner": CENTRE,
                "payer": MEMBER,
                "package_class": number,
                "quantity": self.random.choice((0, 3, 5, 8, 8, 9)),
            }
            for number in classes
        ]

    def terms(self) -> dict[str, Any]:
        """A document of the defaults' values, later than every other."""
        document = {
            **agreed(),
            "version": self.random.randint(1, 10**6),
            "holds_from": "2099-01-01T00:00:00Z",
        }
        terms = parse_terms(json.dumps(document).encode())
        return {"document": bytes.fromhex(terms.sha256), "lines": parts_of(terms)}

    def told(self) -> Circumstances:
        """Signed now; seldom in the future, or before anything was enrolled."""
        now = int(self.group.house.clock.now.timestamp())
        return replace(REASON, signed_at=self.mostly(now, [now, now, now + 4000, now - 90_000]))

    def keys(self, act: Act, unit: int) -> dict[Party, bytes]:
        """Who signs, but for the new key."""
        administers = act.right is Right.ADMINISTER
        keys = {
            Party.AUTHORITY: self.group.house.authority,
            Party.SIGNER: self.administrator(unit) if administers else self.signer(unit),
            Party.COUNTERSIGNER: self.signer(unit),
        }
        return {party: keys[party] for party in act.parties if party in keys}

    def signer(self, unit: int) -> bytes:
        administrator = self.group.house.administrators[unit]
        strangers = [*self.group.revoked, *self.group.keys[MEMBER], administrator]
        standing = self.group.keys.get(unit) or strangers
        return self.mostly(self.random.choice(standing), strangers)

    def administrator(self, unit: int) -> bytes:
        strangers = [*self.group.keys[CENTRE], *self.group.keys[MEMBER], *self.group.revoked]
        return self.mostly(self.group.house.administrators[unit], strangers or [b"\7" * 20])

    def every_key(self, unit: int) -> list[bytes]:
        return [
            *self.group.keys[unit],
            *self.group.keys[MEMBER],
            *self.group.revoked,
        ]

    def latest_of(self, unit: int) -> list[Digest]:
        return [row.digest for row in self.group.rows() if row.unit == unit][-6:]

    def cycle(self) -> CycleReference:
        """A cycle that was opened lately, or seldom one that never was."""
        opened = [row for row in self.group.rows() if row.kind == "CycleOpening"]
        machine, number, epoch = self.group.machines[0], 99, 1
        if opened and self.random.random() < 0.97:
            row = self.random.choice(opened[-3:])
            message = message_from_json(ACTS[row.kind], row.message)
            machine = next(m for m in self.group.machines if m.id == message["equipment"])
            number, epoch = int(str(message["number"])), int(str(message["epoch"]))
        return CycleReference(machine=machine, epoch=epoch, number=number)

    def fresh_cycle(self) -> CycleReference:
        """Mostly a cycle after whose opening nothing came."""
        cycle = self.cycle()
        for _ in range(4):
            state = self.find(CycleState, cycle.id)
            if state is not None and not any(state.ending + state.load + state.decision):
                break
            cycle = self.cycle()
        return cycle

    def find(self, cls: type[T], *key: object) -> T | None:
        with self.group.house.instance.database.reading() as tx:
            return Accepted(tx).find(cls, *key)

    def spoil(self, draft: Draft) -> Draft:
        """Seldom a number that stands for no word."""
        members = [f for f in draft.act.fields if f.signed_as and isinstance(f.of, Choice | Flags)]
        if not members or self.random.random() > 0.04:
            return draft
        chosen = self.random.choice(members)
        value = self.random.choice((0, (1 << int(str(chosen.of.type_name())[4:])) - 1))
        return replace(draft, message={**draft.message, chosen.signed_as: value})

    def disorder(self, draft: Draft) -> Draft:
        """Seldom the lines of a list the other way round, or the first one twice."""
        for name in draft.act.list_members:
            lines = draft.message[name]
            if isinstance(lines, int | bytes) or not lines or self.random.random() > 0.05:
                continue
            changed: Value = self.random.choice(([*reversed(lines)], [lines[0], *lines]))
            return replace(draft, message={**draft.message, name: changed})
        return draft


@pytest.mark.parametrize("seed", SEEDS)
def test_we_accept_exactly_what_the_contracts_record_in_every_order_that_we_allow(
    group: Group, seed: int
) -> None:
    requests = Requests(random=Random(seed), group=group)
    before = len(group.rows())
    snapshot = group.chain.tester.take_snapshot()
    for act in ACTS.values():
        for first in ("CycleOpening", "RecoveryProposal", "Dispatch"):
            group.ask(requests.of(ACTS[first]))
        assert any(group.ask(requests.of(act)) for _ in range(TRIES)), act.name
    for _ in range(STEPS):
        group.ask(requests.next())
    accepted = group.rows()[before:]
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
