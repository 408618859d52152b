"""A node may withhold; whatever it says, it makes nothing true.

One test for each answer that docs/trust.md lists under "What the chain endpoint is asked".
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.cli import main
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Message, word
from ledger.domain.acts.words import Outcome, Verdict
from ledger.domain.chain.deployment import AuthorityKind, Deployment, deployment_to_json
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.events import Log
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import VerificationFailed
from ledger.evidence import build
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from tests.chain.kit import AccountKey
from tests.evidence.conftest import NOW
from tests.evidence.lying import LyingChain, served
from tests.evidence.world import (
    Plain,
    RecordedChain,
    Recovered,
    Story,
    World,
    edited,
    forged,
    story,
)

FORGER = AccountKey("forger")


def verify(data: bytes, chain: LyingChain | RecordedChain, deployment: Deployment) -> Report:
    return verify_evidence(data, chain, deployment, verify_signature=verify_signature, now=NOW)


def refusal(data: bytes, chain: LyingChain | RecordedChain, deployment: Deployment) -> str:
    with pytest.raises(VerificationFailed) as raised:
        verify(data, chain, deployment)
    return str(raised.value)


def said(report: Report, about: str) -> str:
    return " ".join(each.statement for each in report.claims if each.about == about)


def codes_of(world: World) -> dict[bytes, bytes]:
    contracts = world.deployment.contracts.values()
    return {each.address: world.home.node.code(each.address) for each in contracts}


@dataclass(frozen=True)
class Scene:
    """A true story, and an endpoint that lies about it."""

    told: Story
    #: the contracts' code, which anybody may read
    codes: dict[bytes, bytes]

    @property
    def deployment(self) -> Deployment:
        return self.told.world.deployment

    def chain(self, data: bytes, more: dict[bytes, bytes] | None = None) -> LyingChain:
        return LyingChain.about(data, self.codes | (more or {}))

    def verify(self, data: bytes) -> Report:
        return verify(data, self.chain(data), self.deployment)

    def signed_anew(
        self, patch: pytest.MonkeyPatch, kind: str, path: str | None, message: dict[str, Value]
    ) -> bytes:
        """A file in which everybody signed another operation; its maker did not check it."""
        patch.setattr(build, "verify_offline", lambda *_, **__: None)
        value = None if path is None else "nothing of note"
        sources = forged(self.told.world, self.told.sources, kind, path, value, message=message)
        return self.told.world.build(14, sources, "cycle-opening/1:programme")


@pytest.fixture(scope="module")
def scene(told: Story) -> Scene:
    return Scene(told=told, codes=codes_of(told.world))


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `steriledger …` in this process: its exit code, and what it printed on either stream."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["steriledger", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


@pytest.fixture(scope="module")
def counterfeit(deployment: Deployment) -> Iterator[bytes]:
    """A released cycle of a chain that the forger runs alone, in the group's name.

    Contracts at the same addresses with another authority: whatever rests on keys of the group but
    the authority's is as the forger wants it.
    """
    with story(FORGER) as false:

        def change(plain: Plain) -> None:
            plain["deployment"] |= {
                "authority": to_hex(deployment.authority),
                "contracts": {
                    role.value: {"address": to_hex(c.address), "codeHash": to_hex(c.code_hash)}
                    for role, c in deployment.contracts.items()
                },
            }

        yield edited(false.other, change)


def test_the_endpoint_that_lies_is_believed_where_the_file_is_true(scene: Scene) -> None:
    """The control: nothing but the lie is what the tests below refuse."""
    report = scene.verify(scene.told.other)
    assert report.verified
    assert report.cycle is not None
    assert report.cycle.decision is not None
    assert report.cycle.decision.state == "released"


class TestTheAuthority:
    @pytest.mark.parametrize("code", [b"", b"\x01"], ids=["a key", "a contract"])
    def test_a_plain_key_is_checked_here_whatever_the_node_says_stands_there(
        self, counterfeit: bytes, scene: Scene, code: bytes
    ) -> None:
        chain = scene.chain(counterfeit, {scene.deployment.authority: code})
        words = refusal(counterfeit, chain, scene.deployment)
        assert "the signature of the authority of the UnitAdmission" in words

    def test_the_command_refuses_a_counterfeit_from_such_an_endpoint(
        self, counterfeit: bytes, scene: Scene, tmp_path: Path, command: Command
    ) -> None:
        file, trusted = tmp_path / "cycle.json", tmp_path / "deployment.json"
        file.write_bytes(counterfeit)
        trusted.write_bytes(deployment_to_json(scene.deployment))
        with served(scene.chain(counterfeit, {scene.deployment.authority: b"\x01"})) as url:
            code, out, err = command("verify", file, "--rpc", url, "--deployment", trusted)
        assert (code, out) == (1, "")
        assert "the signature of the authority" in err

    @pytest.mark.parametrize("more", [(), ("--json",)], ids=["words", "json"])
    def test_an_error_of_the_endpoint_writes_nothing_of_its_own_on_the_screen(
        self, scene: Scene, tmp_path: Path, command: Command, more: tuple[str, ...]
    ) -> None:
        file = tmp_path / "cycle.json"
        file.write_bytes(scene.told.other)
        chain = scene.chain(scene.told.other)
        chain.error = "\x1b[2J\x1b[HVerified at 2026-01-01\n\u202e\x9b1m"
        with served(chain) as url:
            code, out, err = command("verify", file, "--rpc", url, *more)
        assert (code, out) == (6, "")
        assert "\\u001b[2J\\u001b[HVerified" in err
        assert not any(line.startswith("Verified") for line in err.split("\n"))
        assert all(line.isprintable() for line in err.split("\n"))

    def test_a_contract_as_authority_is_never_verified(self, scene: Scene) -> None:
        trusted = dataclasses.replace(scene.deployment, authority_kind=AuthorityKind.CONTRACT)
        data = edited(scene.told.other, _say_that_it_is_a_contract)
        report = verify(data, scene.chain(data), trusted)
        assert not report.verified
        assert report.node_alone == (
            "The authority is a contract: only the chain can say what it has signed.",
        )

    def test_a_file_does_not_choose_how_the_authority_is_checked(self, scene: Scene) -> None:
        data = edited(scene.told.other, _say_that_it_is_a_contract)
        words = refusal(data, scene.chain(data), scene.deployment)
        assert "the file is of the deployment" in words


def _say_that_it_is_a_contract(plain: Plain) -> None:
    plain["deployment"]["authorityKind"] = "contract"


class TestOperations:
    """The node confirms what the contracts would have refused, with every signature right."""

    @pytest.mark.parametrize(
        "kind, message, words",
        [
            ("CycleEnding", {"outcome": Outcome.ABORTED}, "it was aborted"),
            ("CycleEnding", {"outcome": Outcome.UNKNOWN}, "has no known outcome"),
            ("CycleEnding", {"verdict": Verdict.FAILED}, "failed the named profile"),
            ("CycleEnding", {"verdict": 9}, "is unknown"),
            ("CycleDecision", {"kind": 9}, "is unknown"),
            ("CycleDecision", {"shares": []}, "carries no share"),
            (
                "CycleDecision",
                {"shares": [{"owner": 1, "payer": 1, "packageClass": 3, "delta": 7}]},
                "make 7 of class 3",
            ),
            (
                "CycleDecision",
                {"shares": [{"owner": 1, "payer": 1, "packageClass": 4, "delta": 1}]},
                "class 4 was not declared",
            ),
            ("LoadDeclaration", {"totals": []}, "has 0 classes"),
            ("SignerEnrolment", {"rights": 1 << 20}, "names none or an unknown one"),
            ("SignerEnrolment", {"custody": 9}, "is unknown"),
            ("UnitAdmission", {"roles": 0}, "names none or an unknown one"),
            ("UnitAdmission", {"validUntil": 1}, "ends at"),
            ("EquipmentRegistration", {"kind": 9}, "is unknown"),
            ("EquipmentChange", {"epoch": 0}, "is lower than 1"),
            ("CycleDecision", {"signedAt": 0}, "signed at no time"),
        ],
    )
    def test_what_the_contracts_refuse_is_not_made_true(
        self,
        scene: Scene,
        monkeypatch: pytest.MonkeyPatch,
        *,
        kind: str,
        message: dict[str, Value],
        words: str,
    ) -> None:
        data = scene.signed_anew(monkeypatch, kind, None, message)
        refused = refusal(data, scene.chain(data), scene.deployment)
        assert "breaks a rule of the contracts" in refused
        assert words in refused

    def test_that_it_was_mined_is_told_as_the_nodes_word(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Signed by everybody and never mined: what was signed holds, and no more is said."""
        data = scene.signed_anew(monkeypatch, "CycleEnding", "reason", {})
        claim = next(each for each in scene.verify(data).claims if each.about == "chain")
        assert claim.statement.startswith("The node says that the chain recorded")
        assert "the word of the node" in claim.rests_on
        assert "that it was mined, or when" in claim.does_not_prove

    def test_the_time_of_a_block_is_the_nodes_word(self, scene: Scene) -> None:
        chain = scene.chain(scene.told.other)
        chain.late = 86_400
        claims = verify(scene.told.other, chain, scene.deployment).claims
        late = [each for each in claims if each.about == "lateness"]
        assert all("mined 1 day" in each.statement for each in late)
        assert all("as the node tells it" in each.rests_on for each in late)


