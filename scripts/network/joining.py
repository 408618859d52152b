"""A running network and one unit more → its validator beside the others; and one that leaves.

What the group decides is who gets coins to stake: whoever stakes as much as the others is a
validator like them, and whoever takes the stake back is none any more.
"""

from __future__ import annotations

import json
from pathlib import Path

import urllib3

from scripts.network.founding import COIN, STAKE, Home, prepare_joining
from scripts.network.validators import Network, Validator, free_ports

_GAS = "500000"


def join(network: Network, folder: Path) -> Validator:
    """A new unit's validator, caught up and voting; the first unit gives it what it stakes."""
    first = network.validators[0]
    home, account = prepare_joining(Home(first.program, first.home), folder)
    peers, commands, questions = free_ports(3)
    new = Validator(
        program=first.program,
        home=folder,
        ports=(peers, commands, questions),
        peers=",".join(each.address() for each in network.validators),
    )
    _send(first, "bank", "send", _account(first), account, STAKE)
    new.start()
    network.validators = [*network.validators, new]
    network.wait_for_blocks()
    statement = folder / "config" / "statement.json"
    statement.write_text(
        json.dumps(
            {
                "pubkey": json.loads(home.run("comet", "show-validator")),
                "amount": STAKE,
                "moniker": folder.name,
                "commission-rate": "0",
                "commission-max-rate": "0",
                "commission-max-change-rate": "0",
                "min-self-delegation": "1",
            }
        )
    )
    _send(new, "staking", "create-validator", statement)
    return new


def leave(validator: Validator) -> None:
    """It takes its whole stake back, and votes no more from some block on."""
    home = Home(validator.program, validator.home)
    operator = home.run("keys", "show", "validator", "-a", "--bech", "val", *home.keyring)
    _send(validator, "staking", "unbond", operator, STAKE)


def voting(validator: Validator) -> int:
    """How many validators make the blocks, as this one's node says."""
    told = urllib3.request("GET", f"http://127.0.0.1:{validator.ports[1]}/validators")
    return int(told.json()["result"]["total"])


def _account(validator: Validator) -> str:
    home = Home(validator.program, validator.home)
    return home.run("keys", "show", "validator", "-a", *home.keyring)


def _send(validator: Validator, *words: str | Path) -> None:
    """A transaction of its own, in a block; raises RuntimeError when it is refused."""
    home = Home(validator.program, validator.home)
    told = json.loads(
        home.run(
            "tx", *words, "--from", "validator", *home.keyring, "--gas", _GAS,
            "--gas-prices", f"0{COIN}", "--node", f"tcp://127.0.0.1:{validator.ports[1]}",
            "--output", "json", "--yes",
        )
    )  # fmt: skip
    if told["code"]:
        raise RuntimeError(f"evmd tx {words[0]} {words[1]}: {told['raw_log']}")
