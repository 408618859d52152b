"""Units, a machine and cycles on a real chain, and what a step would read of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

import rfc8785

from ledger.chain.calldata import encode_recovery_completion
from ledger.chain.node import Node
from ledger.domain.acts.comment import Stance
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.vocabulary import CycleReference, Machine, unit_subject
from ledger.domain.acts.words import Custody, Outcome, Party, Right, Verdict
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.chain.deployment import Deployment, Role
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
from ledger.evidence.build import (
    EvidenceSources,
    OperationSource,
    PartSource,
    RecordSource,
    build_evidence,
)
from ledger.evidence.selection import Selection
from ledger.evidence.shape import BlockReference, ChainReference, Subject
from ledger.keys.signers import verify_signature
from tests import making
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
        self.recorded = node.logs(list(deployment.recording_contracts()), 0, self.height)
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
        raise AssertionError(f"evidence asks no receipt: {transaction_hash.hex()}")

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
        inside = [
            x for x in self.recorded if x.address in addresses and first <= x.block_number <= last
        ]
        return sorted(
            (log for log in inside if has_topics(log, topics)),
            key=lambda log: (log.block_number, log.log_index),
        )


def has_topics(log: Log, topics: Sequence[Sequence[bytes] | None]) -> bool:
    """As eth_getLogs filters."""
    return len(log.topics) >= len(topics) and all(
        wanted is None or topic in wanted for topic, wanted in zip(log.topics, topics, strict=False)
    )


@dataclass(frozen=True)
class Sources:
    """Operations as a step would read them, up to a block."""

    rows: tuple[OperationSource, ...]
    as_of: BlockReference
    readings: tuple[bytes, ...] = ()

    def asked(self, world: World) -> EvidenceSources:
        """As the builder asks for them."""
        named = [(world.digest(row), row) for row in self.rows]

        def find(ids: AbstractSet[bytes]) -> list[OperationSource]:
            return [row for digest, row in named if ids & {digest, *world.subjects(row)}]

        def find_reading(digits: str) -> bytes | None:
            return next((x for x in self.readings if sha256(x).hexdigest() == digits), None)

        return EvidenceSources(find=find, as_of=self.as_of, find_reading=find_reading)

    def with_row(self, old: OperationSource, new: OperationSource | None) -> Sources:
        """The same, one operation replaced or left out."""
        rows = [new if row is old else row for row in self.rows]
        return replace(self, rows=tuple(row for row in rows if row is not None))


@dataclass
class World:
    """The units' operations so far, each mined in a block of its own."""

    home: Home
    operator: P256Key
    authority: AccountKey = AUTHORITY
    administrator: AccountKey = field(default_factory=lambda: AccountKey("administrator"))
    decider: AccountKey = field(default_factory=lambda: AccountKey("decider"))
    reporter: AccountKey = field(default_factory=lambda: AccountKey("reporter of 2"))
    rows: list[OperationSource] = field(default_factory=list)
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
        return Subject(type="cycle", id=self.cycle(number).id)

    def random(self, size: int) -> bytes:
        self.randomness += 1
        return sha256(b"randomness %d" % self.randomness).digest()[:size]

    def digest(self, row: OperationSource) -> Digest:
        return self.home.operation(row.act.name, **row.message).digest

    @staticmethod
    def subjects(row: OperationSource) -> set[bytes]:
        """What it is about, and what it brings."""
        also = set() if row.act.also is None else {row.act.also(row.message)}
        return {row.act.subject_of(row.message), *also}

    def perform(self, draft: Draft, **keys: Key) -> Digest:
        """One draft, fixed, signed by its parties and mined."""
        now, act = self.home.now(), draft.act
        by = {party: keys[party.value] for party in act.parties}
        record = make_record(
            record_id=self.random(16).hex(),
            schema=act.record_schema,
            unit=draft.unit,
            facts={
                **draft.circumstances.facts(),
                "captured_at": instant_text(datetime.fromtimestamp(now, UTC)),
                "retention_class": act.retention,
                **draft.facts,
            },
            personal={**draft.circumstances.people.fields(), **draft.personal},
        )
        secrets = Secrets(facts=self.random(32), personal=self.random(32))
        commitment = commit(record, secrets)
        message = {**draft.message, "record": commitment.root, "signedAt": now}
        operation = self.home.operation(act.name, **message)
        receipt = self.home.send([operation], by)
        assert receipt.succeeded, act.name
        self.rows.append(
            OperationSource(
                act=act,
                message=message,
                signatures={p: key.prove(operation.digest).signature for p, key in by.items()},
                keys={p: key.signer for p, key in by.items() if p is not Party.AUTHORITY},
                record=RecordSource(
                    facts=PartSource(
                        root=commitment.facts_root, fields=record.facts, secret=secrets.facts
                    ),
                    personal=PartSource(
                        root=commitment.personal_root,
                        fields=record.personal,
                        secret=secrets.personal,
                    ),
                ),
                place=ChainReference(
                    block=receipt.block_number,
                    log_index=next(
                        log.log_index for log in receipt.logs if log.topics[1] == operation.digest
                    ),
                ),
            )
        )
        return operation.digest

    # ------------------------------------------------------------ the registry's acts

    def admit(self, number: int, key: AccountKey) -> None:
        draft = making.admission(
            number, key=key.signer, authority=self.authority.signer,
            administrator_name="A. Dminister",
        )  # fmt: skip
        self.perform(draft, authority=self.authority, new_key=key)

    def enrol(
        self,
        key: Key,
        name: str,
        rights: Right,
        custody: Custody,
        *,
        unit: int = UNIT,
        by: AccountKey | None = None,
    ) -> None:
        administrator = by or self.administrator
        draft = making.enrolment(
            unit, key=key.signer, administrator=administrator.signer, rights=rights, name=name,
            custody=custody, valid_from=datetime.fromtimestamp(self.home.now(), UTC),
        )  # fmt: skip
        self.perform(draft, signer=administrator, new_key=key)

    def register(self) -> Digest:
        draft = making.registration(UNIT, SERIAL, administrator=self.administrator.signer)
        return self.perform(draft, signer=self.administrator)

    def change(self, replaces: Digest, epoch: int) -> Digest:
        draft = making.change(
            self.machine, replaces=replaces, administrator=self.administrator.signer, epoch=epoch
        )
        return self.perform(draft, signer=self.administrator)

    def revoke(self, key: Key) -> None:
        draft = making.revocation(UNIT, signer=key.id, administrator=self.administrator.signer)
        self.perform(draft, signer=self.administrator)

    def recover(self, key: AccountKey) -> None:
        """The authority gives the unit a new administrator, who acts after seven days."""
        draft = making.proposal(
            UNIT, key=key.signer, authority=self.authority.signer, custody=Custody.HARDWARE
        )
        digest = self.perform(draft, authority=self.authority, new_key=key)
        operation = self.home.operation(draft.act.name, **self.rows[-1].message)
        call = self.home.envelope(operation, encode_recovery_completion(digest))
        self.home.chain.mine([call.raw], self.home.now() + 8 * 86400)
        self.administrator = key

    def erase(self, number: int, keys: Sequence[AccountKey]) -> Digest:
        """Two signers erase the personal fields of the ending's record."""
        ending = self.row("CycleEnding", number)
        assert ending.record is not None
        assert ending.record.facts.fields is not None
        erased = self.digest(ending)
        draft = making.erasure(
            UNIT, erased=erased, subject_record=ending.record.facts.fields["record.id"],
            keys={Party.SIGNER: keys[0].signer, Party.COUNTERSIGNER: keys[1].signer},
        )  # fmt: skip
        self.perform(draft, signer=keys[0], countersigner=keys[1])
        bare = replace(ending.record.personal, fields=None, secret=None)
        record = replace(ending.record, personal=bare)
        self.rows[self.rows.index(ending)] = replace(ending, record=record)
        return erased

    # ------------------------------------------------------------ the cycle's acts

    def run(self, number: int) -> tuple[Digest, Digest, Digest]:
        """A cycle opened, ended, loaded and released: digests of ending, load and decision."""
        cycle, operator = self.cycle(number), self.operator
        told = Circumstances(
            people=People(performer="P. Erformer", enterer="E. Nterer"),
            happened_text="16.03.2016 01:53:20", happened_zone="Europe/Berlin",
            happened_utc="2016-03-16T00:53:20Z", device="tablet 2", authenticated_by="badge",
        )  # fmt: skip
        started = datetime(2016, 3, 16, 0, 53, 20, tzinfo=UTC)
        opening = making.opening(
            cycle, signer=operator.signer, programme="134 wrapped", started_at=started,
            biological_indicator=False, circumstances=told,
        )  # fmt: skip
        self.perform(opening, signer=operator)
        ending = making.ending(
            cycle, signer=operator.signer, verdict=Verdict.PASSED, outcome=Outcome.COMPLETED,
            verdict_facts=VERDICT_FACTS, started_at=started,
            ended_at=datetime(2016, 3, 16, 1, 15, 41, tzinfo=UTC), circumstances=told,
            readings=[
                {
                    "sha256": sha256(READING).hexdigest(),
                    "content_sha256": sha256(b"x").hexdigest(),
                    "format": "dac-universal/1", "source": "uploaded", "unread_lines": 0,
                }
            ],
            **MACHINE_FACTS,
        )  # fmt: skip
        ended = self.perform(ending, signer=operator)
        lines = [(1, 1, 3, 4), (2, 2, 3, 2), (2, 2, 7, 1)]
        load = making.load(cycle, lines, signer=operator.signer, circumstances=told)
        loaded = self.perform(load, signer=operator)
        shares = [(1, 3, 4), (2, 3, 2), (2, 7, 1)]
        decided = self.decide(number, DecisionKind.RELEASE, (ended, loaded, ZERO_DIGEST), shares)
        return ended, loaded, decided

    def decide(
        self,
        number: int,
        kind: DecisionKind,
        judged: tuple[Digest, Digest, Digest],
        shares: Sequence[tuple[int, int, int]] = (),
    ) -> Digest:
        draft = making.decision(
            self.cycle(number), kind,
            [(owner, owner, package_class, delta) for owner, package_class, delta in shares],
            signer=self.decider.signer, ending=judged[0], load=judged[1], replaces=judged[2],
            results={"physical": "pass", "chemical_external": "pass"},
            circumstances=Circumstances(
                people=People(performer="D. Ecider"), reason="as judged", authenticated_by="PIN"
            ),
        )  # fmt: skip
        return self.perform(draft, signer=self.decider)

    def enter(self, number: int, result: Result, how: ResultWord) -> Digest:
        draft = making.result(self.cycle(number), result, how, signer=self.operator.signer)
        return self.perform(draft, signer=self.operator)

    def comment(self, about: bytes, stance: Stance, words: str) -> Digest:
        """Unit 2 says something to what another unit recorded."""
        draft = making.comment(2, about, stance, signer=self.reporter.signer, text=words)
        return self.perform(draft, signer=self.reporter)

    # ------------------------------------------------------------ files

    def row(self, kind: str, number: int | None = None) -> OperationSource:
        """The last operation of a kind; of a cycle when its number is said."""
        about = None if number is None else self.cycle(number).id
        return next(
            row
            for row in reversed(self.rows)
            if row.act.name == kind and about in {None, *self.subjects(row)}
        )

    def tip(self) -> BlockReference:
        tip = self.home.chain.tip
        return BlockReference(number=tip.number, hash=tip.hash)

    def sources(self, *readings: bytes) -> Sources:
        return Sources(rows=tuple(self.rows), as_of=self.tip(), readings=readings)

    def build(
        self, subject: Subject | int, sources: Sources, *disclose: str, attach: bool = False
    ) -> bytes:
        return build_evidence(
            self.subject(subject) if isinstance(subject, int) else subject,
            self.deployment,
            sources.asked(self),
            disclose=Selection(disclose=disclose or None, attach_readings=attach),
            verify_signature=verify_signature,
        )

    def every_subject(self) -> list[Subject]:
        """One of each type."""
        decision = self.digest(self.row("CycleDecision"))
        return [
            Subject(type="unit", id=unit_subject(UNIT)),
            Subject(type="signer", id=self.operator.id),
            Subject(type="signer", id=AccountKey("administrator").id),
            Subject(type="equipment", id=self.machine.id),
            self.subject(14),
            Subject(type="operation", id=decision),
            Subject(type="about", id=RUMOUR),
        ]


