from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx2 as httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from ledger.chain.embedded import EmbeddedChain
from ledger.chain.gateway import METHODS, Gateway, GatewayLimits, make_server
from ledger.chain.node import Node
from ledger.domain.encoding.identifiers import to_hex
from ledger.doors.connections import PatientConnection
from ledger.doors.guard import LOOPBACK_NAMES, Bounds
from tests.chain.kit import START, MemoryJournal, chain_of, transfer

#: decoded JSON of any shape
Json: TypeAlias = Any

LIMITS = GatewayLimits(batch=3, answer_bytes=20_000, log_range=10)
SMALL = Bounds(hosts=LOOPBACK_NAMES, body_bytes=2_000)


class listening:  # noqa: N801 - reads as a verb
    """Runs a server in a thread until the block ends; gives its URL."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.server = server
        self.thread = threading.Thread(target=server.run, daemon=True)

    def __enter__(self) -> str:
        started = threading.Event()
        startup = self.server.startup

        async def announce(sockets: list[socket.socket] | None = None) -> None:
            await startup(sockets)
            started.set()

        self.server.startup = announce  # type: ignore[method-assign]
        self.thread.start()
        assert started.wait(10)
        bound = self.server.servers[0].sockets[0]
        return f"http://127.0.0.1:{bound.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="module")
def chain() -> Iterator[EmbeddedChain]:
    with chain_of(MemoryJournal()) as running:
        running.mine([transfer(0)], START + 1)
        yield running


@pytest.fixture(scope="module")
def client(chain: EmbeddedChain) -> Iterator[httpx.Client]:
    server = make_server(Gateway(upstream=lambda: chain.url, limits=LIMITS, bounds=SMALL))
    with listening(server) as url, httpx.Client(base_url=url) as made:
        yield made


def question(method: str, *params: object, number: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def ask(client: httpx.Client, body: object) -> Json:
    response = client.post("/", json=body)
    assert response.status_code == 200
    return response.json()


def test_reading_is_answered_as_anvil_answers(client: httpx.Client, chain: EmbeddedChain) -> None:
    assert ask(client, question("eth_blockNumber")) == {"jsonrpc": "2.0", "id": 1, "result": "0x1"}
    assert ask(client, question("eth_chainId"))["result"] == hex(chain.genesis.chain_id)
    block = ask(client, question("eth_getBlockByNumber", "latest", False))["result"]
    assert block["hash"] == "0x" + chain.tip.hash.hex()


@pytest.mark.parametrize(
    "method",
    ["anvil_setBalance", "anvil_mine", "anvil_reset", "anvil_dumpState", "hardhat_setCode",
     "hardhat_impersonateAccount", "evm_mine", "evm_setNextBlockTimestamp", "evm_revert",
     "eth_sendRawTransaction", "eth_sendTransaction", "eth_sign", "eth_accounts",
     "debug_traceTransaction", "txpool_status", "personal_sign", "eth_subscribe",
     "eth_newFilter", "trace_block", "ETH_CHAINID", "", "eth_chainId "],
)  # fmt: skip
def test_everything_else_is_refused_and_changes_nothing(
    client: httpx.Client, chain: EmbeddedChain, method: str
) -> None:
    before = chain.tip
    params = ["0x" + transfer(1).hex()] if method == "eth_sendRawTransaction" else []
    for body in (question(method, *params), [question(method, *params)]):
        answer = ask(client, body)
        reply = answer[0] if isinstance(answer, list) else answer
        assert reply["error"]["code"] == -32601
        assert "result" not in reply
    assert chain.node.block("latest") == before
    assert chain.ensure_running().node.ask("txpool_status") == {
        "pending": "0x0",
        "queued": "0x0",
    }


def test_the_list_names_no_method_that_writes() -> None:
    words = ("send", "sign", "mine", "set", "anvil", "hardhat", "evm", "debug", "filter")
    assert [m for m in METHODS if any(word in m.lower() for word in words)] == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "localhost:1:2", "0.0.0.0"],
)
def test_a_foreign_host_is_not_served(client: httpx.Client, host: str) -> None:
    response = client.post("/", json=question("eth_chainId"), headers={"host": host})
    assert response.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8545", "[::1]:8545"])
def test_loopback_names_are_served(client: httpx.Client, host: str) -> None:
    response = client.post("/", json=question("eth_chainId"), headers={"host": host})
    assert response.status_code == 200


def test_no_answer_allows_another_origin(client: httpx.Client) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for response in (
        client.post("/", json=question("eth_chainId"), headers=headers),
        client.options("/", headers=headers),
        client.get("/", headers=headers),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert client.options("/", headers=headers).status_code == 405


def test_what_a_form_could_send_is_refused(client: httpx.Client) -> None:
    body = json.dumps(question("eth_chainId"))
    response = client.post("/", content=body, headers={"content-type": "text/plain"})
    assert response.status_code == 415


def test_long_questions_and_long_batches_are_refused(client: httpx.Client) -> None:
    assert client.post("/", json=question("eth_chainId", "x" * 2_000)).status_code == 413
    for size in (0, LIMITS.batch + 1):
        assert ask(client, [question("eth_chainId")] * size)["error"]["code"] == -32600
    assert len(ask(client, [question("eth_chainId", number=n) for n in range(3)])) == 3


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff", b"[" * 1_900])
def test_what_is_not_json_is_a_parse_error(client: httpx.Client, body: bytes) -> None:
    response = client.post("/", content=body, headers={"content-type": "application/json"})
    assert response.json()["error"]["code"] == -32700


@pytest.mark.parametrize(
    "body",
    [1, "x", {}, {"jsonrpc": "1.0", "id": 1, "method": "eth_chainId"},
     {"jsonrpc": "2.0", "id": 1, "method": 5},
     {"jsonrpc": "2.0", "id": {}, "method": "eth_chainId"},
     {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": {}}, [[]], [1]],
)  # fmt: skip
def test_what_is_no_request_is_an_invalid_request(client: httpx.Client, body: object) -> None:
    answer = ask(client, body)
    reply = answer[0] if isinstance(answer, list) else answer
    assert reply["error"]["code"] == -32600


def test_a_notification_is_neither_answered_nor_carried_out(client: httpx.Client) -> None:
    body = {"jsonrpc": "2.0", "method": "eth_chainId"}
    for each in (body, [body]):
        response = client.post("/", json=each)
        assert (response.status_code, response.content) == (204, b"")


def test_a_call_has_its_gas_capped_and_takes_no_overrides(client: httpx.Client) -> None:
    # 0x5a: GAS; 5f52 6020 5ff3: return it
    gas_left = {"to": None, "data": "0x5a5f5260205ff3"}
    for given in ({}, {"gas": "0xffffffffffff"}):
        answer = ask(client, question("eth_call", {"data": gas_left["data"], **given}, "latest"))
        assert 0 < int(answer["result"], 16) < LIMITS.call_gas
    small = ask(client, question("eth_call", {"data": gas_left["data"], "gas": "0x186a0"}))
    assert int(small["result"], 16) < 100_000
    for refused in (
        question("eth_call", {}, "latest", {}),
        question("eth_call", {"value": "0x1"}),
        question("eth_call", {"gas": 5}),
        question("eth_call", "0x"),
        question("eth_call"),
        question("eth_getBalance", "0x" + "11" * 20, "latest", {}),
    ):
        assert ask(client, refused)["error"]["code"] == -32602


@pytest.mark.parametrize(
    "more",
    [
        {"blockHash": None},
        {"blockHash": ""},
        {"blockHash": "0x" + "00" * 31},
        {"blockHash": 5},
        {"blockHash": ["0x" + "00" * 32]},
        {"blockHash": None, "fromBlock": "0x0", "toBlock": "0xffffff"},
        {"blockHash": "0x" + "00" * 32, "fromBlock": "0x0"},
        {"fromBlock": None, "toBlock": "latest"},
        {"blockhash": "0x" + "00" * 32},
    ],
)
def test_no_spelling_of_a_block_goes_round_the_bound_on_the_range(
    client: httpx.Client, more: dict[str, object]
) -> None:
    assert ask(client, question("eth_getLogs", more))["error"]["code"] == -32602


def test_the_logs_of_one_block_are_answered(client: httpx.Client, chain: EmbeddedChain) -> None:
    block = to_hex(chain.tip.hash)
    assert ask(client, question("eth_getLogs", {"blockHash": block}))["result"] == []


def test_a_wide_log_range_is_refused(client: httpx.Client) -> None:
    within = question("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    assert ask(client, within)["result"] == []
    beyond = question("eth_getLogs", {"fromBlock": "earliest", "toBlock": "0xa"})
    assert ask(client, beyond)["error"]["code"] == -32005
    odd = question("eth_getLogs", {"fromBlock": 5})
    assert ask(client, odd)["error"]["code"] == -32602


def test_an_answer_that_is_too_long_is_not_passed_on(chain: EmbeddedChain) -> None:
    gateway = Gateway(upstream=lambda: chain.url, limits=GatewayLimits(answer_bytes=100))
    reply = gateway.answer(question("eth_getBlockByNumber", "0x0", False), "127.0.0.1")
    assert json.loads(reply)["error"]["code"] == -32005


def test_a_chain_that_is_down_is_said_as_a_json_rpc_error() -> None:
    with chain_of(MemoryJournal()) as chain:
        gateway = Gateway(upstream=lambda: chain.url)
        chain.stop()
        reply = gateway.answer(question("eth_chainId"), "127.0.0.1")
    assert json.loads(reply)["error"] == {"code": -32002, "message": "the chain does not answer"}


def test_a_node_behind_the_real_server_reads_the_chain(chain: EmbeddedChain) -> None:
    server = make_server(Gateway(upstream=lambda: chain.url))
    with listening(server) as url:
        with Node(url) as node:
            assert node.block("latest") == chain.tip
            assert node.chain_id() == chain.genesis.chain_id
        response = httpx.post(url, json=question("evm_mine"))
        assert response.json()["error"]["code"] == -32601
        assert "server" not in response.headers


# ---------------------------------------------------------------- who sends slowly


SHORT = 0.3
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def said_to(url: str, sent: bytes) -> bytes:
    """Everything that comes back until the other end closes."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(sent)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_question_that_does_not_come_to_its_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PatientConnection, "head_seconds", SHORT)
    bounds = Bounds(hosts=LOOPBACK_NAMES, body_seconds=SHORT)
    gateway = Gateway(upstream=lambda: "http://127.0.0.1:1", bounds=bounds)
    with listening(make_server(gateway)) as url:
        assert said_to(url, b"") == b""
        assert said_to(url, HEAD) == b""
        answer = said_to(url, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"within 0.3 seconds" in answer


def door(gateway: Gateway, address: str) -> TestClient:
    """The door as it looks from an address."""
    return TestClient(gateway, client=(address, 50_000), base_url="http://localhost")


def test_one_address_may_ask_only_so_often_and_another_still_may(chain: EmbeddedChain) -> None:
    gateway = Gateway(upstream=lambda: chain.url, limits=GatewayLimits(per_minute=3))
    far = door(gateway, "192.0.2.7")
    # The window may turn between two of them, never between all.
    answers = [far.post("/", json=question("eth_chainId")) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200, 429}
    told = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(told.headers["retry-after"]) <= 60
    assert told.json()["error"]["code"] == -32005
    assert "at most 3 a minute" in told.json()["error"]["message"]
    assert told.headers["content-type"] == "application/json"
    for address in ("192.0.2.8", "127.0.0.1", "::1"):
        assert door(gateway, address).post("/", json=question("eth_chainId")).status_code == 200


def test_every_question_of_a_batch_is_counted(chain: EmbeddedChain) -> None:
    gateway = Gateway(upstream=lambda: chain.url, limits=GatewayLimits(per_minute=50))
    far = door(gateway, "192.0.2.7")
    batch = [question("eth_chainId", number=number) for number in range(25)]
    codes = [far.post("/", json=batch).status_code for _ in range(6)]
    # The window may turn once between them.
    assert codes.count(200) in {2, 4}
    assert set(codes) == {200, 429}


def test_what_is_refused_is_counted_too_and_so_is_this_machine() -> None:
    limits = GatewayLimits(per_minute=2, per_minute_here=4)
    gateway = Gateway(upstream=lambda: "http://127.0.0.1:1", limits=limits)
    for address, at_most in (("192.0.2.7", 2), ("127.0.0.1", 4)):
        client = door(gateway, address)
        codes = [client.get("/").status_code for _ in range(2 * at_most + 1)]
        assert set(codes) == {405, 429}
        assert codes[:at_most].count(405) >= 1
