"""Journal → the blocks of the embedded chain that may be followed: none but its own.

The child is a function of the journal.  A block that the journal does not hold with that hash was
made by somebody else who reached the child: it is named, never indexed, and goes with the child.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable
from ledger.steps.instance import Instance
from ledger.storage.journal import list_hashes

#: first and last height → the hashes that the journal holds, by height
Journalled: TypeAlias = Callable[[int, int], Mapping[int, bytes]]


class ForeignBlock(ChainUnavailable):
    """The embedded chain has a block of somebody else's, or lacks one of ours."""


def journalled(instance: Instance) -> Journalled | None:
    """What the home's journal holds; None where others make the blocks."""
    if not instance.settings.is_embedded:
        return None

    def hashes(first: int, last: int) -> Mapping[int, bytes]:
        with instance.database.reading() as tx:
            return list_hashes(tx, first=first, last=last)

    return hashes


def foreign_block(height: int, found: bytes | None, held: bytes | None) -> ForeignBlock:
    """The error for a block that is not the journal's; `found` is None where the chain has none."""
    has = "no block" if found is None else f"the block {to_hex(found)}"
    holds = "none" if held is None else to_hex(held)
    return ForeignBlock(
        f"the embedded chain has {has} at height {height}, and the journal holds {holds}",
        field="chain",
        rule="a block of the embedded chain is in its journal with the same hash",
        remedy="nothing: the worker throws the chain away and plays the journal again; steriledger "
        "status says whether others on this machine can reach the chain",
    )
