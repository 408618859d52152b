"""What units report of packages while they work: lists of scans in bulk, boxes hand by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ledger.domain.acts.scan_report import MOST_LINES
from ledger.domain.custody.lines import Deed
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import founded_group
from scripts.benchmarks.packages_group import CENTRE, Handling
from scripts.benchmarks.turns import seconds
from scripts.postgres import create_database, running_postgres

_MEMBER = 2
#: what is reported of each package, one list after the other; a gate is asked before the last
_DEEDS = (Deed.WASHED, Deed.ASSEMBLED, Deed.STORED, Deed.ISSUED)
_LISTS = 4
_BOXES = 40


def measure_handling(size: Size) -> Figures:
    """Lines of scans accepted a second, and hand-overs accepted one by one, each committed.

    Packages are washed, assembled, stored and issued in lists of 240, so that a line has up to
    three before it, and the gate is asked of a quarter of them; what it has against them, which
    were in no load, is kept with a reason.  Then boxes of twenty go from the centre to a member
    and on, each step a transaction of its own.
    """
    figures: dict[str, Figure] = {}
    with running_postgres() as server, tempfile.TemporaryDirectory(prefix="sl-bench-") as folder:
        places = {
            "sqlite": f"sqlite:///{folder}/handling.db",
            "postgresql": create_database(server, "handling"),
        }
        for name, address in places.items():
            with founded_group(Path(folder) / name, database_url=address) as group:
                handling = Handling.begin(group, members=(_MEMBER,), load=20, box=20)
                scans = [_scanned(handling, turn, size) for turn in range(size.repeats + 1)][1:]
                moved = [_moved(handling, turn, size) for turn in range(size.repeats + 1)][1:]
            figures[f"handling/{name}_scans"] = Figure.median(scans)
            figures[f"handling/{name}_hand_overs"] = Figure.median(moved)
    return figures


def _scanned(handling: Handling, turn: int, size: Size) -> float:
    """Lines a second."""
    lists = size.of(_LISTS, least=1)
    names = [
        [f"{CENTRE}/T{turn}.{at}.{place:03d}" for place in range(size.of(MOST_LINES, least=4))]
        for at in range(lists)
    ]

    def report() -> None:
        for did in _DEEDS:
            for each in names:
                with handling.group.instance.database.transaction() as tx:
                    handling.scan(tx, CENTRE, did, each, reason="as agreed")

    return sum(map(len, names)) * len(_DEEDS) / seconds(report)


def _moved(handling: Handling, turn: int, size: Size) -> float:
    """Hand-overs a second; to send the boxes before is not counted."""
    boxes = size.of(_BOXES, least=2)
    with handling.group.instance.database.transaction() as tx:
        sent = [
            handling.send(tx, CENTRE, _MEMBER, _box(turn, at), taker=_MEMBER) for at in range(boxes)
        ]
        for each in sent:
            handling.carry(tx, each, _MEMBER)

    def hand_over() -> None:
        for each in sent:
            with handling.group.instance.database.transaction() as tx:
                handling.hand_over(tx, _MEMBER, each, CENTRE)

    return boxes / seconds(hand_over)


def _box(turn: int, at: int) -> Sequence[str]:
    return [f"{CENTRE}/B{turn}.{at}.{place:02d}" for place in range(20)]
