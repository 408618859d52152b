"""The node adapter against a server that answers whatever a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import pytest
from eth_abi import abi as eth_abi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.chain.node import Fees, Mined, Node, SendOutcome, classify_refusal
from ledger.chain.transactions import Envelope, Price, contract_address
from ledger.chain.transport import AnswerTooLarge, Limits, NodeRefused
from ledger.domain.chain.chain_reader import CallReverted
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import ChainUnavailable, InvalidInput
from tests.chain.kit import PRICE, QUIET, RELAYER, START, MemoryJournal, chain_of, transfer

#: decoded JSON of any shape
Json: TypeAlias = Any

LIMITS = Limits(timeout_seconds=2.0, attempts=3, pause_seconds=1.0, answer_bytes=10_000)
Reply = Callable[[Json], tuple[int, bytes]]


class FakeNode:
    """Answers with `reply`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Json] = []
        self.headers: list[Json] = []
        self.reply: Reply = lambda _: (200, b"{}")
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                fake.asked.append(body)
                fake.headers.append((self.path, dict(self.headers)))
                status, answer = fake.reply(body)
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.port = self.server.server_port

    def answer(self, result: object) -> None:
        self.reply = lambda body: (200, as_json(body, result=result))

    def refuse(self, **error: object) -> None:
        self.reply = lambda body: (200, as_json(body, error=error))

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def as_json(body: Json, **rest: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": body["id"], **rest}).encode()


@pytest.fixture
def fake() -> Iterator[FakeNode]:
    server = FakeNode()
    yield server
    server.close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def node(fake: FakeNode, pauses: list[float]) -> Iterator[Node]:
    url = f"http://user:s3cret@127.0.0.1:{fake.port}/v3/TOKEN?key=KEY"
    with Node(url, limits=LIMITS, pause=pauses.append, jitter=lambda: 0.5) as made:
        yield made


def test_the_url_is_used_whole_and_shown_without_its_secrets(fake: FakeNode, node: Node) -> None:
    fake.answer("0x7")
    assert node.chain_id() == 7
    path, headers = fake.headers[0]
    assert path == "/v3/TOKEN?key=KEY"
    assert headers["authorization"] == "Basic dXNlcjpzM2NyZXQ="
    assert node.name == f"http://127.0.0.1:{fake.port}"


@pytest.mark.parametrize(
    "reply",
    [(500, b"s3cret TOKEN"), (401, b"x"), (200, b"not json"), (302, b"")],
)
def test_no_error_shows_a_secret_of_the_url(
    fake: FakeNode, node: Node, reply: tuple[int, bytes]
) -> None:
    fake.reply = lambda _: reply
    with pytest.raises(ChainUnavailable) as caught:
        node.chain_id()
    assert not any(word in str(caught.value) for word in ("s3cret", "TOKEN", "KEY", "user"))
    assert caught.value.__cause__ is None


def test_an_unreachable_node_is_said_without_secrets(pauses: list[float]) -> None:
    node = Node("http://u:s3cret@127.0.0.1:9/TOKEN", limits=LIMITS, pause=pauses.append)
    with pytest.raises(ChainUnavailable) as caught:
        node.chain_id()
    assert "s3cret" not in str(caught.value)
    assert "TOKEN" not in str(caught.value)
    assert len(pauses) == 2


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "localhost:8545", "file:///etc/passwd"])
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Node(url)


def test_transient_failures_are_repeated_with_growing_pauses(
    fake: FakeNode, node: Node, pauses: list[float]
) -> None:
    answers = iter([(503, b""), (429, b""), None])

    def reply(body: Json) -> tuple[int, bytes]:
        return next(answers) or (200, as_json(body, result="0x5"))

    fake.reply = reply
    assert node.chain_id() == 5
    assert pauses == [0.75, 1.5]


def test_repeating_ends(fake: FakeNode, node: Node) -> None:
    fake.reply = lambda _: (503, b"")
    with pytest.raises(ChainUnavailable, match="503"):
        node.chain_id()
    assert len(fake.asked) == LIMITS.attempts


