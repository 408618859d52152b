"""Records through the outbox, against a bare script and against EAS, in turns on one node."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from web3.types import RPCEndpoint

from ledger.chain.embedded import BLOCK_GAS_LIMIT
from ledger.domain.acts.catalogue import ACTS, find_act
from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import message_from_json
from ledger.steps.starting.deploy import open_relayer
from ledger.steps.starting.link import EmbeddedLink, unpack_transactions
from ledger.storage.journal import list_blocks
from ledger.storage.operations import list_by_digests
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.eas import Eas, web3_at
from scripts.benchmarks.group import RECORDS_PER_CYCLE, Group, founded_group
from scripts.benchmarks.turns import ratios, seconds

_CYCLES = 200
_MACHINES = 10
_BATCH = 50
_ROOMY_GAS = 100_000_000
#: attestations one by one, and batches of fifty, in each turn
_SINGLES, _BATCHES = 40, 8
CYCLE_KINDS: tuple[Act, ...] = tuple(
    ACTS[name] for name in ("CycleOpening", "LoadDeclaration", "CycleEnding", "CycleDecision")
)


def measure_outbox(size: Size) -> Figures:
    """Owed records until the writer has seen them mined, against three others in turns.

    The bare script signs, sends, mines and asks for receipts, and nothing else: the very
    transactions of our turn, after the node went back to the state before it, so that it must reach
    the same block hashes.  EAS attests the fields of the same records through web3.py on the same
    node, which mines at once for it and is asked for each receipt without web3.py's pause.
    """
    cycles = size.of(_CYCLES, least=_BATCH)
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        founded_group(Path(folder), machines=_MACHINES) as group,
    ):
        turns = [_turn(group, cycles, size) for _ in range(size.repeats + 1)][1:]
    rates = {
        "mined": [turn.ours for turn in turns],
        "bare": [turn.bare for turn in turns],
        "attest": [turn.attest for turn in turns],
        "multi_attest": [turn.multi_attest for turn in turns],
    }
    others = [name for name in rates if name != "mined"]
    return {
        **{
            f"outbox/of_{name}": Figure.median(ratios(rates["mined"], rates[name]))
            for name in others
        },
        **{f"outbox/{name}_per_second": Figure.median(rate) for name, rate in rates.items()},
        "outbox/accepted_per_second": Figure.median([turn.accepted for turn in turns]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """Records per second of each side."""

    accepted: float
    ours: float
    bare: float
    attest: float
    multi_attest: float


def _turn(group: Group, cycles: int, size: Size) -> _Turn:
    records = cycles * RECORDS_PER_CYCLE
    digests: list[Digest] = []
    accepting = seconds(lambda: digests.extend(group.record_cycles(cycles)))
    script = BareScript(group)
    before = script.remember()
    ours = seconds(group.send)
    blocks = script.blocks_since(before)
    script.go_back(before)
    bare = seconds(lambda: script.repeat(blocks))
    script.require_same_chain(before)
    messages = messages_of(group, digests)
    attest, multi_attest = _attest(script, messages, size)
    return _Turn(
        accepted=records / accepting,
        ours=records / ours,
        bare=records / bare,
        attest=attest,
        multi_attest=multi_attest,
    )


def messages_of(group: Group, digests: Sequence[Digest]) -> dict[str, list[Mapping[str, Value]]]:
    """The messages of those operations by kind."""
    with group.instance.database.reading() as tx:
        rows = list_by_digests(tx, digests)
    found: dict[str, list[Mapping[str, Value]]] = {kind.name: [] for kind in CYCLE_KINDS}
    for row in rows:
        found[row.kind].append(message_from_json(find_act(row.kind), row.message))
    return found


def _attest(
    script: BareScript, messages: Mapping[str, Sequence[Mapping[str, Value]]], size: Size
) -> tuple[float, float]:
    singles, batches = size.of(_SINGLES, least=4), size.of(_BATCHES, least=4)
    with script.mining_at_once():
        eas = Eas.deploy(script.url, script.private_key, CYCLE_KINDS)

        def one_by_one() -> None:
            for place in range(singles):
                kind = CYCLE_KINDS[place % len(CYCLE_KINDS)]
                eas.attest(kind, messages[kind.name][place])

        def in_batches() -> None:
            for place in range(batches):
                kind = CYCLE_KINDS[place % len(CYCLE_KINDS)]
                eas.multi_attest(kind, messages[kind.name][:_BATCH])

        one_by_one_seconds = seconds(one_by_one)
        in_batches_seconds = seconds(in_batches)
    return singles / one_by_one_seconds, batches * _BATCH / in_batches_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A state of the node."""

    snapshot: str
    height: int
    #: of the block after it; wei per gas
    base_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    timestamp: int
    #: unsigned, as eth_account signs them
    transactions: tuple[dict[str, Any], ...]


