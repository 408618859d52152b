"""Home → a chain to read: the running one, the group's, or the journal's played again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.chain.node import Node
from ledger.steps.instance import Instance
from ledger.steps.starting.link import CHAIN_FILE, open_link


@contextmanager
def reading_chain(instance: Instance, *, whole_journal: bool = False) -> Iterator[Node]:
    """A node that answers for this home's chain; a child started for it ends afterwards.

    With `whole_journal`, such a child starts from the genesis whatever snapshots there are.
    """
    settings = instance.settings
    address = running_address(settings.run_folder) if settings.is_embedded else None
    if address:
        with Node(address) as node:
            yield node
        return
    link = open_link(instance, whole_journal=whole_journal)
    try:
        yield link.node
    finally:
        link.stop()


def running_address(run_folder: Path) -> str | None:
    """Where a running worker's read-only endpoint answers; None when none runs."""
    try:
        plain = json.loads((run_folder / CHAIN_FILE).read_text("utf-8"))
        os.kill(int(plain["pid"]), 0)
        return str(plain["rpc"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