def test_a_refusal_is_not_repeated(fake: FakeNode, node: Node) -> None:
    fake.refuse(code=-32601, message="no such method")
    with pytest.raises(NodeRefused) as caught:
        node.chain_id()
    assert (caught.value.code, caught.value.reason) == (-32601, "no such method")
    assert len(fake.asked) == 1


def test_an_answer_that_is_too_long_is_not_read(fake: FakeNode, node: Node) -> None:
    fake.answer("0x" + "00" * 10_000)
    with pytest.raises(AnswerTooLarge):
        node.code(b"\x01" * 20)
    assert len(fake.asked) == 1


def test_a_node_that_drips_is_given_up_in_time(fake: FakeNode) -> None:
    gate = threading.Event()
    fake.reply = lambda _: (200, b"x" if gate.wait(5) else b"")
    limits = Limits(timeout_seconds=0.2, attempts=1)
    with pytest.raises(ChainUnavailable), Node(f"http://127.0.0.1:{fake.port}", limits=limits) as n:
        n.chain_id()
    gate.set()


@pytest.mark.parametrize(
    "answer",
    [b"[]", b"1", b"null", b'{"id":1}', b'{"id":2,"result":"0x1"}', b'{"result":"0x1"}',
     b'{"id":"1","result":"0x1"}', b"[" * 5000],
)  # fmt: skip
def test_what_is_no_answer_to_the_question_is_unavailable(
    fake: FakeNode, node: Node, answer: bytes
) -> None:
    fake.reply = lambda _: (200, answer)
    with pytest.raises(ChainUnavailable):
        node.chain_id()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["0x", "0x1", "0xzz"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["number", "hash", "logs", "status", "topics", "transactions"]), inner
        )
    ),
    max_leaves=8,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(answer=json_values)
def test_garbage_answers_never_raise_anything_but_chain_unavailable(
    fake: FakeNode, node: Node, answer: object
) -> None:
    fake.answer(answer)
    for ask in (
        lambda: node.block(1),
        lambda: node.receipt(bytes(32)),
        lambda: node.find_mined([bytes(32)])[0],
        lambda: node.transaction(bytes(32)),
        lambda: node.logs([b"\x01" * 20], 0, 0),
    ):
        try:
            found = ask()
        except ChainUnavailable:
            continue
        assert found in (None, [])
        assert answer in (None, [])


def raw_receipt(transaction_hash: str, **rest: object) -> dict[str, object]:
    return {
        "transactionHash": transaction_hash,
        "transactionIndex": "0x0",
        "blockNumber": "0x1",
        "blockHash": "0x" + "03" * 32,
        "status": "0x1",
        "gasUsed": "0x5208",
        "contractAddress": None,
        "logs": [raw_log(1)],
        **rest,
    }


HASHES = [bytes([number]) * 32 for number in range(5)]


def answers_to(batch: Json, **rest: object) -> list[dict[str, object]]:
    """Receipts for all but the first hash, which the node does not know."""
    return [
        {
            "jsonrpc": "2.0",
            "id": q["id"],
            "result": raw_receipt(q["params"][0], **rest) if number else None,
        }
        for number, q in enumerate(batch)
    ]


def test_a_batch_is_put_in_order_whatever_order_the_answers_have(
    fake: FakeNode, node: Node
) -> None:
    fake.reply = lambda batch: (200, json.dumps(answers_to(batch)[::-1]).encode())
    first, *others = node.receipts(HASHES)
    assert first is None
    assert [receipt.transaction_hash for receipt in others if receipt] == HASHES[1:]
    assert len(fake.asked) == 1
    assert node.receipts([]) == []


def test_what_became_of_transactions_is_read_without_their_logs(fake: FakeNode, node: Node) -> None:
    fake.reply = lambda batch: (200, json.dumps(answers_to(batch, logs=None)[::-1]).encode())
    first, *others = node.find_mined(HASHES)
    assert first is None
    assert others == [Mined(block_number=1, succeeded=True)] * 4
    fake.reply = lambda batch: (200, json.dumps(answers_to(batch, status="0x0")).encode())
    assert node.find_mined(HASHES)[1] == Mined(block_number=1, succeeded=False)
    assert node.find_mined([]) == []


