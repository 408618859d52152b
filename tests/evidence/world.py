"""A unit, its machine and two cycles on a real chain, and what a step would read of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

import rfc8785

from ledger.chain.calldata import encode_recovery_completion
from ledger.chain.node import Node
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
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.chain.deployment import Deployment, Role
from ledger.domain.cycle_acts import (
    DecideCycle,
    DeclareLoad,
    EndCycle,
    LoadLine,
    OpenCycle,
    ReadingReference,
    ShareLine,
    draft_cycle_decision,
    draft_cycle_ending,
    draft_cycle_opening,
    draft_load_declaration,
)
from ledger.domain.drafts import Circumstances, Draft, People
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.events import Log
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    UnitNumber,
    equipment_id,
    serial_hash,
)
from ledger.domain.encoding.moments import instant_text
from ledger.domain.records.commitments import FieldValue, record_root, subtree_root
from ledger.domain.records.records import Secrets, commit, make_record
from ledger.domain.records.retention import retention_class_of
from ledger.domain.registry_acts import (
    AdmitUnit,
    ChangeEquipment,
    EnrolSigner,
    ProposeRecovery,
    RegisterEquipment,
    RevokeSigner,
    draft_equipment_change,
    draft_equipment_registration,
    draft_recovery_proposal,
    draft_signer_enrolment,
    draft_signer_revocation,
    draft_unit_admission,
)
from ledger.evidence.build import (
    EvidenceSources,
    OperationSource,
    PartSource,
    build_evidence,
)
from ledger.evidence.selection import Selection
from ledger.evidence.shape import BlockReference, ChainReference, Subject
from ledger.keys.signers import verify_signature
from tests.chain.kit import AUTHORITY, AccountKey, Home, P256Key, home

Key = AccountKey | P256Key
IDLE = AccountKey("idle")
#: Decoded JSON, which a test takes apart.
Plain: TypeAlias = Any
SERIAL = "DAC-20130417"
READING = "Kreislauf 13  134°C  3:11 min\r\n".encode()
UNIT = 1


class RecordedChain:
    """A chain in memory: what a node answered, up to a height."""

    def __init__(self, node: Node, deployment: Deployment, height: int | None = None) -> None:
        head = node.block("latest")
        assert head is not None
        self.height = head.number if height is None else height
        self.number = node.chain_id()
        self.blocks = [self._block(node, number) for number in range(self.height + 1)]
        hashes = [each for block in self.blocks for each in block.transactions]
        self.receipts = {each: node.receipt(each) for each in hashes}
        self.transactions = {each: node.transaction(each) for each in hashes}
        self.codes = {c.address: node.code(c.address) for c in deployment.contracts.values()}
        self.finalized: int | None = None

    @staticmethod
    def _block(node: Node, number: int) -> Block:
        block = node.block(number)
        assert block is not None
        return block

    def chain_id(self) -> int:
        return self.number

    def genesis_hash(self) -> bytes:
        return self.blocks[0].hash

    def block(self, tag: BlockTag) -> Block | None:
        if tag == "latest":
            return self.blocks[-1]
        if tag == "finalized":
            return None if self.finalized is None else self.blocks[self.finalized]
        assert isinstance(tag, int)
        return self.blocks[tag] if tag < len(self.blocks) else None

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        return self.receipts.get(transaction_hash)

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        return self.transactions.get(transaction_hash)

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:  # noqa: ARG002
        return self.codes.get(address, b"")

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        raise AssertionError(f"evidence asks no view: {to.hex()} {data.hex()} {tag}")

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        logs = [log for receipt in self.receipts.values() if receipt for log in receipt.logs]
        inside = [x for x in logs if x.address in addresses and first <= x.block_number <= last]
        return sorted(
            (log for log in inside if has_topics(log, topics)),
            key=lambda log: (log.block_number, log.log_index),
        )


class FilteredNode(Node):
    """A node whose answers are filtered here, whether or not it was asked by topic."""

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        return [x for x in super().logs(addresses, first, last) if has_topics(x, topics)]


def has_topics(log: Log, topics: Sequence[Sequence[bytes] | None]) -> bool:
    """As eth_getLogs filters."""
    return len(log.topics) >= len(topics) and all(
        wanted is None or topic in wanted for topic, wanted in zip(log.topics, topics, strict=False)
    )


@dataclass
class World:
    """The unit's operations so far, each mined in a block of its own."""

    home: Home
    operator: P256Key
    authority: AccountKey = AUTHORITY
    administrator: AccountKey = field(default_factory=lambda: AccountKey("administrator"))
    decider: AccountKey = field(default_factory=lambda: AccountKey("decider"))
    registry: list[OperationSource] = field(default_factory=list)
    cycles: dict[int, list[OperationSource]] = field(default_factory=dict)
    randomness: int = 0

    @property
    def deployment(self) -> Deployment:
        return self.home.deployment

    @property
    def machine(self) -> Machine:
        identifier = equipment_id(UnitNumber(UNIT), serial_hash(SERIAL))
        return Machine(id=identifier, unit=UNIT, serial=SERIAL)

    def cycle(self, number: int, epoch: int = 2) -> CycleReference:
        return CycleReference(machine=self.machine, epoch=epoch, number=number)

    def subject(self, number: int) -> Subject:
        cycle = self.cycle(number)
        return Subject(
            cycle=cycle.id, equipment=cycle.machine.id, epoch=cycle.epoch, number=cycle.number
        )

    def random(self, size: int) -> bytes:
        self.randomness += 1
        return sha256(b"randomness %d" % self.randomness).digest()[:size]

    def perform(self, draft: Draft, keys: Mapping[Party, Key]) -> tuple[OperationSource, Digest]:
        """One draft, fixed, signed and mined."""
        now = self.home.now()
        record = make_record(
            record_id=self.random(16).hex(),
            schema=draft.kind.schema,
            unit=draft.unit,
            facts={
                **draft.circumstances.facts(),
                "captured_at": instant_text(datetime.fromtimestamp(now, UTC)),
                "retention_class": retention_class_of(draft.kind.schema),
                **draft.facts,
            },
            personal={**draft.circumstances.people.fields(), **draft.personal},
        )
        secrets = Secrets(facts=self.random(32), personal=self.random(32))
        commitment = commit(record, secrets)
        message = {**draft.message, "record": commitment.root, "signedAt": now}
        operation = self.home.operation(draft.kind.name, **message)
        receipt = self.home.send([operation], keys)
        assert receipt.succeeded, draft.kind.name
        source = OperationSource(
            kind=draft.kind,
            message=message,
            signatures={p: key.prove(operation.digest).signature for p, key in keys.items()},
            keys={p: key.signer for p, key in keys.items() if p is not Party.AUTHORITY},
            facts=PartSource(root=commitment.facts_root, fields=record.facts, secret=secrets.facts),
            personal=PartSource(
                root=commitment.personal_root, fields=record.personal, secret=secrets.personal
            ),
            place=ChainReference(
                block=BlockReference(number=receipt.block_number, hash=receipt.block_hash),
                transaction=receipt.transaction_hash,
                log_index=next(
                    log.log_index for log in receipt.logs if log.topics[1] == operation.digest
                ),
            ),
        )
        return source, operation.digest

    # ------------------------------------------------------------ the registry's acts

    def admit(self, number: int, key: AccountKey) -> None:
        draft = draft_unit_admission(
            AdmitUnit(
                number=number, code=f"U{number}", name=f"Unit {number}",
                roles=UnitRole.PROCESSOR | UnitRole.USER, administrator=key.signer,
                administrator_name="A. Dminister", custody=Custody.SERVER,
            ),
            authority=self.authority.signer,
        )  # fmt: skip
        source, _ = self.perform(draft, {Party.AUTHORITY: self.authority, Party.NEW_KEY: key})
        if number == UNIT:
            self.registry.append(source)

    def enrol(self, key: Key, name: str, duties: Right, custody: Custody) -> None:
        draft = draft_signer_enrolment(
            EnrolSigner(
                unit=UNIT, key=key.signer, name=name, duties=duties, custody=custody,
                valid_from=self.home.now(), valid_until=0,
                administrator=self.administrator.signer,
            )
        )  # fmt: skip
        keys = {Party.SIGNER: self.administrator, Party.NEW_KEY: key}
        self.registry.append(self.perform(draft, keys)[0])

    def register(self) -> Digest:
        draft = draft_equipment_registration(
            RegisterEquipment(
                unit=UNIT, name="DAC 1", model="DAC Universal", serial=SERIAL,
                kind=EquipmentKind.STERILIZER, epoch=1, clock_zone="Europe/Berlin", profile=None,
                administrator=self.administrator.signer,
            )
        )  # fmt: skip
        source, digest = self.perform(draft, {Party.SIGNER: self.administrator})
        self.registry.append(source)
        return digest

    def change(self, replaces: Digest, epoch: int) -> None:
        draft = draft_equipment_change(
            ChangeEquipment(
                unit=UNIT, equipment=self.machine.id, state=EquipmentState.IN_SERVICE,
                epoch=epoch, replaces=replaces, administrator=self.administrator.signer,
                circumstances=Circumstances(reason="the counter was reset"),
            )
        )  # fmt: skip
        self.registry.append(self.perform(draft, {Party.SIGNER: self.administrator})[0])

    def revoke(self, key: Key) -> None:
        draft = draft_signer_revocation(
            RevokeSigner(
                unit=UNIT, signer=key.id, administrator=self.administrator.signer,
                circumstances=Circumstances(reason="left the unit"),
            )
        )  # fmt: skip
        self.registry.append(self.perform(draft, {Party.SIGNER: self.administrator})[0])

    def recover(self, key: AccountKey) -> None:
        """The authority gives the unit a new administrator, who acts after seven days."""
        draft = draft_recovery_proposal(
            ProposeRecovery(
                unit=UNIT, key=key.signer, name="N. Ew", custody=Custody.HARDWARE,
                circumstances=Circumstances(reason="the administrator lost the key"),
            ),
            authority=self.authority.signer,
        )  # fmt: skip
        source, digest = self.perform(draft, {Party.AUTHORITY: self.authority, Party.NEW_KEY: key})
        self.registry.append(source)
        operation = self.home.operation(draft.kind.name, **source.message)
        call = self.home.envelope(operation, encode_recovery_completion(digest))
        self.home.chain.mine([call.raw], self.home.now() + 8 * 86400)
        self.administrator = key

    def erase(self, number: int, keys: Sequence[AccountKey]) -> Digest:
        """Two signers erase the personal fields of the ending's record."""
        ending = self.cycles[number][1]
        subject = self.home.operation("CycleEnding", **ending.message).digest
        assert ending.facts.fields is not None
        draft = Draft(
            kind=ACTS["RecordErasure"],
            unit=UNIT,
            message={
                "unit": UNIT, "subject": subject, "signedBy": keys[0].id,
                "countersignedBy": keys[1].id,
            },
            facts={
                "subject": subject.hex(), "subject_record": ending.facts.fields["record.id"],
                "retention_ended": "2025-01-01T00:00:00Z",
            },
            personal={},
            keys={Party.SIGNER: keys[0].signer, Party.COUNTERSIGNER: keys[1].signer},
            circumstances=Circumstances(),
        )  # fmt: skip
        by = {Party.SIGNER: keys[0], Party.COUNTERSIGNER: keys[1]}
        self.registry.append(self.perform(draft, by)[0])
        bare = replace(ending.personal, fields=None, secret=None)
        self.cycles[number][1] = replace(ending, personal=bare)
        return subject

    # ------------------------------------------------------------ the cycle's acts

    def run(self, number: int) -> tuple[Digest, Digest, Digest]:
        """A cycle opened, ended, loaded and released: digests of ending, load and decision."""
        cycle, by = self.cycle(number), {Party.SIGNER: self.operator}
        people = Circumstances(
            people=People(performer="P. Erformer", enterer="E. Nterer"),
            happened_text="16.03.2016 01:53:20", happened_zone="Europe/Berlin",
            happened_utc="2016-03-16T00:53:20Z", device="tablet 2", authenticated_by="badge",
        )  # fmt: skip
        started = datetime(2016, 3, 16, 0, 53, 20, tzinfo=UTC)
        ended = datetime(2016, 3, 16, 1, 15, 41, tzinfo=UTC)
        opening = OpenCycle(
            cycle=cycle, programme="134 wrapped", started_at=started, is_after_outcome=False,
            biological_indicator=False, holds_implant=None, signer=self.operator.signer,
            circumstances=people,
        )  # fmt: skip
        self.cycles[number] = [self.perform(draft_cycle_opening(opening), by)[0]]
        ending = EndCycle(
            cycle=cycle, outcome=Outcome.COMPLETED, verdict=Verdict.PASSED,
            verdict_facts=VERDICT_FACTS, machine_facts=MACHINE_FACTS, started_at=started,
            ended_at=ended,
            readings=[
                ReadingReference(
                    sha256=sha256(READING).hexdigest(), content_sha256=sha256(b"x").hexdigest(),
                    format="dac-universal/1", source="uploaded", unread_lines=0,
                )
            ],
            replaces=ZERO_DIGEST, signer=self.operator.signer, circumstances=people,
        )  # fmt: skip
        source, ended_by = self.perform(draft_cycle_ending(ending), by)
        self.cycles[number].append(source)
        load = DeclareLoad(
            cycle=cycle,
            lines=[
                LoadLine(owner=1, payer=1, package_class=3, quantity=4, description="handpieces"),
                LoadLine(owner=2, payer=2, package_class=3, quantity=2),
                LoadLine(owner=2, payer=2, package_class=7, quantity=1, description="套件"),
            ],
            replaces=ZERO_DIGEST, signer=self.operator.signer, circumstances=people,
        )  # fmt: skip
        source, loaded_by = self.perform(draft_load_declaration(load), by)
        self.cycles[number].append(source)
        decided_by = self.decide(
            number, DecisionKind.RELEASE, (ended_by, loaded_by, ZERO_DIGEST),
            shares=[(1, 3, 4), (2, 3, 2), (2, 7, 1)],
        )  # fmt: skip
        return ended_by, loaded_by, decided_by

    def decide(
        self,
        number: int,
        kind: DecisionKind,
        judged: tuple[Digest, Digest, Digest],
        shares: Sequence[tuple[int, int, int]] = (),
    ) -> Digest:
        request = DecideCycle(
            cycle=self.cycle(number), decision=kind, ending=judged[0], load=judged[1],
            shares=[
                ShareLine(owner=owner, payer=owner, package_class=package_class, delta=delta)
                for owner, package_class, delta in shares
            ],
            results={"physical": "pass", "chemical_external": "pass"}, replaces=judged[2],
            signer=self.decider.signer,
            circumstances=Circumstances(
                people=People(performer="D. Ecider"), reason="as judged", authenticated_by="PIN"
            ),
        )  # fmt: skip
        by = {Party.SIGNER: self.decider}
        source, digest = self.perform(draft_cycle_decision(request), by)
        self.cycles[number].append(source)
        return digest

    # ------------------------------------------------------------ files

    def tip(self) -> BlockReference:
        tip = self.home.chain.tip
        return BlockReference(number=tip.number, hash=tip.hash)

    def sources(self, number: int, *, readings: Sequence[bytes] = ()) -> EvidenceSources:
        return EvidenceSources(
            operations=tuple(self.cycles[number]),
            registry=tuple(self.registry),
            as_of=self.tip(),
            readings=readings,
        )

    def build(
        self, number: int, sources: EvidenceSources, *disclose: str, attach: bool = False
    ) -> bytes:
        return build_evidence(
            self.subject(number), self.deployment, sources,
            disclose=Selection(disclose=disclose or None, attach_readings=attach),
            verify_signature=verify_signature,
        )  # fmt: skip


