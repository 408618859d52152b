"""A chain that cannot serve us is refused at the first start, in words, and given nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.chain.node import Node
from ledger.domain.errors import ChainUnavailable, Refused
from ledger.steps.starting.surveying import PROBE, survey
from tests.faults_chain.group import real_node
from tests.faults_chain.proxy import Call, FaultProxy, Forward, Json, answering, fault_proxy


@contextmanager
def proxied(*flags: str, fork: str = "cancun") -> Iterator[tuple[FaultProxy, Node]]:
    with (
        real_node(*flags, fork=fork) as node,
        fault_proxy(node.url) as proxy,
        Node(proxy.url) as asked,
    ):
        yield proxy, asked


def test_a_chain_that_serves_us_is_not_refused() -> None:
    with proxied() as (_, node):
        for finality in ("instant", "finalized", "depth:3"):
            survey(node, finality=finality, has_contracts=False)
        assert node.run(PROBE) == (42).to_bytes(32, "big")
        assert node.program().startswith("anvil/")


@pytest.mark.parametrize("fork", ["paris", "shanghai"])
def test_a_chain_without_push0_or_mcopy_is_refused(fork: str) -> None:
    with proxied(fork=fork) as (_, node):
        with pytest.raises(Refused, match="does not run PUSH0 and MCOPY") as caught:
            survey(node, finality="instant", has_contracts=False)
        assert "cancunTime" in (caught.value.remedy or "")
        survey(node, finality="instant", has_contracts=True)


def test_a_node_that_runs_them_wrongly_is_refused() -> None:
    with proxied() as (proxy, node):
        proxy.add(answering("0x" + "00" * 32), "eth_call")
        with pytest.raises(Refused, match="gets something else"):
            survey(node, finality="instant", has_contracts=False)


def test_blocks_that_are_too_small_are_refused() -> None:
    words = "a block of the chain holds 8,000,000 gas"
    with proxied("--gas-limit", "8000000") as (_, node), pytest.raises(Refused, match=words):
        survey(node, finality="instant", has_contracts=False)


def test_a_node_that_still_syncs_is_waited_for() -> None:
    with proxied() as (proxy, node):
        proxy.add(answering({"currentBlock": "0x1", "highestBlock": "0x9"}), "eth_syncing")
        with pytest.raises(ChainUnavailable, match="still syncing, at block 0"):
            survey(node, finality="instant", has_contracts=True)


def finalized_is_unknown(call: Call, forward: Forward) -> Json:
    """As Besu answers under QBFT."""
    if call.params[0] == "finalized":
        return {"error": {"code": -39001, "message": "Unknown block"}}
    return forward(call)


def test_finalized_where_the_node_names_no_such_block_is_refused() -> None:
    with proxied() as (proxy, node):
        proxy.add(finalized_is_unknown, "eth_getBlockByNumber")
        with pytest.raises(Refused, match="Unknown block") as caught:
            survey(node, finality="finalized", has_contracts=True)
        assert caught.value.field == "STERILEDGER_FINALITY"
        assert "instant" in (caught.value.remedy or "")
        survey(node, finality="instant", has_contracts=True)


def test_the_embedded_chains_finality_is_refused_on_a_chain_of_others() -> None:
    with proxied() as (_, node), pytest.raises(Refused, match="'journal' is said") as caught:
        survey(node, finality="journal", has_contracts=True)
    assert caught.value.field == "STERILEDGER_FINALITY"


def without_block_zero(call: Call, forward: Forward) -> Json:
    return {"result": None} if call.params[0] == "0x0" else forward(call)


def test_a_chain_that_begins_with_block_one_is_known_by_it() -> None:
    with proxied() as (proxy, node):
        proxy.add(without_block_zero, "eth_getBlockByNumber")
        with pytest.raises(ChainUnavailable, match="does not have the first block"):
            node.genesis_hash()
        Node(proxy.upstream).ask("anvil_mine", "0x1")
        first = node.block(1)
        assert first is not None
        assert node.genesis_hash() == first.hash