class BareScript:
    """web3.py and a key, on the group's own node."""

    def __init__(self, group: Group) -> None:
        link = group.link
        if not isinstance(link, EmbeddedLink):
            raise TypeError("the benchmarks run on the embedded chain")
        self._group = group
        self.url = link.chain.url
        self.private_key = open_relayer(group.instance).private_key
        self.w3 = web3_at(self.url)
        self._hashes: list[bytes] = []

    def remember(self) -> _Remembered:
        """The node's state now."""
        return _Remembered(
            base_fee=self.w3.eth.get_block("pending")["baseFeePerGas"],
            height=self.w3.eth.block_number,
            snapshot=self._ask("evm_snapshot"),
        )

    def go_back(self, to: _Remembered) -> None:
        """To that state; the hashes of what came after are kept for the comparison."""
        heights = range(to.height + 1, self.w3.eth.block_number + 1)
        self._hashes = [bytes(self.w3.eth.get_block(height)["hash"]) for height in heights]
        if self._ask("evm_revert", to.snapshot) is not True:
            raise RuntimeError("the node does not go back")
        # anvil goes on from the fee that it had come to
        self._ask("anvil_setNextBlockBaseFeePerGas", hex(to.base_fee))

    def require_same_chain(self, since: _Remembered) -> None:
        """Raise unless the node has come to the same blocks again."""
        heights = range(since.height + 1, self.w3.eth.block_number + 1)
        again = [bytes(self.w3.eth.get_block(height)["hash"]) for height in heights]
        if again != self._hashes:
            raise RuntimeError("the bare script made other blocks than the writer")

    def blocks_since(self, start: _Remembered) -> list[_Block]:
        """What the writer mined since, as unsigned transactions."""
        with self._group.instance.database.reading() as tx:
            rows = list_blocks(tx, after=start.height, limit=10_000)
        return [
            _Block(
                timestamp=row.timestamp,
                transactions=tuple(map(_unsigned, unpack_transactions(row.transactions))),
            )
            for row in rows
        ]

    def repeat(self, blocks: Sequence[_Block]) -> None:
        """Sign, send, mine, and see every receipt."""
        for block in blocks:
            sent = []
            for transaction in block.transactions:
                signed = Account.sign_transaction(transaction, self.private_key)
                sent.append(self.w3.eth.send_raw_transaction(signed.raw_transaction))
            self._ask("evm_setNextBlockTimestamp", block.timestamp)
            self._ask("evm_mine")
            for each in sent:
                if self.w3.eth.get_transaction_receipt(each)["status"] != 1:
                    raise RuntimeError("a transaction of the bare script failed")

    @contextmanager
    def mining_at_once(self) -> Iterator[None]:
        """The node mines each transaction when it comes; afterwards nothing of it is left.

        Its blocks are large enough for fifty attestations of a release, which need more than 30M.
        """
        before = self.remember()
        self._ask("evm_setAutomine", True)
        self._ask("evm_setBlockGasLimit", hex(_ROOMY_GAS))
        try:
            yield
        finally:
            self._ask("evm_setBlockGasLimit", hex(BLOCK_GAS_LIMIT))
            self._ask("evm_setAutomine", False)
            self.go_back(before)

    def mine(self, to: bytes, data: bytes, *, gas: int) -> int:
        """One transaction on a node that mines at once; the gas it used."""
        account = Account.from_key(self.private_key)
        signed = account.sign_transaction(
            {
                "type": 2,
                "chainId": self.w3.eth.chain_id,
                "nonce": self.w3.eth.get_transaction_count(account.address),
                "maxPriorityFeePerGas": 0,
                "maxFeePerGas": 2 * 10**9,
                "gas": gas,
                "to": to,
                "value": 0,
                "data": data,
            }
        )
        sent = self.w3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.w3.eth.wait_for_transaction_receipt(sent)
        if receipt["status"] != 1:
            raise RuntimeError("a transaction failed")
        return int(receipt["gasUsed"])

    def _ask(self, method: str, *parameters: object) -> Any:  # noqa: ANN401 - the node's answer
        answer = self.w3.provider.make_request(RPCEndpoint(method), list(parameters))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]


def _unsigned(raw: bytes) -> dict[str, Any]:
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return {name: value for name, value in fields.items() if name not in {"v", "r", "s"}}
