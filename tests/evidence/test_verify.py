"""What a verifier is told, on a real node and on a chain in memory alike."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from copy import copy

import pytest

from ledger.domain.acts.vocabulary import Message
from ledger.domain.acts.words import Contract, Custody, Party
from ledger.domain.chain.deployment import AuthorityKind, Deployment, Role
from ledger.domain.encoding.events import TOPICS, Log
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.evidence.build import OperationSource
from ledger.evidence.format import parse_evidence
from ledger.evidence.onchain import EventReader
from ledger.evidence.report import CycleReading, Report
from ledger.evidence.shape import HiddenPart, Subject
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from tests.evidence.conftest import NOW
from tests.evidence.lying import LyingChain
from tests.evidence.world import Plain, RecordedChain, Recovered, Story, edited


def verify(data: bytes, chain: EventReader, deployment: Deployment | None) -> Report:
    return verify_evidence(data, chain, deployment, verify_signature=verify_signature, now=NOW)


def cycle_of(report: Report) -> CycleReading:
    assert report.cycle is not None
    return report.cycle


def refusal(data: bytes, chain: EventReader, deployment: Deployment | None) -> str:
    with pytest.raises(VerificationFailed) as raised:
        verify(data, chain, deployment)
    return str(raised.value)


class TestOnEveryChain:
    def test_a_released_cycle_is_verified_with_its_three_verdicts(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        report = verify(told.other, chain, deployment)
        assert report.verified
        assert report.fingerprint == deployment.fingerprint()
        assert report.subject == told.world.subject(14)
        assert (report.unit, report.unit_name) == (1, "Unit 1")
        cycle = cycle_of(report)
        assert (cycle.equipment, cycle.epoch, cycle.number) == (told.world.machine.id, 2, 14)
        assert cycle.machine is not None
        assert cycle.machine.outcome == "completed"
        assert cycle.machine.facts["machine.hold_seconds"] == 191
        assert cycle.computed is not None
        assert cycle.computed.result == "passed"
        assert cycle.computed.facts["verdict.profile"] == "EN 285 134 °C"
        assert cycle.computed.facts["verdict.f0_minutes"] == "80.21"
        assert cycle.computed.facts["verdict.f0_reference_celsius"] == "121.1"
        assert cycle.decision is not None
        assert (cycle.decision.decision, cycle.decision.state) == ("release", "released")
        assert {name: each.word for name, each in cycle.results.items()} == {
            "physical": "pass", "chemical_external": "pass", "chemical_internal": None,
            "lumen_pcd": None, "biological": "pass", "bowie_dick": None,
        }  # fmt: skip

    @pytest.mark.parametrize("number", range(7))
    def test_a_file_about_anything_is_verified(
        self, told: Story, chain: EventReader, deployment: Deployment, number: int
    ) -> None:
        subject = told.world.every_subject()[number]
        report = verify(told.world.build(subject, told.sources), chain, deployment)
        assert report.verified
        assert report.subject == subject
        own = [each.operation for each in report.timeline if each.is_own]
        assert own == [
            told.world.digest(row)
            for row in told.sources.rows
            if subject.id in {told.world.digest(row), *told.world.subjects(row)}
        ]

    def test_the_timeline_is_the_chains_order_from_the_admission_on(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        timeline = verify(told.recalled, chain, deployment).timeline
        assert [each.kind for each in timeline] == [
            "UnitAdmission", "UnitAdmission", "SignerEnrolment", "SignerEnrolment",
            "EquipmentRegistration", "EquipmentChange", "CycleOpening", "CycleEnding",
            "LoadDeclaration", "CycleDecision", "CycleDecision", "SignerRevocation",
        ]  # fmt: skip
        assert [each.mined_at for each in timeline] == sorted(each.mined_at for each in timeline)
        ending = timeline[7]
        assert ending.printed == "16.03.2016 02:15:41"
        assert [who.custody for who in ending.who] == [Custody.STATION]
        assert ending.who[0].name is None
        assert ending.personal == {}

    def test_a_recall_is_the_decision_that_counts(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        decision = cycle_of(verify(told.recalled, chain, deployment)).decision
        assert decision is not None
        assert (decision.decision, decision.state) == ("recall", "recalled")

    def test_disclosed_names_are_in_the_timeline(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        report = verify(told.open, chain, deployment)
        opening = next(each for each in report.timeline if each.kind == "CycleOpening")
        assert opening.personal["performer"] == "P. Erformer"
        assert opening.who[0].name == "Station 1"

    def test_without_a_deployment_nothing_is_called_verified(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        report = verify(told.other, chain, None)
        assert not report.verified
        assert report.fingerprint == deployment.fingerprint()

    def test_a_file_from_before_the_recall_is_out_of_date(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        words = refusal(told.released, chain, deployment)
        recall = told.world.row("CycleDecision", 13).place
        assert "out of date" in words
        assert f"the CycleDecision in block {recall.block}" in words

    @pytest.mark.parametrize("kind", ["CycleDecision", "ResultEntry", "Comment"])
    def test_a_file_that_leaves_something_of_the_cycle_out_is_refused(
        self, told: Story, chain: EventReader, deployment: Deployment, kind: str
    ) -> None:
        number = 13 if kind == "CycleDecision" else 14
        row = told.world.row(kind, number)
        data = told.world.build(number, told.sources.with_row(row, None))
        words = refusal(data, chain, deployment)
        assert f"leaves out the {kind} in block {row.place.block}" in words

    def test_a_file_that_leaves_the_ending_out_is_refused(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        data = edited(told.other, lambda plain: plain["operations"].pop(1))
        assert "judges another ending" in refusal(data, chain, deployment)

    def test_a_later_revocation_is_told(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        claims = verify(told.other, chain, deployment).claims
        told_of = [c.statement for c in claims if c.about == "custody" and "revoked" in c.statement]
        assert len(told_of) == 1
        assert to_hex(told.world.operator.id) in told_of[0]

    def test_a_look_alike_deployment_is_refused(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        other = dataclasses.replace(deployment, authority=told.world.administrator.signer)
        words = refusal(told.other, chain, other)
        assert to_hex(deployment.fingerprint()) in words
        assert to_hex(other.fingerprint()) in words

    def test_a_file_that_brings_another_authority_does_not_hold(
        self, told: Story, chain: EventReader
    ) -> None:
        impostor = to_hex(told.world.administrator.signer)

        def change(plain: Plain) -> None:
            plain["deployment"]["authority"] = impostor

        assert "signature of the authority" in refusal(edited(told.other, change), chain, None)

    def test_contracts_elsewhere_are_other_contracts(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        """The same program at another address: every digest is another one."""
        contracts = dict(deployment.contracts)
        role = Role.CYCLE_LEDGER
        contracts[role] = dataclasses.replace(contracts[role], address=b"\x42" * 20)
        other = dataclasses.replace(deployment, contracts=contracts)

        def change(plain: Plain) -> None:
            plain["deployment"]["contracts"][role.value]["address"] = to_hex(b"\x42" * 20)

        with pytest.raises(VerificationFailed):
            verify(edited(told.other, change), chain, other)

    def test_personal_fields_that_were_erased_leave_the_facts_provable(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        sources = told.sources
        for row in sources.rows:
            assert row.record is not None
            bare = dataclasses.replace(row.record.personal, fields=None, secret=None)
            record = dataclasses.replace(row.record, personal=bare)
            sources = sources.with_row(row, dataclasses.replace(row, record=record))
        data = told.world.build(14, sources)
        shown = parse_evidence(data).operations[1].record
        assert shown is not None
        assert isinstance(shown.personal, HiddenPart)
        assert verify(data, chain, deployment).verified
        pattern = "cycle-ending/1:personal:performer"
        with pytest.raises(InvalidInput) as raised:
            told.world.build(14, sources, pattern)
        assert pattern in raised.value.what

    def test_times_need_a_zone(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        with pytest.raises(InvalidInput):
            verify_evidence(
                told.other, chain, deployment, verify_signature=verify_signature,
                now=NOW.replace(tzinfo=None),
            )  # fmt: skip


class TestSwaps:
    """Parts of two true files do not make a third."""

    @pytest.mark.parametrize("index", range(4))
    @pytest.mark.parametrize("part", ["record", "signatures", "chain", "message"])
    def test_a_part_of_the_other_cycle_is_refused(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, index: int, part: str
    ) -> None:
        other = json.loads(told.recalled)["operations"][index][part]

        def change(plain: Plain) -> None:
            plain["operations"][index][part] = other

        refusal(edited(told.other, change), recorded, deployment)

    def test_records_swapped_within_a_file_are_refused(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        def change(plain: Plain) -> None:
            first, second = plain["operations"][:2]
            first["record"], second["record"] = second["record"], first["record"]

        refusal(edited(told.other, change), recorded, deployment)

    def test_a_proof_of_another_record_is_refused(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        paths = ("cycle-ending/1:verdict.result", "cycle-ending/1:machine.hold_seconds")
        mine = told.world.build(14, told.sources, *paths)
        theirs = told.world.build(13, told.sources, *paths)
        other = json.loads(theirs)["operations"][1]["record"]

        def change(plain: Plain) -> None:
            plain["operations"][1]["record"] = other

        assert verify(mine, recorded, deployment).verified
        words = refusal(edited(mine, change), recorded, deployment)
        assert "another commitment" in words

    @pytest.mark.parametrize("name", ["operations", "support"])
    def test_another_order_is_refused(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, name: str
    ) -> None:
        data = edited(told.other, lambda plain: plain[name].reverse())
        assert "order of the chain" in refusal(data, recorded, deployment)

    @pytest.mark.parametrize("index", range(8))
    def test_nothing_that_the_cycle_rests_on_can_be_left_out(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, index: int
    ) -> None:
        """Also by somebody who leaves out the keys that nothing is signed with any more."""

        def change(plain: Plain) -> None:
            del plain["support"][index]
            evidence = parse_evidence(_spelt(plain))
            used = {x for entry in evidence.in_chain_order() for x in entry.signers.values()}
            keys = sorted(key for each, key in evidence.keys.items() if each in used)
            plain["keys"] = [to_hex(key) for key in keys]

        words = refusal(edited(told.other, change), recorded, deployment)
        assert "breaks a rule" in words or "leaves out" in words

    def test_nothing_idle_is_carried_along(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        """An operation of the other cycle proves nothing here, however true it is."""
        idle = json.loads(told.recalled)["operations"][0]

        def change(plain: Plain) -> None:
            plain["support"].insert(-1, idle)

        words = refusal(edited(told.other, change), recorded, deployment)
        assert "the CycleOpening in block 10 does not belong there" in words

    def test_what_is_about_the_subject_does_not_hide_among_the_support(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        def change(plain: Plain) -> None:
            plain["support"].insert(-1, plain["operations"].pop())

        assert "elsewhere" in refusal(edited(told.other, change), recorded, deployment)


def _spelt(plain: Plain) -> bytes:
    return edited(json.dumps(plain).encode(), lambda _: None)


Change = Callable[[RecordedChain, Story], object]


def _announcing(chain: RecordedChain, told: Story, kind: str = "CycleDecision") -> int:
    """Where the log of cycle 14's decision stands."""
    digest = told.world.digest(told.world.row(kind, 14))
    return next(at for at, log in enumerate(chain.recorded) if log.topics[1] == digest)


