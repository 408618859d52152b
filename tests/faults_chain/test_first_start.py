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
    plan_all,
    terms_of,
    terms_to_bytes,
)
from ledger.steps.starting.deploy import ensure_deployment, ensure_home, get_held_key, open_relayer
from ledger.steps.starting.link import RemoteLink
from ledger.storage.keys import KeyPurpose
from ledger.storage.settings import get_setting
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
        creator = self.creator
        return plan_all(creator.relayer, creator.authority, creator._terms())[-1]

    def terms(self) -> Terms:
        with self.instance.database.reading() as tx:
            return parse_terms(get_setting(tx, PLAN_SETTING))

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


def test_a_fee_that_rose_is_paid_under_the_same_nonces(start: Start) -> None:
    planned = start.plan()
    start.set_base_fee(DEAR)
    deployment = start.deploy()
    start.require_whole(deployment, 0)
    (price,) = start.terms().prices
    before = planned.transactions[0].envelope.price
    assert price.max_fee >= DEAR > before.max_fee
    assert price.priority_fee > before.priority_fee


def test_a_fee_that_rose_while_they_waited_replaces_them(start: Start) -> None:
    planned = start.plan()
    start.node.mines_by_itself(False)
    refuses(start, ChainUnavailable)
    waiting = planned.transactions[0]
    assert start.link.node.transaction(waiting.hash) is not None
    start.set_base_fee(DEAR)
    assert start.count() == 0
    refuses(start, ChainUnavailable)
    start.set_base_fee(DEAR)
    start.require_whole(start.deploy(), 0)
    assert start.link.node.receipt(waiting.hash) is None


def test_what_waits_and_pays_enough_is_not_replaced(start: Start) -> None:
    start.plan()
    start.node.mines_by_itself(False)
    for _ in range(3):
        assert "not mined" in str(refuses(start, ChainUnavailable))
    assert len(start.terms().prices) == 1
    start.node.mine()
    start.require_whole(start.deploy(), 0)


def test_a_node_that_finds_every_offer_too_low_is_not_paid_without_end(start: Start) -> None:
    planned = start.plan()
    with fault_proxy(start.node.url) as proxy:
        proxy.add(refused("transaction underpriced"), "eth_sendRawTransaction")
        link = RemoteLink(node=Node(proxy.url, limits=QUICK))
        told = Start(instance=start.instance, node=start.node, link=link)
        for _ in range(2):
            assert "8 offers" in refuses(told, ChainUnavailable).what
            assert proxy.asked["eth_sendRawTransaction"] <= 9
            assert len(start.terms().prices) == 8
        link.stop()
    assert start.terms().prices[0] == planned.transactions[0].envelope.price
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


def test_a_used_nonce_and_a_fee_that_rose_together_are_no_harm(start: Start) -> None:
    start.plan()
    start.use_nonce()
    start.set_base_fee(DEAR)
    start.require_whole(start.deploy(), 1)


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
    start.set_base_fee(DEAR)
    refuses(start, ChainUnavailable)
    assert len(start.terms().prices) == 1
    start.node.endpoint.ask("anvil_setNextBlockBaseFeePerGas", "0x1")
    start.node.mine()
    start.require_whole(start.deploy(), 0)


def test_a_nonce_that_was_used_between_two_creations_is_said(start: Start) -> None:
    planned = start.plan()
    start.mine(planned.transactions[:1])
    start.use_nonce()
    error = refuses(start, Refused)
    assert "1 of 4 contracts stand" in error.what
    assert "new home" in (error.remedy or "")


def test_creations_of_two_attempts_make_one_deployment(start: Start) -> None:
    """A node may mine the first creation while the others are replaced."""
    start.plan()
    creator, terms = start.creator, start.terms()
    (price,) = terms.prices
    dearer = Price(max_fee=2 * price.max_fee, priority_fee=price.priority_fee)
    both = Terms(chain_id=terms.chain_id, first_nonce=0, prices=(price, dearer))
    first, second = plan_all(creator.relayer, creator.authority, both)
    creator._store(both)
    start.mine([*first.transactions[:1], *second.transactions[1:]])
    deployment = start.deploy()
    verify_deployment(start.link.node, deployment)
    assert start.terms() == both
    start.require_whole(deployment, 0)


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


@pytest.mark.parametrize("point", ["deploy.planned:2", "deploy.created", "deploy.stored"])
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
        lambda chain_id, nonce, prices: Terms(
            chain_id=chain_id, first_nonce=nonce, prices=tuple(prices)
        ),
        st.integers(1, 2**48),
        st.integers(0, 2**32),
        st.lists(PRICES, min_size=1, max_size=9),
    )
)
def test_terms_come_back_as_they_were_stored(terms: Terms) -> None:
    assert parse_terms(terms_to_bytes(terms)) == terms


def test_a_mined_plan_is_made_again_from_its_terms(start: Start) -> None:
    planned = start.plan()
    start.deploy()
    assert start.terms() == terms_of(planned)
    creator = start.creator
    assert plan_all(creator.relayer, creator.authority, start.terms()) == [planned]