#: what nobody recorded, and unit 2 speaks about all the same
RUMOUR = sha256(b"an incident, under a random number").digest()
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
    "hold_seconds": 191,
    "minimum_celsius": "134.9",
    "maximum_celsius": "135.6",
    "minimum_bar": "3.12",
    "maximum_bar": "3.20",
    "pressure_basis": "absolute",
}


@dataclass(frozen=True)
class Story:
    """A world and the evidence that was taken from it on the way."""

    world: World
    #: cycle 13 after its release, at `released_at`
    released: bytes
    released_at: int
    #: cycle 13 after its recall
    recalled: bytes
    #: cycle 14, released
    other: bytes
    #: cycle 14 again, with all personal fields and the reading
    open: bytes
    sources: Sources


@dataclass(frozen=True)
class Recovered:
    """A unit whose administrator was replaced before its cycle ran, and names erased after it."""

    world: World
    data: bytes
    #: the file as it was before the ending's personal fields were erased
    before: bytes
    erased: Digest


def _founded(started: Home, authority: AccountKey = AUTHORITY) -> World:
    verifier = started.deployment.contracts[Role.P256_VERIFIER].address
    world = World(home=started, operator=P256Key("operator", verifier), authority=authority)
    world.admit(UNIT, world.administrator)
    world.admit(2, AccountKey("administrator of 2"))
    return world


