"""Several nodes of one chain: another is asked when one is gone, behind, or on another fork."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.domain.errors import ChainUnavailable, InvalidInput, VerificationFailed
from ledger.domain.outbox.operation_states import OperationState
from ledger.settings import Settings
from ledger.steps.answering.status import find_chain_status
from ledger.steps.instance import Instance, open_instance
from ledger.steps.starting.choosing import GroupLink, open_group
from ledger.steps.starting.link import open_link
from tests.faults_chain.group import Group, real_node, wait_for, working
from tests.faults_chain.proxy import (
    Act,
    Call,
    FaultProxy,
    Forward,
    Json,
    RawAnswerError,
    answering,
    broken_off,
    fault_proxy,
    stuck_at,
)
from tests.faults_chain.test_answers import SEND, recorded_once

S = OperationState


@dataclass(frozen=True)
class Nodes:
    """A hospital whose chain is behind three addresses."""

    group: Group
    proxies: list[FaultProxy]
    instance: Instance

    def asked(self) -> str | None:
        """Which node the status says."""
        with self.instance.database.reading() as tx:
            chain = find_chain_status(tx)
        return None if chain is None else chain.asked

    def passed_over(self) -> str:
        """Which it says are not asked, and why."""
        with self.instance.database.reading() as tx:
            chain = find_chain_status(tx)
        return "" if chain is None else str(dict(chain.passed_over))

    def link(self) -> GroupLink:
        """The chain as a worker opens it."""
        link = open_link(self.instance)
        assert isinstance(link, GroupLink)
        return link


def with_urls(instance: Instance, urls: list[str], *, finality: str = "depth:2") -> Instance:
    settings = Settings(home=instance.settings.home, chain_url=",".join(urls), finality=finality)
    return replace(instance, settings=settings)


@pytest.fixture
def nodes(group: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    monkeypatch.setattr("ledger.steps.worker._LONGEST_PAUSE_SECONDS", 0.2)
    with ExitStack() as stack:
        proxies = [stack.enter_context(fault_proxy(group.node.url)) for _ in range(3)]
        yield Nodes(group, proxies, with_urls(group.instance, [each.url for each in proxies]))


def other_fork(call: Call, forward: Forward) -> Json:
    """Every block but the first has another hash."""
    answer = forward(call)
    block = answer["result"]
    if block and block["number"] != "0x0":
        block["hash"] = "0x" + "77" * 32
    return answer


def test_the_first_address_is_asked_and_the_status_says_so(nodes: Nodes) -> None:
    nodes.group.give_back_lease()
    with working(nodes.instance) as ended:
        wait_for(lambda: nodes.asked() is not None)
    assert ended == []
    assert nodes.asked() == nodes.proxies[0].url
    assert nodes.passed_over() == "{}"


@pytest.mark.parametrize(
    "act,methods,words",
    [
        (broken_off, [], "did not answer"),
        (other_fork, ["eth_getBlockByNumber"], "on another fork"),
        (answering({"currentBlock": "0x1"}), ["eth_syncing"], "still syncing"),
    ],
    ids=["gone", "another fork", "syncing"],
)
def test_another_is_asked_when_one_is_not_well_and_nothing_is_lost(
    nodes: Nodes, act: Act, methods: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.steps.starting.choosing.LOOK_EVERY", timedelta(seconds=0.2))
    group = nodes.group
    group.give_back_lease()
    group.node.endpoint.ask("evm_setIntervalMining", 1)
    first = nodes.proxies[0]
    with working(nodes.instance) as ended:
        wait_for(lambda: nodes.asked() == first.url)
        first.add(act, *methods)
        digest = group.hospital.accept(group.hospital.opening("S1", 1))
        wait_for(lambda: nodes.asked() == nodes.proxies[1].url)
        wait_for(lambda: words in nodes.passed_over())
        wait_for(lambda: group.hospital.state(digest) is S.FINAL)
    group.node.endpoint.ask("evm_setIntervalMining", 0)
    assert ended == []
    recorded_once(group, [digest])


def test_a_node_that_saw_no_new_block_for_a_while_is_left(nodes: Nodes) -> None:
    nodes.proxies[0].add(stuck_at(nodes.group.node.height()))
    nodes.group.node.mine(5)
    link = nodes.link()
    assert link.node.name == nodes.proxies[0].url
    nodes.group.node.mine()
    assert link.look_around()
    assert link.node.name == nodes.proxies[1].url
    assert link.passed_over == {nodes.proxies[0].url: "it is 6 blocks behind"}
    nodes.proxies[0].heal()
    assert not link.look_around()  # who is asked and well stays so
    assert (link.node.name, link.passed_over) == (nodes.proxies[1].url, {})
    link.stop()


def test_one_of_three_whose_newest_blocks_are_others_is_left(nodes: Nodes) -> None:
    """Before anything of them is final: most of the others decide."""
    indexed = nodes.group.node.height()
    nodes.group.node.mine(5)

    def forked(call: Call, forward: Forward) -> Json:
        answer = forward(call)
        if answer["result"] and int(answer["result"]["number"], 16) > indexed:
            answer["result"]["hash"] = "0x" + "78" * 32
        return answer

    nodes.proxies[0].add(forked, "eth_getBlockByNumber")
    link = nodes.link()
    assert link.node.name == nodes.proxies[1].url
    assert "most have another block" in link.passed_over[nodes.proxies[0].url]
    link.stop()


def test_when_none_is_well_the_same_is_asked_on_and_its_trouble_is_told(nodes: Nodes) -> None:
    link = nodes.link()
    for each in nodes.proxies:
        each.add(broken_off)
    assert not link.look_around()
    assert link.node.name == nodes.proxies[0].url
    assert len(link.passed_over) == 3
    with pytest.raises(ChainUnavailable):
        link.node.chain_id()
    link.stop()


# ---------------------------------------------------------------- refused before anything is sent


def test_an_address_of_another_chain_among_them_is_refused_at_the_start(nodes: Nodes) -> None:
    with real_node(chain_id=99) as other:
        urls = [nodes.proxies[0].url, other.url]
        with pytest.raises(VerificationFailed, match="is of chain 99") as caught:
            open_group(with_urls(nodes.instance, urls))
    assert caught.value.field == "STERILEDGER_CHAIN_URL"
    assert nodes.proxies[0].asked[SEND] == 0


#: as Besu says it
UNAUTHORIZED = b'{"jsonrpc":"2.0","id":null,"error":{"code":-40100,"message":"Unauthorized"}}'


def raw(status: int, body: bytes) -> Act:
    def answer(call: Call, forward: Forward) -> Json:
        raise RawAnswerError(status, body)

    return answer


@pytest.mark.parametrize(
    "act,words",
    [
        (raw(401, b"Unauthorized"), "answers HTTP 401"),
        (raw(401, UNAUTHORIZED), "answers HTTP 401"),
        (raw(403, b'{"message":"Host not authorized."}'), "answers HTTP 403"),
        (raw(404, b"no such page"), "answers HTTP 404"),
        (raw(501, b"<!doctype html><p>Unsupported method"), "answers HTTP 501"),
        (raw(200, b"<!doctype html><title>It works</title>"), "answers with a web page"),
    ],
    ids=["wrong password", "Besu's token", "Besu's hosts", "wrong path", "files", "web page"],
)
def test_what_is_no_endpoint_for_us_is_refused_in_words_without_its_secrets(
    nodes: Nodes, act: Act, words: str
) -> None:
    proxy = nodes.proxies[0]
    proxy.add(act)
    secret = proxy.url.replace("http://", "http://user:s3cret@") + "/TOKEN"
    with pytest.raises(InvalidInput, match=words) as caught:
        open_group(with_urls(nodes.instance, [secret]))
    assert caught.value.field == "STERILEDGER_CHAIN_URL"
    assert not any(each in str(caught.value) for each in ("s3cret", "user", "TOKEN"))
    assert proxy.asked[SEND] == 0


def test_one_of_several_that_is_no_endpoint_is_refused_at_the_first_start_and_left_out_later(
    nodes: Nodes, tmp_path: Path
) -> None:
    second = nodes.proxies[1]
    second.add(raw(401, UNAUTHORIZED))
    urls = [each.url for each in nodes.proxies]
    with (
        closing(open_instance(Settings(home=tmp_path / "new"))) as new,
        pytest.raises(InvalidInput, match=f"{second.url} answers HTTP 401"),
    ):
        open_group(with_urls(new, urls))
    link = nodes.link()
    assert link.passed_over == {second.url: "answers HTTP 401"}
    link.stop()


def test_one_address_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        Settings(home=tmp_path, chain_url="http://a:1,http://a:1")


def test_a_comma_within_an_address_stays_there(tmp_path: Path) -> None:
    urls = "http://a/x,y,HTTPS://b?c=1,2"
    found = Settings(home=tmp_path, chain_url=urls).chain_urls
    assert found == ("http://a/x,y", "HTTPS://b?c=1,2")