@pytest.mark.parametrize(
    "wrong",
    [{"transactionHash": "0x" + "09" * 32}, {"status": "0x2"}, {"status": None}, {"status": "1"},
     {"blockNumber": None}, {"blockNumber": "0x"}],
    ids=str,
)  # fmt: skip
def test_an_odd_answer_about_a_transaction_is_unavailable(
    fake: FakeNode, node: Node, wrong: dict[str, object]
) -> None:
    fake.reply = lambda batch: (200, json.dumps(answers_to(batch, **wrong)).encode())
    with pytest.raises(ChainUnavailable):
        node.find_mined(HASHES)


def test_an_incomplete_or_doubled_batch_is_unavailable(fake: FakeNode, node: Node) -> None:
    for places in ([0], [0, 0], [0, 1, 1], [1, 2]):

        def reply(batch: Json, places: list[int] = places) -> tuple[int, bytes]:
            answers = answers_to(batch)
            return 200, json.dumps([answers[place] for place in places]).encode()

        fake.reply = reply
        with pytest.raises(ChainUnavailable):
            node.receipts(HASHES[:3])


def test_a_refusal_within_a_batch_is_a_refusal_and_the_next_batch_works(
    fake: FakeNode, node: Node
) -> None:
    def reply(batch: Json) -> tuple[int, bytes]:
        answers = answers_to(batch)
        del answers[1]["result"]
        answers[1]["error"] = {"code": -32000, "message": "indexing is in progress"}
        return 200, json.dumps(answers).encode()

    fake.reply = reply
    with pytest.raises(NodeRefused, match="indexing is in progress"):
        node.receipts(HASHES)
    fake.reply = lambda batch: (200, json.dumps(answers_to(batch)).encode())
    assert len(node.receipts(HASHES)) == 5


def test_one_refusal_of_a_whole_batch_is_a_refusal(fake: FakeNode, node: Node) -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too long"}}
    fake.reply = lambda _: (200, json.dumps(error).encode())
    with pytest.raises(NodeRefused, match="batch too long"):
        node.receipts(HASHES)


def test_a_log_range_that_is_too_wide_is_asked_in_halves(fake: FakeNode, node: Node) -> None:
    def reply(body: Json) -> tuple[int, bytes]:
        question = body["params"][0]
        first, last = int(question["fromBlock"], 16), int(question["toBlock"], 16)
        if last - first >= 2:
            error = {"code": -32005, "message": "query returned more than 10000 results"}
            return 200, as_json(body, error=error)
        return 200, as_json(body, result=[raw_log(n) for n in range(first, last + 1)])

    fake.reply = reply
    logs = node.logs([b"\x01" * 20], 0, 7)
    assert [log.block_number for log in logs] == list(range(8))


def raw_log(number: int, **rest: object) -> dict[str, object]:
    return {
        "address": "0x" + "01" * 20,
        "topics": ["0x" + "02" * 32],
        "data": "0x",
        "blockNumber": hex(number),
        "blockHash": "0x" + "03" * 32,
        "transactionHash": "0x" + "04" * 32,
        "transactionIndex": "0x0",
        "logIndex": "0x0",
        "removed": False,
        **rest,
    }


def test_logs_come_in_chain_order(fake: FakeNode, node: Node) -> None:
    fake.answer([raw_log(4, logIndex="0xa"), raw_log(4, logIndex="0x9"), raw_log(3)])
    found = [(log.block_number, log.log_index) for log in node.logs([b"\x01" * 20], 3, 4)]
    assert found == [(3, 0), (4, 9), (4, 10)]


@pytest.mark.parametrize(
    "stray",
    [raw_log(9), raw_log(3, address="0x" + "09" * 20), raw_log(3, removed=True)],
)
def test_a_log_that_was_not_asked_for_is_refused(
    fake: FakeNode, node: Node, stray: dict[str, object]
) -> None:
    fake.answer([stray])
    with pytest.raises(ChainUnavailable):
        node.logs([b"\x01" * 20], 3, 4)


