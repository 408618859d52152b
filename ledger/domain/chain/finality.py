"""When a block counts as final: a named policy, applied to heights."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.domain.errors import InvalidInput

#: the height below block 0: nothing is final yet
NOTHING = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finality:
    """How deep a block must lie before nobody expects it to be replaced."""

    #: whether the node is asked for its own finalized block
    asks_node: bool
    #: how many blocks must follow
    depth: int

    def height(self, *, latest: int, finalized: int | None) -> int:
        """The highest final block; NOTHING while there is none.

        `finalized` is the height that the node calls finalized, None when it names none.
        """
        if self.asks_node:
            return NOTHING if finalized is None else min(finalized, latest)
        return max(latest - self.depth, NOTHING)


def parse_finality(policy: str) -> Finality:
    """The rule of a policy: `journal` and `instant` (at once), `finalized`, or `depth:N`."""
    if policy in {"journal", "instant"}:
        return Finality(asks_node=False, depth=0)
    if policy == "finalized":
        return Finality(asks_node=True, depth=0)
    depth = policy.removeprefix("depth:")
    if depth != policy and depth.isascii() and depth.isdigit():
        return Finality(asks_node=False, depth=int(depth))
    raise InvalidInput(
        f"{policy!r} is unknown", field="finality", rule="journal, instant, finalized or depth:N"
    )
