"""A chain endpoint that says whatever a file needs: it confirms operations that no chain has."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from ledger.domain.acts.vocabulary import integer, items
from ledger.domain.acts.words import Contract, Party
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.events import LINE_EVENTS, SIGNATURES, TOPICS, Log, columns_of
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import CycleId, cycle_id, to_hex
from ledger.evidence.cycle import equipment_of
from ledger.evidence.parse import parse_evidence
from ledger.evidence.rights import signers_of
from ledger.evidence.shape import Evidence, EvidenceOperation, in_chain_order
from tests.evidence.world import has_topics

Json: TypeAlias = Any


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
        return None if number > last else self._block(number)

    def _block(self, number: int) -> Block:
        ordered = in_chain_order(self.evidence)
        named = {e.place.block.number: e.place.block.hash for e in ordered}
        named[self.evidence.as_of.number] = self.evidence.as_of.hash
        named[0] = self.deployment.genesis_hash
        here = [each for each in ordered if each.place.block.number == number]
        times = [integer(each.operation.message, "signedAt") for each in here]
        return Block(
            number=number, hash=named.get(number, keccak256(b"block %d" % number)),
            parent_hash=named.get(number - 1, keccak256(b"block %d" % (number - 1))),
            timestamp=max(times, default=1_750_000_000) + self.late, base_fee=1,
            gas_limit=30_000_000, gas_used=0,
            transactions=tuple(dict.fromkeys(each.place.transaction for each in here)),
        )  # fmt: skip

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        logs = [log for log in self._logs() if log.transaction_hash == transaction_hash]
        if not logs:
            return None
        first = logs[0]
        return Receipt(
            transaction_hash=transaction_hash, transaction_index=0,
            block_number=first.block_number, block_hash=first.block_hash, succeeded=True,
            gas_used=1, contract_address=None, logs=tuple(logs),
        )  # fmt: skip

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        carried = [
            signature
            for entry in in_chain_order(self.evidence)
            if entry.place.transaction == transaction_hash
            for signature in entry.signatures.values()
        ]
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
        made = [log for e in in_chain_order(self.evidence) for log in self._logs_of(e)]
        return [*made, *self.more]

    def _logs_of(self, entry: EvidenceOperation) -> list[Log]:
        kind, message = entry.operation.kind, entry.operation.message
        fields = {name: value for name, value in message.items() if isinstance(value, int | bytes)}
        made = self._derived(entry)
        logs = [self.event(kind.contract, kind.event, made | fields | made, entry, 0)]
        for name, line_event in LINE_EVENTS.items():
            lines = items(message, name) if name in message else ()
            logs += [
                self.event(kind.contract, line_event, {**made, **line}, entry, at)
                for at, line in enumerate(lines, start=1)
            ]
        if kind.name == "UnitAdmission":
            enrolled = {
                "signer": fields["administrator"], "duties": 1, "validFrom": fields["signedAt"],
                "signedBy": bytes(32),
            }  # fmt: skip
            logs.append(
                self.event(kind.contract, "SignerEnrolled", fields | made | enrolled, entry, 1)
            )
        return logs

    def _derived(self, entry: EvidenceOperation) -> dict[str, Scalar]:
        """What an event says beside its message's members."""
        kind, message, subject = (
            entry.operation.kind,
            entry.operation.message,
            self.evidence.subject,
        )
        made: dict[str, Scalar] = {"digest": entry.digest, "head": bytes(32), "state": 1}
        if kind.name == "EquipmentChange":
            del made["state"]
        if kind.name == "EquipmentRegistration":
            made["equipment"] = equipment_of(entry)
        if kind.contract is Contract.CYCLE_LEDGER:
            cycle: CycleId = cycle_id(subject.equipment, subject.epoch, subject.number)
            made["cycle"] = cycle
            made["lines"] = sum(len(items(message, n)) for n in LINE_EVENTS if n in message)
        new = signers_of(entry).get(Party.NEW_KEY)
        if new is not None:
            made["key"] = self.evidence.keys[new]
        return made

    def event(
        self,
        contract: Contract,
        name: str,
        fields: Mapping[str, Scalar],
        entry: EvidenceOperation,
        after: int,
    ) -> Log:
        """A log in the place of an operation, so many logs after its own."""
        topics, words = columns_of(contract, name)
        data = b"".join(_word(fields[each]) for each in words)
        if re.search(rf"{name}\([^)]*bytes key\)", " ".join(SIGNATURES[contract].split())):
            key = fields["key"]
            assert isinstance(key, bytes)
            data += _word(len(data) + 32) + _word(len(key)) + key + bytes(-len(key) % 32)
        return Log(
            address=self.deployment.address_of(contract),
            topics=(TOPICS[contract][name], *(_word(fields[each]) for each in topics)),
            data=data, block_number=entry.place.block.number, block_hash=entry.place.block.hash,
            transaction_hash=entry.place.transaction, transaction_index=0,
            log_index=entry.place.log_index + after,
        )  # fmt: skip


def _word(value: Scalar) -> bytes:
    return value if isinstance(value, bytes) else value.to_bytes(32, "big", signed=value < 0)


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
                    "result": _result(chain, c),
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
    if method == "eth_getTransactionReceipt":
        receipt = chain.receipt(bytes.fromhex(params[0][2:]))
        return None if receipt is None else {
            "transactionHash": params[0], "transactionIndex": "0x0", "status": "0x1",
            "blockNumber": hex(receipt.block_number), "blockHash": to_hex(receipt.block_hash),
            "gasUsed": "0x1", "contractAddress": None, "logs": [_plain(x) for x in receipt.logs],
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