_OPERATES = Right.OPEN | Right.LOAD | Right.RESULT


@contextmanager
def recovery() -> Iterator[Recovered]:
    """The recovered administrator enrols the keys that run the cycle."""
    with home() as started:
        world = _founded(started)
        world.change(world.register(), 2)
        world.recover(AccountKey("new administrator"))
        world.enrol(world.operator, "Station 1", _OPERATES, Custody.STATION)
        world.enrol(world.decider, "D. Ecider", Right.DECIDE, Custody.DEVICE)
        world.run(13)
        before = world.build(13, world.sources(), "*", "personal:*")
        erasers = [AccountKey("first eraser"), AccountKey("second eraser")]
        for key in erasers:
            world.enrol(key, key.name, Right.ERASE, Custody.HARDWARE)
        erased = world.erase(13, erasers)
        data = world.build(13, world.sources())
        yield Recovered(world=world, data=data, before=before, erased=erased)


@contextmanager
def story(authority: AccountKey = AUTHORITY) -> Iterator[Story]:
    """Unit 1 runs cycles 13 and 14, recalls 13, and lets its operator go; unit 2 has its say."""
    with home(authority) as started:
        world = _founded(started, authority)
        world.enrol(world.operator, "Station 1", _OPERATES, Custody.STATION)
        world.enrol(world.decider, "D. Ecider", Right.DECIDE, Custody.DEVICE)
        world.enrol(IDLE, "never signs", Right.DECIDE, Custody.HARDWARE)
        world.enrol(
            world.reporter, "R. Eporter", Right.REPORT, Custody.DEVICE, unit=2,
            by=AccountKey("administrator of 2"),
        )  # fmt: skip
        world.change(world.register(), 2)
        judged = world.run(13)
        released = world.build(13, world.sources(READING))
        released_at = world.tip().number
        world.run(14)
        world.enter(14, Result.BIOLOGICAL, ResultWord.PASS)
        world.comment(world.cycle(14).id, Stance.DISAGREES, "套件: two packages arrived wet")
        world.comment(RUMOUR, Stance.STATEMENT, "something happened")
        world.decide(13, DecisionKind.RECALL, judged, [(1, 3, -4), (2, 3, -2), (2, 7, -1)])
        world.revoke(world.operator)
        sources = world.sources(READING)
        yield Story(
            world=world,
            released=released,
            released_at=released_at,
            recalled=world.build(13, sources),
            other=world.build(14, sources),
            open=world.build(14, sources, "*", "personal:*", attach=True),
            sources=sources,
        )


