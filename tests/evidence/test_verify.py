"""What a verifier is told, on a real node and on a chain in memory alike."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from copy import copy

import pytest

from ledger.domain.acts.words import Contract, Custody, Party
from ledger.domain.chain.chain_reader import Receipt
from ledger.domain.chain.deployment import AuthorityKind, Deployment, Role
from ledger.domain.encoding.events import TOPICS, Log
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.evidence.onchain import EventReader
from ledger.evidence.parse import parse_evidence
from ledger.evidence.report import Report
from ledger.evidence.shape import HiddenPart
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from tests.evidence.conftest import NOW
from tests.evidence.world import Plain, RecordedChain, Recovered, Story, edited


def verify(data: bytes, chain: EventReader, deployment: Deployment | None) -> Report:
    return verify_evidence(data, chain, deployment, verify_signature=verify_signature, now=NOW)


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
        assert report.machine is not None
        assert report.machine.outcome == "completed"
        assert report.machine.facts["machine.hold_seconds"] == 191
        assert report.computed is not None
        assert report.computed.result == "passed"
        assert report.computed.facts["verdict.profile"] == "EN 285 134 °C"
        assert report.computed.facts["verdict.f0_minutes"] == "80.21"
        assert report.computed.facts["verdict.f0_reference_celsius"] == "121.1"
        assert report.decision is not None
        assert (report.decision.decision, report.decision.state) == ("release", "released")

    def test_the_timeline_is_the_chains_order_from_the_admission_on(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        timeline = verify(told.recalled, chain, deployment).timeline
        assert [act.kind for act in timeline] == [
            "UnitAdmission", "SignerEnrolment", "SignerEnrolment", "EquipmentRegistration",
            "EquipmentChange", "CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision",
            "CycleDecision", "SignerRevocation",
        ]  # fmt: skip
        assert [act.mined_at for act in timeline] == sorted(act.mined_at for act in timeline)
        ending = timeline[6]
        assert ending.printed == "16.03.2016 02:15:41"
        assert [who.custody for who in ending.who] == [Custody.STATION]
        assert ending.who[0].name is None
        assert ending.personal == {}

    def test_a_recall_is_the_decision_that_counts(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        decision = verify(told.recalled, chain, deployment).decision
        assert decision is not None
        assert (decision.decision, decision.state) == ("recall", "recalled")

    def test_disclosed_names_are_in_the_timeline(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        report = verify(told.open, chain, deployment)
        opening = next(act for act in report.timeline if act.kind == "CycleOpening")
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
        assert "out of date" in words
        assert "a decision in block 17" in words

    def test_a_file_that_leaves_the_recall_out_is_refused(
        self, told: Story, chain: EventReader, deployment: Deployment
    ) -> None:
        world = told.world
        sources = world.sources(13)
        short = dataclasses.replace(sources, operations=sources.operations[:-1])
        words = refusal(world.build(13, short), chain, deployment)
        assert "leaves out a decision in block 17" in words

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
        world = told.world
        sources = world.sources(14)
        erased = [
            dataclasses.replace(
                source,
                personal=dataclasses.replace(source.personal, fields=None, secret=None),
            )
            for source in sources.operations
        ]
        data = world.build(14, dataclasses.replace(sources, operations=erased))
        record = parse_evidence(data).operations[1].record
        assert record is not None
        assert isinstance(record.personal, HiddenPart)
        assert verify(data, chain, deployment).verified
        pattern = "cycle-ending/1:personal:performer"
        with pytest.raises(InvalidInput) as raised:
            world.build(14, dataclasses.replace(sources, operations=erased), pattern)
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
        world = told.world
        paths = ("cycle-ending/1:verdict.result", "cycle-ending/1:machine.hold_seconds")
        mine = world.build(14, told.sources, *paths)
        other = json.loads(world.build(13, world.sources(13), *paths))["operations"][1]["record"]

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

    @pytest.mark.parametrize("index", range(6))
    def test_nothing_that_the_cycle_rests_on_can_be_left_out(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, index: int
    ) -> None:
        data = edited(told.other, lambda plain: plain["support"].pop(index))
        if index == 5:  # the later revocation: the chain tells of it anyway
            assert "revoked" in str(verify(data, recorded, deployment).claims)
            return
        refusal(data, recorded, deployment)


Change = Callable[[RecordedChain, Story], object]


def _receipt_of(chain: RecordedChain, told: Story) -> tuple[bytes, Receipt]:
    place = told.sources.operations[-1].place
    receipt = chain.receipts[place.transaction]
    assert receipt is not None
    return place.transaction, receipt


def _fork(chain: RecordedChain, told: Story) -> None:
    number = told.sources.operations[0].place.block.number
    chain.blocks[number] = dataclasses.replace(chain.blocks[number], hash=b"\x01" * 32)


def _lose(chain: RecordedChain, told: Story) -> None:
    chain.receipts[_receipt_of(chain, told)[0]] = None


def _revert(chain: RecordedChain, told: Story) -> None:
    name, receipt = _receipt_of(chain, told)
    chain.receipts[name] = dataclasses.replace(receipt, succeeded=False)


def _move(chain: RecordedChain, told: Story) -> None:
    name, receipt = _receipt_of(chain, told)
    chain.receipts[name] = dataclasses.replace(receipt, block_number=receipt.block_number - 1)


def _rewrite(chain: RecordedChain, told: Story) -> None:
    name, receipt = _receipt_of(chain, told)
    first = receipt.logs[0]
    data = first.data[:63] + bytes([first.data[63] ^ 3]) + first.data[64:]
    logs = (dataclasses.replace(first, data=data), *receipt.logs[1:])
    chain.receipts[name] = dataclasses.replace(receipt, logs=logs)


def _drop_line(chain: RecordedChain, told: Story) -> None:
    name, receipt = _receipt_of(chain, told)
    chain.receipts[name] = dataclasses.replace(receipt, logs=receipt.logs[:-1])


def _shift(chain: RecordedChain, told: Story) -> None:
    name, receipt = _receipt_of(chain, told)
    logs = tuple(dataclasses.replace(x, log_index=x.log_index + 1) for x in receipt.logs)
    chain.receipts[name] = dataclasses.replace(receipt, logs=logs)


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


def _registry_event(chain: RecordedChain, told: Story, name: str, middle: bytes) -> None:
    """Another event of the unit in the block before the cycle's opening."""
    opening = told.sources.operations[0].place.block.number
    block = chain.blocks[opening - 1]
    registry = told.world.deployment.address_of(Contract.UNIT_REGISTRY)
    indexed = (middle,) if name != "UnitClosed" else ()
    words = {"SignerRevoked": 4, "UnitClosed": 3, "EquipmentChanged": 7}[name]
    data = b"".join((1).to_bytes(32, "big") for _ in range(words))
    log = Log(
        address=registry,
        topics=(
            TOPICS[Contract.UNIT_REGISTRY][name], b"\x07" * 32, (1).to_bytes(32, "big"), *indexed
        ),
        data=data,
        block_number=block.number,
        block_hash=block.hash,
        transaction_hash=b"\x08" * 32,
        transaction_index=9,
        log_index=99,
    )  # fmt: skip
    receipt = Receipt(
        transaction_hash=b"\x08" * 32, transaction_index=9, block_number=block.number,
        block_hash=block.hash, succeeded=True, gas_used=1, contract_address=None, logs=(log,),
    )  # fmt: skip
    chain.receipts[b"\x08" * 32] = receipt