def _fork(chain: RecordedChain, told: Story) -> None:
    chain.blocks[-1] = dataclasses.replace(chain.blocks[-1], hash=b"\x01" * 32)


def _mix(chain: RecordedChain, told: Story) -> None:
    number = told.world.row("CycleOpening", 14).place.block
    chain.blocks[number] = dataclasses.replace(chain.blocks[number], hash=b"\x01" * 32)


def _lose(chain: RecordedChain, told: Story) -> None:
    del chain.recorded[_announcing(chain, told)]


def _repeat(chain: RecordedChain, told: Story) -> None:
    chain.recorded.append(chain.recorded[_announcing(chain, told)])


def _change(chain: RecordedChain, told: Story, **parts: object) -> None:
    at = _announcing(chain, told)
    chain.recorded[at] = dataclasses.replace(chain.recorded[at], **parts)  # type: ignore[arg-type]


def _move(chain: RecordedChain, told: Story) -> None:
    at = _announcing(chain, told)
    _change(chain, told, block_number=chain.recorded[at].block_number - 1)


def _shift(chain: RecordedChain, told: Story) -> None:
    at = _announcing(chain, told)
    _change(chain, told, log_index=chain.recorded[at].log_index + 1)


def _rewrite(chain: RecordedChain, told: Story) -> None:
    """The last word of a share: its delta."""
    data = chain.recorded[_announcing(chain, told)].data
    _change(chain, told, data=data[:-1] + bytes([data[-1] ^ 3]))


