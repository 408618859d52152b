"""Gas of what happens to packages: a consignment, a list of scans, a whole life."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.scan_report import MOST_LINES
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.identifiers import Digest
from ledger.storage.operations import list_by_digests
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.gas import calldata_of
from scripts.benchmarks.group import Group, founded_group
from scripts.benchmarks.outbox import BareScript
from scripts.benchmarks.packages_group import CENTRE, Handling, consignment_of
from scripts.benchmarks.title_escrow import title_escrow_gas

_MEMBER = 2
_FIVE = 5
_PACKAGES = 20
_LOAD = 60
_SCANS = 10
_TWENTY = 20
_FIFTY = 50
_GAS = 25_000_000


def measure_carrying(size: Size) -> Figures:  # noqa: ARG001 - gas is the same at every size and time
    """Gas of whole transactions on the embedded chain (cancun), every signature checked.

    A consignment of twenty packages is dispatched, taken along and received: by itself, and five
    consignments with one transaction for each step; the second ones of these units, with account
    keys and, beside that, with P-256 keys, which this hard fork checks without a precompile.  The
    longest list of scans, alone, five and twenty lists in one transaction, as the worker gathers
    them; each writes one new word, as every later one of a chain does.  A whole life is a sixtieth
    of a cycle, fifty in each transaction, a twentieth of a consignment, of five, and ten lines of
    twenty lists.  TradeTrust's document beside it names its holder, and nothing of what is handed
    over; its holder sends the transaction, so that no other signature is checked.
    """
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        founded_group(Path(folder)) as group,
    ):
        handling = Handling.begin(group, members=(_MEMBER,), load=_LOAD, box=_PACKAGES)
        with group.instance.database.transaction() as tx:
            handling.station(tx, CENTRE)
            handling.station(tx, _MEMBER)
        by_station, handling.stations = handling.stations, {}
        group.record_cycles(1)
        _carried(handling, 1)
        _listed(handling, 1)
        handling.settle()
        script = BareScript(group)
        found = {
            "alone": _consigned(handling, script, 1),
            "five": _consigned(handling, script, _FIVE),
            "scans_alone": _scanned(handling, script, 1),
            "scans_five": _scanned(handling, script, _FIVE),
            "scans": _scanned(handling, script, _TWENTY),
            "cycle": _cycles(group, script),
        }
        handling.stations = by_station
        found["alone_p256"] = _consigned(handling, script, 1)
        found["five_p256"] = _consigned(handling, script, _FIVE)
        with script.mining_at_once():
            beside = title_escrow_gas(script.url, script.private_key)
        found |= {f"title_escrow_{name}": gas for name, gas in beside.items()}
    life = found["cycle"] / _LOAD + found["five"] / _PACKAGES + _SCANS * found["scans"]
    figures = {f"carrying/{name}": Figure.once(value) for name, value in found.items()}
    return {**figures, "carrying/life": Figure.once(life)}


def _consigned(handling: Handling, script: BareScript, boxes: int) -> float:
    """Gas of one consignment, dispatched, taken along and received together with some others."""
    return _mined(handling.group, script, _carried(handling, boxes)) / boxes


def _carried(handling: Handling, boxes: int) -> list[list[Digest]]:
    """The steps of some consignments, each step's operations together."""
    with handling.group.instance.database.transaction() as tx:
        names = [f"{CENTRE}/C.{place:02d}" for place in range(_PACKAGES)]
        sent = [handling.dispatch(tx, CENTRE, _MEMBER, names) for _ in range(boxes)]
        ids = [consignment_of(tx, each) for each in sent]
        carried = [handling.carry(tx, each) for each in ids]
        return [sent, carried, [handling.keep(tx, _MEMBER, each) for each in ids]]


def _scanned(handling: Handling, script: BareScript, lists: int) -> float:
    """Gas of one line of some lists that are anchored in one transaction."""
    told = _listed(handling, lists)
    return _mined(handling.group, script, [told]) / (lists * MOST_LINES)


def _listed(handling: Handling, lists: int) -> list[Digest]:
    names = [f"{CENTRE}/S.{place:03d}" for place in range(MOST_LINES)]
    with handling.group.instance.database.transaction() as tx:
        return [
            each for _ in range(lists) for each in handling.scan(tx, CENTRE, Deed.WASHED, names)
        ]


def _cycles(group: Group, script: BareScript) -> float:
    """Gas of one cycle of fifty that are recorded with one transaction for each act."""
    digests = group.record_cycles(_FIFTY)
    acts = len(digests) // _FIFTY
    return _mined(group, script, [digests[place::acts] for place in range(acts)]) / _FIFTY


def _mined(group: Group, script: BareScript, batches: Sequence[Sequence[Digest]]) -> float:
    """Gas of one transaction for each batch, which holds operations of one kind."""
    deployment, gas = group.instance.deployment(), 0
    with script.mining_at_once():
        for digests in batches:
            with group.instance.database.reading() as tx:
                rows = list_by_digests(tx, digests)
            act = ACTS[rows[0].kind]
            data = calldata_of(group, act, rows)
            gas += script.mine(deployment.address_of(act.contract), data, gas=_GAS)
    return gas
