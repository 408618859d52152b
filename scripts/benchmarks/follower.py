"""The chain's events into an index, against web3.py decoding the same logs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from web3 import Web3
from web3.contract import Contract
from web3.types import LogReceipt

from ledger.chain.artifacts import load_artifact
from ledger.domain.chain.deployment import Deployment, Role
from ledger.steps.following.follow import index_next
from ledger.steps.starting.link import EmbeddedLink
from ledger.storage.engine.database import open_database
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.eas import web3_at
from scripts.benchmarks.group import Group, founded_group
from scripts.benchmarks.turns import ratios, seconds
from scripts.postgres import create_database, running_postgres

_CYCLES = 500
_MACHINES = 10
_RECORDING = (Role.UNIT_REGISTRY, Role.CYCLE_LEDGER)


def measure_follower(size: Size) -> Figures:
    """The whole chain into a new, empty index, in turns with decoding alone.

    Ours asks the node for blocks, logs and transactions, checks hashes, heads, digests and
    signatures' places, and stores events, operations, signatures and rows durably.  web3.py gets
    the logs ready made and only decodes each by its event of the contract's ABI.
    """
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        founded_group(Path(folder) / "home", machines=_MACHINES) as group,
        running_postgres() as server,
    ):
        group.record_cycles(size.of(_CYCLES, least=10))
        group.send()
        rates: dict[str, list[float]] = {"sqlite": [], "postgresql": [], "web3": [], "fetching": []}
        for turn in range(size.repeats + 1):
            places = {
                "sqlite": f"sqlite:///{folder}/index-{turn}.db",
                "postgresql": create_database(server, f"index_{turn}"),
            }
            events, decoding, fetching = _decode(group)
            rates["web3"].append(events / decoding)
            rates["fetching"].append(events / fetching)
            for name, address in places.items():
                rates[name].append(events / _index(group, address))
    kept = {name: values[1:] for name, values in rates.items()}
    return {
        **{
            f"follower/{name}": Figure.median(ratios(kept[name], kept["web3"]))
            for name in ("sqlite", "postgresql")
        },
        **{
            f"follower/{name}_of_fetching_too": Figure.median(ratios(kept[name], kept["fetching"]))
            for name in ("sqlite", "postgresql")
        },
        **{
            f"follower/{name}_events_per_second": Figure.median(values)
            for name, values in kept.items()
        },
        "follower/events": Figure.once(events),
    }


def _index(group: Group, address: str) -> float:
    """Seconds for the whole chain."""
    deployment, node = group.instance.deployment(), group.link.node
    with closing(open_database(address)) as database:
        database.migrate()

        def follow() -> None:
            while True:
                progress = index_next(database, node, deployment, finality="journal")
                if progress.height >= progress.final:
                    return

        return seconds(follow)


def _decode(group: Group) -> tuple[int, float, float]:
    """How many logs there are, and web3.py's seconds to decode them, and to fetch them too."""
    if not isinstance(group.link, EmbeddedLink):
        raise TypeError("the benchmarks run on the embedded chain")
    w3 = web3_at(group.link.chain.url)
    deployment = group.instance.deployment()
    contracts = {role: _contract(w3, deployment, role) for role in _RECORDING}
    logs = w3.eth.get_logs(
        {
            "address": [contract.address for contract in contracts.values()],
            "fromBlock": 0,
            "toBlock": "latest",
        }
    )
    both = list(contracts.values())
    return (
        len(logs),
        seconds(lambda: _decode_all(both, logs)),
        seconds(lambda: _fetch_all(both)),
    )


def _fetch_all(contracts: Sequence[Contract]) -> None:
    """As web3.py's documentation gets events: one question for each kind of them."""
    for contract in contracts:
        for event in contract.events:  # type: ignore[attr-defined]
            event().get_logs(from_block=0)


def _contract(w3: Web3, deployment: Deployment, role: Role) -> Contract:
    address = w3.to_checksum_address(deployment.contracts[role].address)
    factory = w3.eth.contract(abi=load_artifact(role).abi)
    return factory(address)


def _decode_all(contracts: Sequence[Contract], logs: Sequence[LogReceipt]) -> None:
    by_topic = {
        bytes(Web3.keccak(text=event.signature)): event
        for contract in contracts
        for event in contract.events  # type: ignore[attr-defined]  # iterable, not an iterator
    }
    for log in logs:
        by_topic[bytes(log["topics"][0])]().process_log(log)