def _cut(chain: RecordedChain, told: Story) -> None:
    data = chain.recorded[_announcing(chain, told)].data
    _change(chain, told, data=data[:-32])


def _other_id(chain: RecordedChain, told: Story) -> None:
    chain.number += 1


def _other_genesis(chain: RecordedChain, told: Story) -> None:
    chain.blocks[0] = dataclasses.replace(chain.blocks[0], hash=b"\x02" * 32)


def _other_code(chain: RecordedChain, told: Story) -> None:
    address = told.world.deployment.contracts[Role.CYCLE_LEDGER].address
    chain.codes = {**chain.codes, address: chain.codes[address] + b"\x00"}


def _rewind(chain: RecordedChain, told: Story) -> None:
    del chain.blocks[-3:]


def _early_clock(chain: RecordedChain, told: Story) -> None:
    chain.blocks = [dataclasses.replace(b, timestamp=b.timestamp - 301) for b in chain.blocks]


def _empty(chain: RecordedChain, told: Story) -> None:
    del chain.blocks[1:]


def _early(chain: RecordedChain, told: Story, row: OperationSource, **changes: object) -> None:
    """Another operation of the row's kind in the block before the cycle's opening."""
    message: Message = {**row.message, **changes}  # type: ignore[dict-item]
    liar = LyingChain.about(told.other, {})
    place = (told.world.row("CycleOpening", 14).place.block - 1, 99)
    chain.recorded.append(liar.announce(row.act, message, b"\x07" * 32, place))