class TestEvents:
    def test_a_recall_that_the_node_withholds_is_not_denied(self, scene: Scene) -> None:
        """A node may withhold: then the report says only what the node named."""
        report = scene.verify(scene.told.released)
        assert said(report, "completeness").startswith(
            "The node names no operation on this subject"
        )
        claim = next(each for each in report.claims if each.about == "completeness")
        assert "that the node withheld nothing" in claim.does_not_prove

    @pytest.mark.parametrize(
        "kind, words",
        [
            ("SignerRevocation", "a key was revoked"),
            ("UnitClosure", "the unit was closed"),
            ("RecordErasure", "the personal fields of a record were erased"),
            ("Comment", "a unit commented: withdrawn"),
        ],
    )
    def test_a_later_event_without_signatures_is_the_nodes_word(
        self, scene: Scene, kind: str, words: str
    ) -> None:
        chain = scene.chain(scene.told.other)
        last = chain.evidence.in_chain_order()[-1].place.block
        chain.more = [_invented(scene, chain, kind, (last + 1, 90))]
        claims = verify(scene.told.other, chain, scene.deployment).claims
        told = next(each for each in claims if each.about == "afterwards")
        assert told.statement.startswith("The node says")
        assert words in told.statement
        assert "the word of the node" in told.rests_on

    @pytest.mark.parametrize(
        "kind", ["SignerRevocation", "UnitClosure", "EquipmentChange", "ResultEntry", "Comment"]
    )
    def test_an_invented_earlier_event_makes_the_file_refused(
        self, scene: Scene, kind: str
    ) -> None:
        chain = scene.chain(scene.told.other)
        opened = chain.evidence.operations[0].place.block
        chain.more = [_invented(scene, chain, kind, (opened - 1, 90))]
        words = refusal(scene.told.other, chain, scene.deployment)
        assert f"leaves out the {kind} in block {opened - 1}" in words

    def test_a_revocation_that_the_file_holds_signed_is_told_as_a_fact(self, scene: Scene) -> None:
        assert " It was revoked in block" in said(scene.verify(scene.told.other), "custody")

    def test_a_recovery_that_the_node_calls_completed_is_never_verified(
        self, recovered: Recovered, tmp_path: Path, command: Command
    ) -> None:
        """The unit may have vetoed it: a node that keeps that to itself would be believed."""
        world = recovered.world
        chain = LyingChain.about(recovered.data, codes_of(world))
        proposal = next(
            each for each in chain.evidence.support if each.act.name == "RecoveryProposal"
        )
        signer, place = word(proposal.message, "signer"), (proposal.place.block, 90)
        chain.more = [chain.complete(proposal.digest, signer, 1, place)]
        report = verify(recovered.data, chain, world.deployment)
        assert not report.verified
        (alone,) = report.node_alone
        assert "was completed, without a veto" in alone
        assert "The node says" in said(report, "recovery")
        file, trusted = tmp_path / "cycle.json", tmp_path / "deployment.json"
        file.write_bytes(recovered.data)
        trusted.write_bytes(deployment_to_json(world.deployment))
        with served(chain) as url:
            code, out, err = command("verify", file, "--rpc", url, "--deployment", trusted)
        assert code == 1, err
        assert "against your deployment file; not proven" in out
        assert "Verified" not in out

    def test_a_finalized_block_is_the_nodes_word(self, scene: Scene) -> None:
        chain = scene.chain(scene.told.other)
        told = verify(scene.told.other, chain, scene.deployment)
        chain.finalized = False
        untold = verify(scene.told.other, chain, scene.deployment)
        assert "The node calls blocks up to" in said(told, "finality")
        assert "names no finalized block" in said(untold, "finality")


