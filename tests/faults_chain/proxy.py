"""A node that misbehaves by rules: an HTTP server between our node adapter and a real anvil.

A rule sees each call of its methods and may answer it, change what the real node says, or break the
connection.  Rules are asked in the order in which they were added; without one, a call passes.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import urllib3

#: what JSON-RPC carries; a proxy has no shape of its own for it
Json: TypeAlias = Any
Forward: TypeAlias = Callable[["Call"], Json]
#: a call, and how to ask the real node → the answer's `result` or `error` member
Act: TypeAlias = Callable[["Call", Forward], Json]


@dataclass(frozen=True)
class Call:
    """One JSON-RPC call."""

    method: str
    params: list[Json]


class BrokenOffError(Exception):
    """The connection ends without an answer."""


@dataclass
class RawAnswerError(Exception):
    """The whole HTTP answer is this one."""

    status: int
    body: bytes


@dataclass
class Rule:
    """What happens to calls of some methods."""

    act: Act
    methods: frozenset[str]
    #: how often it still acts; None: always
    left: int | None = None

    def fits(self, call: Call) -> bool:
        """Whether it acts on this call."""
        return (not self.methods or call.method in self.methods) and self.left != 0


@dataclass
class FaultProxy:
    """One endpoint with the rules that a test gives it."""

    #: the real node, which a test may exchange
    upstream: str
    url: str = ""
    #: how often each method reached the real node
    passed: Counter[str] = field(default_factory=Counter)
    #: how often each method was asked for
    asked: Counter[str] = field(default_factory=Counter)
    #: ends every delay
    closing: threading.Event = field(default_factory=threading.Event)
    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def add(self, act: Act, *methods: str, times: int | None = None) -> Rule:
        """One more rule; without methods, for all."""
        rule = Rule(act, frozenset(methods), times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """No rule is left."""
        with self._lock:
            self._rules.clear()

    def answer(self, call: Call) -> Json:
        """By the first rule that fits, or the real node."""
        with self._lock:
            self.asked[call.method] += 1
            rule = next((each for each in self._rules if each.fits(call)), None)
            if rule is not None and rule.left is not None:
                rule.left -= 1
        return self.forward(call) if rule is None else rule.act(call, self.forward)

    def forward(self, call: Call) -> Json:
        """What the real node says."""
        with self._lock:
            self.passed[call.method] += 1
        question = {"jsonrpc": "2.0", "id": 1, "method": call.method, "params": call.params}
        answer = self._pool.request("POST", self.upstream, json=question, retries=False).json()
        return {name: answer[name] for name in ("result", "error") if name in answer}

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """A running proxy without rules."""
    proxy = FaultProxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
        proxy.close()


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            try:
                calls = body if isinstance(body, list) else [body]
                answers = [
                    {"jsonrpc": "2.0", "id": each["id"]}
                    | proxy.answer(Call(each["method"], each["params"]))
                    for each in calls
                ]
            except BrokenOffError:
                self.close_connection = True
                return
            except RawAnswerError as raw:
                self._send(raw.status, raw.body)
                return
            self._send(200, json.dumps(answers if isinstance(body, list) else answers[0]).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # nobody waits for it any more

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            """Nothing."""

    return Handler


# ---------------------------------------------------------------- what a node may do


def broken_off(call: Call, forward: Forward) -> Json:
    """No answer, and the node never heard of it."""
    raise BrokenOffError


def http_error(call: Call, forward: Forward) -> Json:
    """An error of the server before the node."""
    raise RawAnswerError(500, b"upstream is down")


def garbage(call: Call, forward: Forward) -> Json:
    """No JSON."""
    raise RawAnswerError(200, b'{"jsonrpc": "2.0", "id": 1, "resu')


def refused(message: str, code: int = -32000) -> Act:
    """An error in the node's own words; the node is not asked."""
    return lambda call, forward: {"error": {"code": code, "message": message}}  # noqa: ARG005


def done_but(act: Act) -> Act:
    """The node does what it is asked, and the answer is `act`'s."""

    def both(call: Call, forward: Forward) -> Json:
        forward(call)
        return act(call, forward)

    return both


def late(proxy: FaultProxy, seconds: float) -> Act:
    """The right answer, after so long."""

    def wait(call: Call, forward: Forward) -> Json:
        answer = forward(call)
        proxy.closing.wait(seconds)
        return answer

    return wait


def nothing(call: Call, forward: Forward) -> Json:
    """The node does not have it."""
    return {"result": None}


def answering(result: Json) -> Act:
    """Always this."""
    return lambda call, forward: {"result": result}  # noqa: ARG005


def without_log(place: int) -> Act:
    """Every list of logs lacks the one at that place, where it is long enough."""

    def leave_out(call: Call, forward: Forward) -> Json:
        answer = forward(call)
        logs = answer["result"]
        return {"result": logs[:place] + logs[place + 1 :]}

    return leave_out


def stuck_at(height: int) -> Act:
    """A node that saw no block after that height; it takes transactions all the same."""

    def look_back(call: Call, forward: Forward) -> Json:
        if call.method == "eth_getTransactionReceipt":
            return _unless_later(forward(call), "blockNumber", height)
        if call.method == "eth_getBlockByNumber":
            tag, whole = call.params
            if tag in {"latest", "pending"}:
                return forward(Call(call.method, [hex(height), whole]))
            return _unless_later(forward(call), "number", height)
        if call.method == "eth_getTransactionCount":
            return forward(Call(call.method, [call.params[0], hex(height)]))
        return forward(call)

    return look_back


def _unless_later(answer: Json, member: str, height: int) -> Json:
    found = answer["result"]
    return {"result": None} if found and int(found[member], 16) > height else answer