def _revoke_early(chain: RecordedChain, told: Story) -> None:
    _early(chain, told, told.world.row("SignerRevocation"), signer=told.world.decider.id)


def _change_early(chain: RecordedChain, told: Story) -> None:
    _early(chain, told, told.world.row("EquipmentChange"), epoch=3)


class TestTheChain:
    """What the chain says otherwise is refused in words."""

    @pytest.mark.parametrize(
        "change, words",
        [
            (_fork, "but the file names"),
            (_mix, "in a block of another history"),
            (_lose, "does not announce the CycleDecision"),
            (_repeat, "twice"),
            (_move, "at another place"),
            (_shift, "at another place"),
            (_rewrite, "otherwise than the file has it"),
            (_cut, "none of ours"),
            (_other_id, "not chain 5000000001"),
            (_other_genesis, "the chain that was asked is chain"),
            (_other_code, "is not that of CycleLedger"),
            (_rewind, "does not have block"),
            (_empty, "ends at block 0"),
            (_early_clock, "signed after it was mined"),
            (_revoke_early, "leaves out the SignerRevocation"),
            (_change_early, "leaves out the EquipmentChange"),
        ],
    )
    def test_a_chain_that_says_otherwise(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, change: Change,
        words: str,
    ) -> None:  # fmt: skip
        chain = copy(recorded)
        chain.blocks, chain.recorded = list(recorded.blocks), list(recorded.recorded)
        assert verify(told.other, chain, deployment).verified
        change(chain, told)
        assert words in refusal(told.other, chain, deployment)

    def test_the_release_held_when_it_was_the_latest(
        self, told: Story, recorded_at_release: RecordedChain, deployment: Deployment
    ) -> None:
        decision = cycle_of(verify(told.released, recorded_at_release, deployment)).decision
        assert decision is not None
        assert decision.state == "released"

    @pytest.mark.parametrize(
        "finalized, words",
        [(None, "names no finalized block"), (22, "blocks up to 22 finalized"), (3, "only blocks")],
    )
    def test_finality_is_what_the_node_says(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, finalized: int | None,
        words: str,
    ) -> None:  # fmt: skip
        chain = copy(recorded)
        chain.finalized = finalized
        claims = verify(told.other, chain, deployment).claims
        assert words in next(c.statement for c in claims if c.about == "finality")

    def test_a_contract_as_authority_signed_what_was_mined(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        trusted = dataclasses.replace(deployment, authority_kind=AuthorityKind.CONTRACT)

        def change(plain: Plain) -> None:
            plain["deployment"]["authorityKind"] = "contract"

        data = edited(told.other, change)
        # Its domain is the contracts', so that the digests stay; only who checks is another.
        report = verify(data, recorded, trusted)
        assert "a contract" in next(c.rests_on for c in report.claims if c.about == "authority")

        def sign(plain: Plain) -> None:
            signatures = plain["support"][0]["signatures"]
            signatures[Party.AUTHORITY.value] = signatures[Party.AUTHORITY.value][:-2] + "aa"

        assert "not the one that was mined" in refusal(edited(data, sign), recorded, trusted)

    def test_what_others_say_later_does_not_end_a_file(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        """A comment after the file was made is told; before that, the file would have held it."""
        world = told.world
        early = dataclasses.replace(
            told.sources,
            rows=told.sources.rows[:-4],
            as_of=dataclasses.replace(
                told.sources.as_of,
                number=world.row("ResultEntry", 14).place.block,
                hash=recorded.blocks[world.row("ResultEntry", 14).place.block].hash,
            ),
        )
        data = world.build(14, early)
        assert b"Comment" not in data
        report = verify(data, recorded, deployment)
        assert report.verified
        later = [c.statement for c in report.claims if c.about == "afterwards"]
        assert any("a unit commented: disagrees: unit 2" in statement for statement in later)
        assert any("a key was revoked" in statement for statement in later)

    def test_a_result_that_came_later_makes_a_file_out_of_date(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        place = told.world.row("CycleDecision", 14).place
        as_of = dataclasses.replace(
            told.sources.as_of, number=place.block, hash=recorded.blocks[place.block].hash
        )
        early = dataclasses.replace(told.sources, rows=told.sources.rows[:-5], as_of=as_of)
        words = refusal(told.world.build(14, early), recorded, deployment)
        assert "out of date: the chain holds the ResultEntry" in words

    def test_an_operation_is_not_passed_off_as_something_that_is_spoken_about(
        self, told: Story, recorded: RecordedChain, deployment: Deployment
    ) -> None:
        """A comment on a decision, in a file that hides that it is one."""
        world = told.world
        chain = copy(recorded)
        decision = world.row("CycleDecision", 14)
        about = world.digest(decision)
        comment = world.row("Comment", 14)
        message = {**comment.message, "about": about}
        digest = world.home.operation("Comment", **message).digest
        place = dataclasses.replace(comment.place, log_index=7)
        row = dataclasses.replace(
            comment, message=message, record=None, place=place,
            signatures={Party.SIGNER: world.reporter.prove(digest).signature},
        )  # fmt: skip
        liar = LyingChain.about(told.other, {})
        log = liar.announce(row.act, message, digest, place.position)
        block = chain.blocks[place.block]
        chain.recorded = [*chain.recorded, dataclasses.replace(log, block_hash=block.hash)]
        hidden = dataclasses.replace(
            told.sources, rows=(*(x for x in told.sources.rows if x is not decision), row)
        )
        data = world.build(Subject(type="about", id=about), hidden)
        assert "the very operation that it is about" in refusal(data, chain, deployment)


class TestRecovery:
    """An administrator whom the authority put in place acts after seven days."""

    def test_a_recovered_administrator_may_enrol(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        report = verify(recovered.data, chain, world.deployment)
        assert "RecoveryProposal" in {each.kind for each in report.timeline}

    @pytest.mark.parametrize("late", [False, True])
    def test_a_proposal_that_was_not_completed_before_gives_no_right(
        self, recovered: Recovered, *, late: bool
    ) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        completed = TOPICS[Contract.UNIT_REGISTRY]["RecoveryCompleted"]
        logs = [log for log in chain.recorded if log.topics[0] == completed]
        chain.recorded = [log for log in chain.recorded if log.topics[0] != completed]
        if late:
            chain.recorded += [_moved(log, len(chain.blocks) - 1) for log in logs]
        words = refusal(recovered.data, chain, world.deployment)
        assert "was not completed" in words


def _moved(log: Log, block: int) -> Log:
    return dataclasses.replace(log, block_number=block, log_index=99)


class TestErasure:
    """Erased fields are gone from new files; old files still hold, and say so."""

    def test_a_file_made_after_an_erasure_proves_the_facts(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        report = verify(recovered.data, chain, world.deployment)
        assert report.timeline[-1].kind == "RecordErasure"
        parties = [who.party for who in report.timeline[-1].who]
        assert parties == [Party.SIGNER, Party.COUNTERSIGNER]
        machine = cycle_of(report).machine
        assert machine is not None
        assert machine.facts["machine.hold_seconds"] == 191
        claim = next(each for each in report.claims if each.about == "erasure")
        assert "two signatures" in claim.rests_on

    def test_a_file_from_before_tells_of_the_erasure(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        assert b"P. Erformer" in recovered.before
        claims = verify(recovered.before, chain, world.deployment).claims
        told_of = next(claim for claim in claims if claim.about == "afterwards")
        assert to_hex(recovered.erased) in told_of.statement
        assert "handed out before" in told_of.does_not_prove