def _revoke_early(chain: RecordedChain, told: Story) -> None:
    _registry_event(chain, told, "SignerRevoked", told.world.decider.id)


def _close_early(chain: RecordedChain, told: Story) -> None:
    _registry_event(chain, told, "UnitClosed", b"")


def _change_early(chain: RecordedChain, told: Story) -> None:
    _registry_event(chain, told, "EquipmentChanged", told.world.machine.id)


class TestTheChain:
    """What the chain says otherwise is refused in words."""

    @pytest.mark.parametrize(
        "change, words",
        [
            (_fork, "but the file names"),
            (_lose, "does not hold the transaction"),
            (_revert, "refused by the contract"),
            (_move, "is in block"),
            (_rewrite, "otherwise than the file has it"),
            (_drop_line, "does not announce"),
            (_shift, "otherwise than the file has it"),
            (_other_id, "not chain 5000000001"),
            (_other_genesis, "the chain that was asked is chain"),
            (_other_code, "is not that of CycleLedger"),
            (_rewind, "does not have block"),
            (_empty, "ends at block 0"),
            (_early_clock, "signed after it was mined"),
            (_revoke_early, "was revoked before"),
            (_close_early, "was closed before"),
            (_change_early, "leaves out a change of the machine"),
        ],
    )
    def test_a_chain_that_says_otherwise(
        self, told: Story, recorded: RecordedChain, deployment: Deployment, change: Change,
        words: str,
    ) -> None:  # fmt: skip
        chain = copy(recorded)
        chain.blocks, chain.receipts = list(recorded.blocks), dict(recorded.receipts)
        assert verify(told.other, chain, deployment).verified
        change(chain, told)
        assert words in refusal(told.other, chain, deployment)

    def test_the_release_held_when_it_was_the_latest(
        self, told: Story, recorded_at_release: RecordedChain, deployment: Deployment
    ) -> None:
        report = verify(told.released, recorded_at_release, deployment)
        assert report.decision is not None
        assert report.decision.state == "released"

    @pytest.mark.parametrize(
        "finalized, words",
        [(None, "names no finalized block"), (18, "blocks up to 18 finalized"), (3, "only blocks")],
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
        report = verify(data, recorded, trusted)
        assert "a contract" in next(c.rests_on for c in report.claims if c.about == "authority")

        def sign(plain: Plain) -> None:
            signatures = plain["support"][0]["signatures"]
            signatures[Party.AUTHORITY.value] = signatures[Party.AUTHORITY.value][:-2] + "aa"

        assert "not the one that was mined" in refusal(edited(data, sign), recorded, trusted)


class TestRecovery:
    """An administrator whom the authority put in place acts after seven days."""

    def test_a_recovered_administrator_may_enrol(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        report = verify(recovered.data, chain, world.deployment)
        assert "RecoveryProposal" in {act.kind for act in report.timeline}

    def test_a_proposal_that_was_never_completed_gives_no_right(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        completed = TOPICS[Contract.UNIT_REGISTRY]["RecoveryCompleted"]
        chain.receipts = {
            name: receipt
            for name, receipt in chain.receipts.items()
            if receipt and not any(log.topics[0] == completed for log in receipt.logs)
        }
        words = refusal(recovered.data, chain, world.deployment)
        assert "was not completed" in words


class TestErasure:
    """Erased fields are gone from new files; old files still hold, and say so."""

    def test_a_file_made_after_an_erasure_proves_the_facts(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        report = verify(recovered.data, chain, world.deployment)
        assert report.timeline[-1].kind == "RecordErasure"
        parties = [who.party for who in report.timeline[-1].who]
        assert parties == [Party.SIGNER, Party.COUNTERSIGNER]
        assert report.machine is not None
        assert report.machine.facts["machine.hold_seconds"] == 191

    def test_a_file_from_before_tells_of_the_erasure(self, recovered: Recovered) -> None:
        world = recovered.world
        chain = RecordedChain(world.home.node, world.deployment)
        assert b"P. Erformer" in recovered.before
        claims = verify(recovered.before, chain, world.deployment).claims
        told_of = next(claim for claim in claims if claim.about == "erasure")
        assert to_hex(recovered.erased) in told_of.statement
        assert "handed out before" in told_of.does_not_prove
