"""A chain of others behind one node: what is signed is handed over, and others make its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.chain.node import Node, SendAnswer, SendOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLink:
    """A chain of others, by one of its nodes."""

    node: Node

    @property
    def seals_at_once(self) -> bool:
        """Never."""
        return False

    def deliver(self, raw_transactions: Sequence[bytes], now: int) -> list[SendAnswer]:  # noqa: ARG002
        """Each is sent; the first that is not taken ends it."""
        answers: list[SendAnswer] = []
        for raw in raw_transactions:
            answers.append(self.node.send_raw(raw))
            if not is_taken(answers[-1]):
                break
        return answers

    def stop(self) -> None:
        """Closes the connections."""
        self.node.close()


def is_taken(answer: SendAnswer) -> bool:
    """Whether the node has the transaction now."""
    return answer.outcome in {SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN}
