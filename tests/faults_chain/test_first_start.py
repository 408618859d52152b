"""Contracts on a chain of others, whose fees and nonces moved after the creations were planned."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.deploy import DeploymentPlan, verify_deployment
from ledger.chain.node import Node
from ledger.chain.transactions import Price, SignedTransaction, contract_address
from ledger.domain.chain.deployment import Deployment, Role
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import (
    ChainUnavailable,
    NotFound,
    Refused,
    SteriLedgerError,
    VerificationFailed,
)
from ledger.settings import Settings
from ledger.steps.auditing.audit import audit
from ledger.steps.following.follow import follow
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting import creating
from ledger.steps.starting.creating import (
    PLAN_SETTING,
    Creator,
    Terms,
    parse_terms,
    plan_of,
    terms_to_bytes,
)
from ledger.steps.starting.deploy import ensure_deployment, ensure_home, get_held_key, open_relayer
from ledger.steps.starting.link import RemoteLink
from ledger.storage.keys import KeyPurpose
from ledger.storage.settings import find_setting
from tests.faults.children import Home, housing
from tests.faults_chain.group import QUICK, RealNode, real_node, wait_for
from tests.faults_chain.proxy import fault_proxy, refused

DEAR = 10**12


@dataclass(frozen=True)
class Start:
    """A home with its keys and a funded relayer, before its contracts."""

    instance: Instance
    node: RealNode
    link: RemoteLink

    @property
    def relayer(self) -> bytes:
        return open_relayer(self.instance).address

    @property
    def creator(self) -> Creator:
        with self.instance.database.reading() as tx:
            authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
        return Creator(
            instance=self.instance,
            link=self.link,
            relayer=open_relayer(self.instance),
            authority=authority,
        )

    def plan(self) -> DeploymentPlan:
        """The creations are planned, and nothing is sent."""
        return self.creator._chosen()

    def terms(self) -> Terms:
        with self.instance.database.reading() as tx:
            body = find_setting(tx, PLAN_SETTING)
        assert body is not None
        return parse_terms(body)

    def deploy(self) -> Deployment:
        return ensure_deployment(self.instance, self.link)

    def set_base_fee(self, wei: int) -> None:
        """Of the next block, which is made."""
        self.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", hex(wei))
        self.node.mine()

    def use_nonce(self) -> None:
        """The relayer's next one, for something else."""
        before = self.count()
        self.node.send(open_relayer(self.instance), b"\x77" * 20, b"")
        wait_for(lambda: self.count() == before + 1)

    def mine(self, transactions: Sequence[SignedTransaction]) -> None:
        """These are in blocks."""
        self.link.deliver([each.raw for each in transactions], 0)
        hashes = [each.hash for each in transactions]
        wait_for(lambda: all(self.link.node.find_mined(hashes)))

    def count(self) -> int:
        return self.link.node.transaction_count(self.relayer)

    def require_whole(self, deployment: Deployment, first_nonce: int) -> None:
        """The contracts stand at these nonces, once, and everything that is kept says so."""
        verify_deployment(self.link.node, deployment)
        placed = {contract.address for contract in deployment.contracts.values()}
        wanted = range(first_nonce, first_nonce + len(Role))
        assert placed == {contract_address(self.relayer, nonce) for nonce in wanted}
        assert self.count() == first_nonce + len(Role)
        assert self.deploy() == deployment
        while (progress := follow(self.instance, self.link.node)).height < progress.final:
            pass
        assert [str(each) for each in audit(self.instance, self.link.node).differences] == []


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(creating, "_PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(creating, "_PAUSE_SECONDS", 0.01)
    with real_node() as node:
        settings = Settings(home=tmp_path / "home", chain_url=node.url, finality="instant")
        instance = open_instance(settings)
        ensure_home(instance)
        node.fund(open_relayer(instance).address)
        link = RemoteLink(node=Node(node.url, limits=QUICK))
        yield Start(instance=instance, node=node, link=link)
        link.stop()
        instance.close()


def refuses(start: Start, kind: type[SteriLedgerError]) -> SteriLedgerError:
    """With everything that a person needs to know, and no deployment."""
    with pytest.raises(kind) as caught:
        start.deploy()
    assert caught.value.field
    assert caught.value.rule
    assert caught.value.remedy
    with pytest.raises(NotFound):
        start.instance.deployment()
    return caught.value


# ---------------------------------------------------------------- none is mined


def test_a_fee_that_rose_before_anything_was_sent_is_paid_under_the_same_nonces(
    start: Start,
) -> None:
    start.plan()
    start.set_base_fee(DEAR)
    deployment = start.deploy()
    start.require_whole(deployment, 0)
    assert start.terms().price.max_fee >= DEAR


def test_what_waits_is_the_same_at_every_start(start: Start) -> None:
    start.node.mines_by_itself(False)
    for _ in range(3):
        error = refuses(start, ChainUnavailable)
        assert "in no block" in error.what
        assert "has to pay" in (error.remedy or "")
    terms = start.terms()
    start.node.mine()
    start.require_whole(start.deploy(), 0)
    assert start.terms() == terms


def test_what_a_node_forgot_since_it_pays_too_little_is_sent_again_for_more(start: Start) -> None:
    start.node.mines_by_itself(False)
    refuses(start, ChainUnavailable)
    start.set_base_fee(DEAR)
    assert start.count() == 0
    refuses(start, ChainUnavailable)
    start.set_base_fee(DEAR)
    start.require_whole(start.deploy(), 0)
    assert start.terms().price.max_fee >= DEAR


def test_a_node_that_refuses_is_quoted_and_nothing_is_sent_twice(start: Start) -> None:
    with fault_proxy(start.node.url) as proxy:
        proxy.add(refused("transaction underpriced"), "eth_sendRawTransaction")
        link = RemoteLink(node=Node(proxy.url, limits=QUICK))
        told = Start(instance=start.instance, node=start.node, link=link)
        for asked in (1, 2):
            assert "transaction underpriced" in refuses(told, ChainUnavailable).what
            assert proxy.asked["eth_sendRawTransaction"] == asked
        link.stop()
    assert start.count() == 0
    start.require_whole(start.deploy(), 0)


def test_a_fee_that_the_relayer_cannot_pay_is_said(start: Start) -> None:
    start.plan()
    start.set_base_fee(DEAR)
    start.node.endpoint.ask("anvil_setBalance", to_hex(start.relayer), hex(10**18))
    assert "fund the relayer" in (refuses(start, Refused).remedy or "")
    start.node.fund(start.relayer)
    start.require_whole(start.deploy(), 0)


@pytest.mark.parametrize("used", [1, 2])
def test_nonces_that_were_used_for_something_else_are_chosen_anew(start: Start, used: int) -> None:
    start.plan()
    for _ in range(used):
        start.use_nonce()
    start.require_whole(start.deploy(), used)


def test_a_plan_for_another_chain_is_not_carried_out(start: Start, tmp_path: Path) -> None:
    start.plan()
    with real_node(chain_id=710_003) as other:
        other.fund(start.relayer)
        link = RemoteLink(node=Node(other.url, limits=QUICK))
        elsewhere = Start(instance=start.instance, node=other, link=link)
        error = refuses(elsewhere, VerificationFailed)
        assert error.field == "chain_url"
        assert elsewhere.count() == 0
        link.stop()
    start.require_whole(start.deploy(), 0)


# ---------------------------------------------------------------- some are mined


def test_what_is_mined_already_waits_for_the_fee_to_fall(start: Start) -> None:
    planned = start.plan()
    start.mine(planned.transactions[:2])
    terms = start.terms()
    start.set_base_fee(DEAR)
    refuses(start, ChainUnavailable)
    assert start.terms() == terms
    start.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", "0x1")
    start.node.mine()
    start.require_whole(start.deploy(), 0)


def test_a_nonce_that_was_used_between_two_creations_makes_a_whole_new_set(start: Start) -> None:
    planned = start.plan()
    start.mine(planned.transactions[:1])
    start.use_nonce()
    start.require_whole(start.deploy(), 2)


# ---------------------------------------------------------------- killed


@pytest.fixture
def home(start: Start) -> Iterator[Home]:
    with housing(
        start.instance.settings.home, chain_url=start.node.url, finality="instant"
    ) as same:
        yield same


@pytest.mark.parametrize(
    "point", ["deploy.planned", "deploy.created", "deploy.stored", "deploy.drafted"]
)
def test_a_first_start_killed_anywhere_makes_one_set_of_contracts(
    point: str, start: Start, home: Home
) -> None:
    dead = home.start("worker", crash_at=point)
    assert dead.wait() == -signal.SIGKILL, dead.words()
    start.require_whole(start.deploy(), 0)


@pytest.mark.parametrize("point", ["deploy.planned", "deploy.created", "deploy.stored"])
@pytest.mark.parametrize("moved", [1, 0], ids=["nonce", "fee"])
def test_a_start_killed_after_its_plan_was_chosen_anew_makes_one_set_of_contracts(
    point: str, moved: int, start: Start, home: Home
) -> None:
    assert home.start("worker", crash_at="deploy.planned").wait() == -signal.SIGKILL
    if moved:
        start.use_nonce()
    else:
        start.set_base_fee(DEAR)
    dead = home.start("worker", crash_at=point)
    assert dead.wait() == -signal.SIGKILL, dead.words()
    start.require_whole(start.deploy(), moved)


# ---------------------------------------------------------------- what is stored


WEI = st.integers(0, 2**50)
PRICES = st.builds(lambda most, tip: Price(max_fee=most, priority_fee=tip), WEI, WEI)


@given(
    st.builds(
        lambda chain_id, nonce, price: Terms(chain_id=chain_id, first_nonce=nonce, price=price),
        st.integers(1, 2**48),
        st.integers(0, 2**32),
        PRICES,
    )
)
def test_terms_come_back_as_they_were_stored(terms: Terms) -> None:
    assert parse_terms(terms_to_bytes(terms)) == terms


def test_a_plan_is_made_again_from_its_terms(start: Start) -> None:
    planned = start.plan()
    creator = start.creator
    assert plan_of(creator.relayer, creator.authority, start.terms()) == planned
