"""One evidence file: how long it is, and how long it takes to verify."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from ledger.chain.node import Node
from ledger.domain.chain.chain_reader import Block, BlockTag, Receipt, Transaction
from ledger.domain.encoding.events import Log
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from ledger.steps.answering.exporting import export_evidence, resolve_subject
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import founded_group
from scripts.benchmarks.turns import seconds

_CYCLES = 20
_TIMES = 50
_KIB = 1024

Answer = TypeVar("Answer")


def measure_evidence(size: Size) -> Figures:
    """A whole cycle's file with everything shown, verified with the chain's answers at hand."""
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        founded_group(Path(folder)) as group,
    ):
        group.record_cycles(_CYCLES)
        group.send()
        group.follow()
        serial = group.machines[0].serial
        with group.instance.database.reading() as tx:
            cycle = resolve_subject(tx, group.caller, "cycle", f"{serial}/{_CYCLES // 2}")
            data = export_evidence(
                group.instance,
                tx,
                group.caller,
                cycle,
                disclose=["*", "personal:*"],
            )
        deployment, chain = group.instance.deployment(), Remembered(node=group.link.node)

        def verify() -> None:
            report = verify_evidence(
                data, chain, deployment, verify_signature=verify_signature, now=datetime.now(UTC)
            )
            if not report.verified:
                raise RuntimeError("the evidence is not verified")

        verify()
        times = [1000 * seconds(verify) for _ in range(size.of(_TIMES, least=5))]
    return {
        "evidence/verify": Figure.median(times),
        "evidence/size": Figure.once(len(data) / _KIB),
    }


@dataclass(slots=True, kw_only=True)
class Remembered:
    """A node that is asked each question once."""

    node: Node
    _answers: dict[tuple[object, ...], object] = field(default_factory=dict)

    def chain_id(self) -> int:
        """The chain's number."""
        return self._once(("chain_id",), self.node.chain_id)

    def genesis_hash(self) -> bytes:
        """The hash of block 0."""
        return self._once(("genesis_hash",), self.node.genesis_hash)

    def block(self, tag: BlockTag) -> Block | None:
        """A block."""
        return self._once(("block", tag), lambda: self.node.block(tag))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """A receipt."""
        return self._once(
            ("receipt", transaction_hash), lambda: self.node.receipt(transaction_hash)
        )

    def transaction(self, transaction_hash: bytes) -> Transaction | None:
        """A transaction."""
        return self._once(
            ("transaction", transaction_hash), lambda: self.node.transaction(transaction_hash)
        )

    def code(self, address: bytes, tag: BlockTag = "latest") -> bytes:
        """A contract's code."""
        return self._once(("code", address, tag), lambda: self.node.code(address, tag))

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        """A view's answer."""
        return self._once(("call", to, data, tag), lambda: self.node.call(to, data, tag))

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        """Logs."""
        key = ("logs", tuple(addresses), first, last, repr(topics))
        return self._once(key, lambda: self.node.logs(addresses, first, last, topics=topics))

    def _once(self, key: tuple[object, ...], ask: Callable[[], Answer]) -> Answer:
        if key not in self._answers:
            self._answers[key] = ask()
        return cast("Answer", self._answers[key])