def raw_block(**rest: object) -> dict[str, object]:
    return {
        "number": "0x5",
        "hash": "0x" + "03" * 32,
        "parentHash": "0x" + "02" * 32,
        "timestamp": "0x10",
        "baseFeePerGas": "0x7",
        "gasLimit": "0x100",
        "gasUsed": "0x0",
        "transactions": ["0x" + "04" * 32],
        "extraData": "0x",
        **rest,
    }


def raw_transaction(**rest: object) -> dict[str, object]:
    return {
        "hash": "0x" + "00" * 32,
        "from": "0x" + "01" * 20,
        "to": None,
        "nonce": "0x1",
        "gas": "0x5208",
        "input": "0x01",
        "blockNumber": None,
        "blockHash": None,
        **rest,
    }


def test_a_block_whose_makers_sign_it_in_a_long_field_is_read(fake: FakeNode, node: Node) -> None:
    fake.answer(raw_block(extraData="0x" + "ab" * 300))
    block = node.block(5)
    assert block is not None
    assert (block.number, block.hash, block.base_fee) == (5, b"\x03" * 32, 7)
    assert block.transactions == (b"\x04" * 32,)


def test_a_chain_that_knows_no_tip_is_paid_its_one_price(fake: FakeNode, node: Node) -> None:
    def reply(body: Json) -> tuple[int, bytes]:
        if body["method"] == "eth_maxPriorityFeePerGas":
            return 200, as_json(body, error={"code": -32601, "message": "no such method"})
        priced = body["method"] == "eth_gasPrice"
        return 200, as_json(body, result=price if priced else raw_block(baseFeePerGas="0x7"))

    fake.reply = reply
    price: object = "0x9"
    assert node.fees() == Fees(base_fee=7, priority_fee=2)
    price = "0x5"
    assert node.fees() == Fees(base_fee=7, priority_fee=0)
    for odd in (None, 9, "9", "0x"):
        price = odd
        with pytest.raises(ChainUnavailable):
            node.fees()


@pytest.mark.parametrize("price", [0, 1, 1000])
def test_a_node_is_paid_the_least_price_that_it_names(
    fake: FakeNode, node: Node, price: int
) -> None:
    """Free, avalanchego's and Besu's, on chains whose blocks ask nothing."""

    def reply(body: Json) -> tuple[int, bytes]:
        answers = {"eth_maxPriorityFeePerGas": "0x0", "eth_gasPrice": hex(price)}
        return 200, as_json(
            body, result=answers.get(body["method"], raw_block(baseFeePerGas="0x0"))
        )

    fake.reply = reply
    assert Price.asked(node.fees()) == Price(max_fee=price, priority_fee=price)


def test_nothing_is_asked_besides_the_question(fake: FakeNode, node: Node) -> None:
    fake.answer("0x10")
    node.call(b"\x01" * 20, b"\x02", 7)
    node.estimate_gas(b"\x01" * 20, b"\x02", sender=b"\x03" * 20)
    assert [(q["method"], q["params"]) for q in fake.asked] == [
        ("eth_call", [{"to": "0x" + "01" * 20, "data": "0x02"}, "0x7"]),
        (
            "eth_estimateGas",
            [{"from": "0x" + "03" * 20, "to": "0x" + "01" * 20, "data": "0x02"}, "pending"],
        ),
    ]


def test_logs_are_asked_by_address_range_and_topics(fake: FakeNode, node: Node) -> None:
    fake.answer([])
    node.logs([b"\x01" * 20], 3, 20, topics=[[b"\x02" * 32], None])
    assert fake.asked[0]["params"] == [
        {
            "address": ["0x" + "01" * 20],
            "fromBlock": "0x3",
            "toBlock": "0x14",
            "topics": [["0x" + "02" * 32], None],
        }
    ]


READERS: dict[str, tuple[dict[str, object], Callable[[Node], object]]] = {
    "block": (raw_block(), lambda node: node.block(5)),
    "transaction": (raw_transaction(), lambda node: node.transaction(bytes(32))),
    "receipt": (raw_receipt("0x" + "00" * 32), lambda node: node.receipt(bytes(32))),
    "mined": (raw_receipt("0x" + "00" * 32), lambda node: node.find_mined([bytes(32)])[0]),
    "log": (raw_log(1), lambda node: node.logs([b"\x01" * 20], 1, 1)[0]),
}


