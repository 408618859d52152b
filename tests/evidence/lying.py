"""A chain endpoint that says whatever a file needs: it confirms operations that no chain has."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from ledger.domain.acts.catalogue import NESTED
from ledger.domain.acts.vocabulary import Act, Message, integer
from ledger.domain.acts.words import Contract, Party
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.events import COMPLETED, TOPICS, Log
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.structs import encode_bytes, encode_struct, is_dynamic, number_word
from ledger.evidence.format import parse_evidence
from ledger.evidence.shape import Evidence
from tests.evidence.world import has_topics

Json: TypeAlias = Any
Place = tuple[int, int]


@dataclass
class LyingChain:
    """Answers everything as the file wants it, whatever really happened."""

    evidence: Evidence
    #: what the contracts' code is said to be, by address
    codes: Mapping[bytes, bytes]
    #: events beside those of the file's operations
    more: list[Log] = field(default_factory=list)
    #: added to every block's time, seconds
    late: int = 0
    #: blocks above the one up to which the file claims to be complete
    depth: int = 3
    finalized: bool = True
    #: what every question over HTTP is refused with
    error: str | None = None

    @classmethod
    def about(cls, data: bytes, codes: Mapping[bytes, bytes]) -> LyingChain:
        return cls(evidence=parse_evidence(data), codes=codes)

    @property
    def deployment(self) -> Deployment:
        return self.evidence.deployment

    def chain_id(self) -> int:
        return self.deployment.chain_id

    def genesis_hash(self) -> bytes:
        return self.deployment.genesis_hash

    def block(self, tag: BlockTag) -> Block | None:
        last = self.evidence.as_of.number + self.depth
        if tag == "finalized" and not self.finalized:
            return None
        number = tag if isinstance(tag, int) else last
        if number > last:
            return None
        here = [e for e in self.evidence.in_chain_order() if e.place.block == number]
        times = [integer(each.message, "signedAt") for each in here]
        return Block(
            number=number, hash=self.hash_of(number), parent_hash=self.hash_of(number - 1),
            timestamp=max(times, default=1_750_000_000) + self.late, base_fee=1,
            gas_limit=30_000_000, gas_used=0,
            transactions=tuple(keccak256(each.digest) for each in here),
        )  # fmt: skip

    def hash_of(self, number: int) -> bytes:
        named = {
            0: self.deployment.genesis_hash,
            self.evidence.as_of.number: self.evidence.as_of.hash,
        }
        return named.get(number, keccak256(b"block %d" % number))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        raise AssertionError(f"evidence asks no receipt: {transaction_hash.hex()}")

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        carried = [x for e in self.evidence.in_chain_order() for x in e.signatures.values()]
        return Transaction(
            hash=transaction_hash, sender=b"\x01" * 20, to=b"\x02" * 20, nonce=0, gas=1,
            data=b"".join(carried), block_number=None, block_hash=None,
        )  # fmt: skip

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:  # noqa: ARG002
        return self.codes.get(address, b"")

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        raise AssertionError(f"evidence asks no view: {to.hex()} {data.hex()} {tag}")

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        inside = [x for x in self._logs() if x.address in addresses]
        found = [x for x in inside if first <= x.block_number <= last and has_topics(x, topics)]
        return sorted(found, key=lambda log: (log.block_number, log.log_index))

    # ------------------------------------------------------------ events that nobody emitted

    def _logs(self) -> list[Log]:
        made = []
        for each in self.evidence.in_chain_order():
            new = each.signers.get(Party.NEW_KEY)
            key = b"" if new is None else self.evidence.keys[new]
            made.append(self.announce(each.act, each.message, each.digest, each.position, key))
        return [*made, *self.more]

    def announce(
        self, act: Act, message: Message, digest: bytes, place: Place, key: bytes = b""
    ) -> Log:
        """The log of an operation of any kind."""
        body = encode_struct(act.struct, NESTED, message)
        inline, behind = (b"", body) if is_dynamic(act.struct) else (body, b"")
        heads = 32 + (len(inline) or 32) + (32 if act.key_member else 0)
        data = bytes(32) + (inline or number_word(heads))
        if act.key_member:
            data += number_word(heads + len(behind))
            behind += encode_bytes(key)
        about = act.subject_of(message)
        return self._log(
            act.contract,
            act.event,
            (digest, about, number_word(integer(message, "unit"))),
            data + behind,
            place,
        )

    def complete(self, proposal: bytes, signer: bytes, unit: int, place: Place) -> Log:
        """The one event that announces no operation."""
        topics = (proposal, signer, number_word(unit))
        return self._log(Contract.UNIT_REGISTRY, COMPLETED, topics, bytes(32), place)

    def _log(
        self, contract: Contract, name: str, topics: tuple[bytes, ...], data: bytes, place: Place
    ) -> Log:
        return Log(
            address=self.deployment.address_of(contract),
            topics=(TOPICS[contract][name], *topics),
            data=data, block_number=place[0], block_hash=self.hash_of(place[0]),
            transaction_hash=keccak256(topics[0]), transaction_index=0, log_index=place[1],
        )  # fmt: skip


# ---------------------------------------------------------------- the same over HTTP


@contextmanager
def served(chain: LyingChain) -> Iterator[str]:
    """The address of a JSON-RPC endpoint that says what `chain` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            calls = body if isinstance(body, list) else [body]
            answers = [
                {
                    "jsonrpc": "2.0",
                    "id": c["id"],
                    **_answer(chain, c),
                }
                for c in calls
            ]
            data = json.dumps(answers if isinstance(body, list) else answers[0]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(chain: LyingChain, call: Json) -> Json:
    if chain.error is not None:
        return {"error": {"code": -32000, "message": chain.error}}
    return {"result": _result(chain, call)}


def _result(chain: LyingChain, call: Json) -> Json:
    method, params = call["method"], call["params"]
    if method == "eth_chainId":
        return hex(chain.chain_id())
    if method == "eth_getCode":
        return to_hex(chain.code(bytes.fromhex(params[0][2:])))
    if method == "eth_getBlockByNumber":
        tag = int(params[0], 16) if params[0].startswith("0x") else params[0]
        block = chain.block(tag)
        return None if block is None else {
            "number": hex(block.number), "hash": to_hex(block.hash),
            "parentHash": to_hex(block.parent_hash), "timestamp": hex(block.timestamp),
            "baseFeePerGas": "0x1", "gasLimit": hex(block.gas_limit), "gasUsed": "0x0",
            "transactions": [to_hex(each) for each in block.transactions],
        }  # fmt: skip
    assert method == "eth_getLogs", method
    wanted = params[0]
    topics = [
        None if each is None else [bytes.fromhex(topic[2:]) for topic in each]
        for each in wanted.get("topics", [])
    ]
    addresses = [bytes.fromhex(each[2:]) for each in wanted["address"]]
    first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
    return [_plain(log) for log in chain.logs(addresses, first, last, topics=topics)]


def _plain(log: Log) -> Json:
    return {
        "address": to_hex(log.address), "topics": [to_hex(each) for each in log.topics],
        "data": to_hex(log.data), "blockNumber": hex(log.block_number),
        "blockHash": to_hex(log.block_hash), "transactionHash": to_hex(log.transaction_hash),
        "transactionIndex": "0x0", "logIndex": hex(log.log_index), "removed": False,
    }  # fmt: skip