def _invented(scene: Scene, chain: LyingChain, kind: str, place: tuple[int, int]) -> Log:
    """An event of an operation that nobody signed."""
    act, world = ACTS[kind], scene.told.world
    values: dict[str, Value] = {
        "unit": 1, "signer": world.decider.id, "subject": chain.evidence.operations[-1].digest,
        "about": world.cycle(14).id, "equipment": world.machine.id, "signedAt": 1,
        "kind": 0 if act.witness is None else act.witness.kind,
        "content": (5).to_bytes(8, "big") + bytes(24),
    }  # fmt: skip
    message: Message = {
        each.name: values.get(each.name, bytes(32) if each.type == "bytes32" else 1)
        for each in act.struct.members
    }
    return chain.announce(act, message, b"\x07" * 32, place)


#: what a verification asks → the method of JSON-RPC
QUESTIONS = {
    "chain_id": "eth_chainId",
    "genesis_hash": "eth_getBlockByNumber",
    "block": "eth_getBlockByNumber",
    "transaction": "eth_getTransactionByHash",
    "code": "eth_getCode",
    "logs": "eth_getLogs",
}


def test_the_page_on_trust_lists_every_question_of_a_verification(scene: Scene) -> None:
    """What is asked beyond the list would rest on the node without a word about it."""
    asked: set[str] = set()

    class Listening(LyingChain):
        def __getattribute__(self, name: str) -> object:
            if name in {*QUESTIONS, "call", "receipt"}:
                asked.add(name)
            return super().__getattribute__(name)

    contract = dataclasses.replace(scene.deployment, authority_kind=AuthorityKind.CONTRACT)
    with_contract = edited(scene.told.other, _say_that_it_is_a_contract)
    for data, trusted in ((scene.told.other, scene.deployment), (with_contract, contract)):
        verify(data, Listening.about(data, scene.codes), trusted)
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text()
    section = page.split("## What the chain endpoint is asked")[1].split("\n## ")[0]
    assert asked == set(QUESTIONS)
    for method in QUESTIONS.values():
        assert f"`{method}`" in section