@pytest.mark.parametrize("shape", READERS)
@pytest.mark.parametrize("wrong", ["0xzz", "zz", -1, 1.5, True, [], [[]], {}, {"a": 1}, [None], ""])
def test_a_field_of_a_wrong_type_is_unavailable_or_read_as_what_it_must_be(
    fake: FakeNode, node: Node, shape: str, wrong: object
) -> None:
    good, read = READERS[shape]

    def reply(body: Json) -> tuple[int, bytes]:
        if isinstance(body, list):
            return 200, b"[" + as_json(body[0], result=answer) + b"]"
        return 200, as_json(body, result=[answer] if shape == "log" else answer)

    fake.reply = reply
    answer = good
    read(node)
    for field in good:
        answer = {**good, field: wrong}
        try:
            found = read(node)
        except ChainUnavailable:
            continue
        assert types_in(found) <= {int, bytes, bool, type(None)}


def types_in(value: object) -> set[type]:
    if isinstance(value, tuple):
        return set().union(*map(types_in, value))
    if is_dataclass(value):
        return types_in(tuple(getattr(value, field.name) for field in fields(value)))
    return {type(value)}


@pytest.mark.parametrize(
    "data",
    [
        "0x4e487b71" + "00" * 31 + "99",  # a panic code that nobody defined
        "0x4e487b71",
        "0x556f1830" + "ff" * 64,  # OffchainLookup that does not decode
        "0x08c379a0" + "ff" * 32,  # Error(string) that does not decode
        "0x",
        "0x01",
    ],
)
def test_a_hostile_revert_is_a_revert_with_its_data(fake: FakeNode, node: Node, data: str) -> None:
    for prefix in ("", "Reverted "):
        fake.refuse(code=3, message="execution reverted", data=prefix + data)
        with pytest.raises(CallReverted) as caught:
            node.call(b"\x01" * 20, b"")
        assert caught.value.data == bytes.fromhex(data[2:])


def test_a_contract_cannot_make_us_fetch_what_it_names(fake: FakeNode, node: Node) -> None:
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    url = f"http://127.0.0.1:{fake.port}/fetched"
    lookup = eth_abi.encode(types, ["0x" + "01" * 20, [url], b"", b"\x01" * 4, b""])
    fake.refuse(code=3, message="execution reverted", data="0x556f1830" + lookup.hex())
    with pytest.raises(CallReverted):
        node.call(b"\x01" * 20, b"")
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0xabcdef01"},
        {"code": -32000, "message": "execution reverted", "data": {"data": "0xabcdef01"}},
        {"code": -32015, "message": "VM execution error.", "data": "Reverted 0xabcdef01"},
    ],
)
def test_a_reverts_data_is_kept(fake: FakeNode, node: Node, error: dict[str, object]) -> None:
    fake.refuse(**error)
    with pytest.raises(CallReverted) as caught:
        node.call(b"\x01" * 20, b"")
    assert caught.value.data == bytes.fromhex("abcdef01")


def test_a_revert_without_data_is_a_revert_and_another_refusal_is_not(
    fake: FakeNode, node: Node
) -> None:
    fake.refuse(code=-32000, message="execution reverted")
    with pytest.raises(CallReverted):
        node.call(b"\x01" * 20, b"")
    fake.refuse(code=-32000, message="header not found")
    with pytest.raises(NodeRefused):
        node.call(b"\x01" * 20, b"")


