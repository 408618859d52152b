"""Stretches of time → the key under which each is kept, so that those around a moment are few.

Every stretch is kept at one node of a fixed binary tree over all seconds: the highest one that lies
in it.  Those that hold a moment are kept at nodes on the way from the root to that moment, and at
each of these lie only stretches that hold one certain second.  Source: the relational interval
tree, H.-P. Kriegel, M. Pötke, T. Seidl, VLDB 2000.
"""

from __future__ import annotations

from functools import lru_cache

#: from year 1 to year 9999 all seconds are positive, and below 2 to the power of this
_LEVELS = 39
_SHIFT = 1 << 37


def node_of(since: int, until: int) -> int:
    """The node of a stretch (Unix seconds) that begins with `since` and is over by `until`."""
    first, last = since + _SHIFT, until + _SHIFT - 1
    if last <= first:
        return first
    level = ((first - 1) ^ last).bit_length() - 1
    return last >> level << level


@lru_cache(maxsize=64)
def nodes_around(moment: int) -> tuple[int, ...]:
    """The nodes at which a stretch may lie that holds a moment (Unix seconds)."""
    at = moment + _SHIFT
    above = ((at >> level + 1 << level + 1) + (1 << level) for level in range(_LEVELS))
    return (at, *above)