VERDICT_FACTS: Mapping[str, str] = {
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
MACHINE_FACTS: Mapping[str, str | int] = {
    "programme": "134 wrapped",
    "started": "16.03.2016 01:53:20",
    "ended": "16.03.2016 02:15:41",
    "machine.hold_seconds": 191,
    "machine.minimum_celsius": "134.9",
    "machine.maximum_celsius": "135.6",
    "machine.minimum_bar": "3.12",
    "machine.maximum_bar": "3.20",
    "pressure_basis": "absolute",
}


@dataclass(frozen=True)
class Story:
    """A world and the evidence that was taken from it on the way."""

    world: World
    #: cycle 13 after its release, at `released_at`
    released: bytes
    released_at: int
    released_sources: EvidenceSources
    #: cycle 13 after its recall
    recalled: bytes
    #: cycle 14, released
    other: bytes
    #: cycle 14 again, with all personal fields and the reading
    open: bytes
    sources: EvidenceSources


@dataclass(frozen=True)
class Recovered:
    """A unit whose administrator was replaced before its cycle ran, and names erased after it."""

    world: World
    data: bytes
    #: the file as it was before the ending's personal fields were erased
    before: bytes
    erased: Digest


@contextmanager
def recovery() -> Iterator[Recovered]:
    """The recovered administrator enrols the keys that run the cycle."""
    with home() as started:
        verifier = started.deployment.contracts[Role.P256_VERIFIER].address
        world = World(home=started, operator=P256Key("operator", verifier))
        world.admit(UNIT, world.administrator)
        world.admit(2, AccountKey("administrator of 2"))
        world.change(world.register(), 2)
        world.recover(AccountKey("new administrator"))
        world.enrol(
            world.operator, "Station 1", Right.OPEN | Right.LOAD | Right.RESULT, Custody.STATION
        )
        world.enrol(world.decider, "D. Ecider", Right.DECIDE, Custody.DEVICE)
        world.run(13)
        before = world.build(13, world.sources(13), "*", "personal:*")
        erasers = [AccountKey("first eraser"), AccountKey("second eraser")]
        for key in erasers:
            world.enrol(key, key.name, Right.ERASE, Custody.HARDWARE)
        erased = world.erase(13, erasers)
        yield Recovered(
            world=world, data=world.build(13, world.sources(13)), before=before, erased=erased
        )


@contextmanager
def story(authority: AccountKey = AUTHORITY) -> Iterator[Story]:
    """Unit 1 runs cycles 13 and 14, recalls 13, and lets its operator go."""
    with home(authority) as started:
        verifier = started.deployment.contracts[Role.P256_VERIFIER].address
        world = World(home=started, operator=P256Key("operator", verifier), authority=authority)
        world.admit(UNIT, world.administrator)
        world.admit(2, AccountKey("administrator of 2"))
        world.enrol(
            world.operator, "Station 1", Right.OPEN | Right.LOAD | Right.RESULT, Custody.STATION
        )
        world.enrol(world.decider, "D. Ecider", Right.DECIDE, Custody.DEVICE)
        world.enrol(IDLE, "never signs", Right.DECIDE, Custody.HARDWARE)
        world.change(world.register(), 2)
        judged = world.run(13)
        released_sources = world.sources(13, readings=[READING])
        released = world.build(13, released_sources)
        released_at = world.tip().number
        world.run(14)
        world.decide(13, DecisionKind.RECALL, judged, [(1, 3, -4), (2, 3, -2), (2, 7, -1)])
        world.revoke(world.operator)
        sources = world.sources(14, readings=[READING])
        yield Story(
            world=world,
            released=released,
            released_at=released_at,
            released_sources=released_sources,
            recalled=world.build(13, world.sources(13)),
            other=world.build(14, sources),
            open=world.build(14, sources, "*", "personal:*", attach=True),
            sources=sources,
        )


def edited(data: bytes, change: Callable[[Plain], object]) -> bytes:
    """The file after `change` was made to its plain JSON, in its one spelling again."""
    plain = json.loads(data)
    change(plain)
    return rfc8785.dumps(plain)


def last_of(sources: EvidenceSources, kind: str) -> OperationSource:
    """The last operation of a kind, the idle key's enrolment left out."""
    return next(
        each
        for each in reversed([*sources.registry, *sources.operations])
        if each.kind.name == kind and each.keys.get(Party.NEW_KEY) != IDLE.signer
    )


def _restated(
    part: PartSource, digests: Mapping[bytes, Digest], shown: Mapping[str, FieldValue]
) -> PartSource:
    """The facts with other values, and with new digests in the place of old ones."""
    assert part.fields is not None
    assert part.secret is not None
    names = {old.hex(): new.hex() for old, new in digests.items()}
    fields = {
        path: names.get(text, text) if isinstance(text, str) else text
        for path, text in part.fields.items()
    } | dict(shown)
    return replace(part, fields=fields, root=subtree_root(part.secret, fields))


def forged(
    world: World,
    sources: EvidenceSources,
    kind: str,
    path: str | None,
    value: FieldValue,
    *,
    message: Mapping[str, Value] | None = None,
) -> EvidenceSources:
    """The same cycle, in which the last operation of `kind` states another fact, signed anew.

    Every signer takes part, and what refers to the operation refers to the new one: only the chain
    and the comparison of records with messages can tell.
    """
    digests: dict[bytes, Digest] = {}
    target = last_of(sources, kind)
    keys: dict[bytes, Key] = {
        key.signer: key for key in (world.operator, world.administrator, world.decider, IDLE)
    }

    def again(source: OperationSource) -> OperationSource:
        old = world.home.operation(source.kind.name, **source.message).digest
        changes = dict(message or {}) if source is target else {}
        shown = {path: value} if source is target and path is not None else {}
        facts = _restated(source.facts, digests, shown)
        new = {
            name: digests.get(part, part) if isinstance(part, bytes) else part
            for name, part in {**source.message, **changes}.items()
        }
        new["record"] = record_root(facts.root, source.personal.root)
        operation = world.home.operation(source.kind.name, **new)
        digests[old] = operation.digest
        signatures = {
            party: world.authority.prove(operation.digest).signature
            if party is Party.AUTHORITY
            else keys[source.keys[party]].prove(operation.digest).signature
            for party in source.kind.parties
        }
        return replace(source, message=new, facts=facts, signatures=signatures)

    registry = [again(source) for source in sources.registry]
    return replace(
        sources, registry=registry, operations=[again(source) for source in sources.operations]
    )