@pytest.mark.parametrize(
    "reason, outcome",
    [
        ("already known", SendOutcome.ALREADY_KNOWN),
        ("Known transaction", SendOutcome.ALREADY_KNOWN),
        ("transaction already imported", SendOutcome.ALREADY_KNOWN),
        ("AlreadyKnown", SendOutcome.ALREADY_KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", SendOutcome.NONCE_TOO_LOW),
        ("Nonce too low", SendOutcome.NONCE_TOO_LOW),
        ("OldNonce, Current nonce: 5", SendOutcome.NONCE_TOO_LOW),
        ("nonce too high", SendOutcome.NONCE_TOO_HIGH),
        ("Transaction nonce is too distant from current sender nonce", SendOutcome.NONCE_TOO_HIGH),
        ("NonceGap, Future nonce. Expected nonce: 1", SendOutcome.NONCE_TOO_HIGH),
        ("transaction underpriced", SendOutcome.UNDERPRICED),
        ("replacement transaction underpriced", SendOutcome.UNDERPRICED),
        ("Gas price below configured minimum gas price", SendOutcome.UNDERPRICED),
        ("FeeTooLow, EffectivePriorityFeePerGas too low", SendOutcome.UNDERPRICED),
        ("max fee per gas less than block base fee", SendOutcome.UNDERPRICED),
        ("insufficient funds for gas * price + value", SendOutcome.REJECTED),
        ("intrinsic gas too low", SendOutcome.REJECTED),
        ("invalid sender", SendOutcome.REJECTED),
        ("exceeds block gas limit", SendOutcome.REJECTED),
        ("", SendOutcome.REJECTED),
    ],
)
def test_the_words_of_the_usual_nodes_are_classified(reason: str, outcome: SendOutcome) -> None:
    assert classify_refusal(reason) is outcome


def test_a_full_pool_is_no_verdict_on_the_transaction(fake: FakeNode, node: Node) -> None:
    fake.refuse(code=-32000, message="txpool is full")
    with pytest.raises(ChainUnavailable):
        node.send_raw(b"\x02")


def test_a_foreign_hash_for_our_transaction_is_nonsense(fake: FakeNode, node: Node) -> None:
    fake.answer("0x" + "00" * 32)
    with pytest.raises(ChainUnavailable):
        node.send_raw(b"\x02")


def test_anvil_is_read_as_it_is() -> None:
    with chain_of(MemoryJournal()) as chain:
        raws = [transfer(0), transfer(1)]
        block = chain.mine(raws, START + 5)
        node = chain.node
        assert node.block(1) == block
        assert node.block(2) is None
        assert node.block(0) == node.block("earliest")
        assert node.genesis_hash() == block.parent_hash
        receipts = node.receipts([keccak256(raw) for raw in [*raws, b"unknown"]])
        assert receipts[2] is None
        assert [(r.block_number, r.transaction_index) for r in receipts if r] == [(1, 0), (1, 1)]
        known = node.transaction(keccak256(raws[0]))
        assert known is not None
        assert (known.nonce, known.to, known.block_hash) == (0, b"\x22" * 20, block.hash)
        assert node.transaction(bytes(32)) is None
        assert node.code(b"\x22" * 20) == b""
        assert node.transaction_count(known.sender) == 2
        assert node.fees().base_fee == block.base_fee
        assert node.send_raw(raws[0]).outcome is SendOutcome.NONCE_TOO_LOW
        assert node.send_raw(transfer(2)).outcome is SendOutcome.ACCEPTED
        assert node.send_raw(transfer(2)).outcome is SendOutcome.ALREADY_KNOWN
        assert node.transaction_count(known.sender, "pending") == 3


def test_calls_on_the_embedded_chain_see_the_time_of_the_next_block() -> None:
    # TIMESTAMP, then return it: 42 5f52 6020 5ff3, behind 600780600b5f395ff3 that creates it
    code = bytes.fromhex("600780600a5f395ff300425f5260205ff3")
    with chain_of(MemoryJournal()) as chain:
        creation = RELAYER.sign(
            Envelope(
                chain_id=chain.genesis.chain_id,
                nonce=0,
                to=None,
                data=code,
                gas=90_000,
                price=PRICE,
            )
        )
        chain.mine([creation.raw], START + 5)
        clock = contract_address(RELAYER.address, 0)
        seen = chain.node.call(clock, b"")
        assert int.from_bytes(seen, "big") == START + QUIET
        assert int.from_bytes(chain.node.call(clock, b"", 1), "big") == START + 5
        assert 21_000 < chain.node.estimate_gas(clock, b"", sender=RELAYER.address) < 30_000
        chain.mine([], START + 2 * QUIET)
        later = chain.node.call(clock, b"", "pending")
        assert int.from_bytes(later, "big") == START + 2 * QUIET + 1