def edited(data: bytes, change: Callable[[Plain], object]) -> bytes:
    """The file after `change` was made to its plain JSON, in its one spelling again."""
    plain = json.loads(data)
    change(plain)
    return rfc8785.dumps(plain)


def target_of(world: World, kind: str, sources: Sources) -> OperationSource:
    """The last operation of a kind that cycle 14 rests on, or is about it."""
    cycle = world.cycle(14).id
    idle = {IDLE.signer, AccountKey("administrator of 2").signer, world.reporter.signer}
    return next(
        row
        for row in reversed(sources.rows)
        if row.act.name == kind
        and row.keys.get(Party.NEW_KEY) not in idle
        and (row.act.about != "cycle" or row.act.subject_of(row.message) == cycle)
        and (kind != "Comment" or row.act.subject_of(row.message) == cycle)
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
    sources: Sources,
    kind: str,
    path: str | None,
    value: FieldValue,
    *,
    message: Mapping[str, Value] | None = None,
) -> Sources:
    """The same world, in which cycle 14's last operation of `kind` states another fact.

    Everything is signed anew, and what refers to the operation refers to the new one: only the
    rules, the chain and the comparison of records with messages can tell.
    """
    digests: dict[bytes, Digest] = {}
    target = target_of(world, kind, sources)
    named = [AccountKey(name) for name in ("administrator", "administrator of 2")]
    others: list[Key] = [world.operator, world.decider, world.reporter, IDLE]
    keys = {key.signer: key for key in [*others, *named]}

    def again(source: OperationSource) -> OperationSource:
        assert source.record is not None
        if source is not target and not digests:
            return source  # nothing before the target is another
        old = world.digest(source)
        changes = dict(message or {}) if source is target else {}
        shown = {path: value} if source is target and path is not None else {}
        facts = _restated(source.record.facts, digests, shown)
        new = {
            name: digests.get(part, part) if isinstance(part, bytes) else part
            for name, part in {**source.message, **changes}.items()
        }
        new["record"] = record_root(facts.root, source.record.personal.root)
        if new == source.message:
            return source
        operation = world.home.operation(source.act.name, **new)
        digests[old] = operation.digest
        signatures = {
            party: world.authority.prove(operation.digest).signature
            if party is Party.AUTHORITY
            else keys[source.keys[party]].prove(operation.digest).signature
            for party in source.act.parties
        }
        record = replace(source.record, facts=facts)
        return replace(source, message=new, record=record, signatures=signatures)

    return replace(sources, rows=tuple(again(row) for row in sources.rows))
