"""A machine's cycles ordered back: what that takes, and who has which of their packages."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ledger.domain.custody.lines import Deed
from ledger.evidence.answers import verify_answer_file
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.recalling import Recalled, RecallRequest, order_recall
from ledger.steps.answering.duties import find_duties
from ledger.steps.answering.recalls import RecallView, show_recall
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.group import founded_group
from scripts.benchmarks.packages_group import CENTRE, DOOR, Handling
from scripts.benchmarks.turns import seconds
from scripts.postgres import create_database, running_postgres

_MEMBERS = (2, 3, 4, 5)
_LOADS = 167
_LOAD, _BOX = 60, 20
_TIMES = 30


def measure_recall(size: Size) -> Figures:
    """Ten thousand packages of a machine called back on PostgreSQL, in one call and transaction.

    167 cycles of sixty packages each are released and sent to four members, who used those of every
    third.  One order, a decision for each cycle and notices to each holder are accepted and
    committed, and the list by holder is there; then that list is asked for again.  Beside it the
    file that reproduces the answer about one of these packages, verified with no chain.
    """
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        running_postgres() as server,
        founded_group(Path(folder), database_url=create_database(server, "recall")) as group,
    ):
        load = size.of(_LOAD, least=4)
        handling = Handling.begin(group, members=_MEMBERS, load=load, box=min(load, _BOX))
        loads = size.of(_LOADS, least=4)
        names = [_released(handling, place) for place in range(loads)]
        done: list[Recalled] = []

        def recall() -> None:
            wanted = RecallRequest(
                equipment=group.machines[0].serial, first=1, last=loads, cause="biological",
                reason="the indicator grew",
            )  # fmt: skip
            with group.instance.database.transaction() as tx:
                done.append(order_recall(group.instance, tx, group.caller, wanted, DOOR))

        ordering = seconds(recall)
        view = done[0].view
        if view.packages != loads * load or not view.by_holder:
            raise RuntimeError(f"{view.packages} packages were called back")
        order = str(view.order)

        def show() -> RecallView:
            with group.instance.database.reading() as tx:
                return show_recall(tx, group.caller, order)

        exposing = [seconds(show) for _ in range(size.repeats)]
        handling.settle()
        verifying, findings = _verified(handling, names[0], size)
    return {
        "recall/order": Figure.once(ordering),
        "recall/exposure": Figure.median(exposing),
        "recall/packages": Figure.once(view.packages),
        "recall/verify_answer": Figure.median(verifying),
        "recall/findings_in_answer": Figure.once(findings),
    }


def _released(handling: Handling, place: int) -> str:
    """One cycle's packages, at a member; the name of one of them."""
    receiver = _MEMBERS[place % len(_MEMBERS)]
    with handling.group.instance.database.transaction() as tx:
        life = handling.release(tx, f"R{place}", receiver=receiver)
        for part in handling.boxes(life.names):
            box = handling.send(tx, CENTRE, receiver, part)
            handling.carry(tx, box)
            handling.keep(tx, receiver, box)
        if place % 3 == 0:
            handling.scan(tx, receiver, Deed.USED, life.names)
    return life.names[0]


def _verified(handling: Handling, name: str, size: Size) -> tuple[list[float], int]:
    """Milliseconds in which the answer about a package is come to anew; how many findings."""
    instance, caller = handling.group.instance, handling.group.caller
    with instance.database.reading() as tx:
        found = find_duties(
            instance, tx, caller, "package", name, as_of=datetime.now(UTC), is_proven=True
        )
    deployment = instance.deployment()

    def verify() -> None:
        verify_answer_file(found.file, deployment, None, verify_signature=verify_signature)

    times = [1000 * seconds(verify) for _ in range(size.of(_TIMES, least=5))]
    return times, len(found.answer["findings"])
