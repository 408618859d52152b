"""The node's program → homes of validators that agree on one genesis.

What a group does once, with each unit at its own machine: everybody makes keys and signs a
statement of being a validator; one gathers the statements into the genesis; everybody takes it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHAIN = "steriledger-test-1"
#: compiled into the node: EIP-155's number
CHAIN_ID = 262_144
COIN = "atest"
#: gas of one block
MAX_GAS = 60_000_000
_KEY = "validator"
#: what makes a validator as heavy as each other one
STAKE = f"{10**21}{COIN}"
_OWNED = f"{3 * 10**21}{COIN}"
_P256 = "0x0000000000000000000000000000000000000100"
_NOTHING = "0.000000000000000000"
_KEYRING = ("--keyring-backend", "test")


def found(program: Path, homes: Sequence[Path]) -> None:
    """Make these homes, the validators of one chain; whole or not at all."""
    drafts = [home.with_name(f".{home.name}.draft") for home in homes]
    for draft in drafts:
        shutil.rmtree(draft, ignore_errors=True)
    _found([Home(program, draft) for draft in drafts])
    for draft, home in zip(drafts, homes, strict=True):
        draft.replace(home)


class Home:
    """A validator's folder, and the node's own commands on it."""

    keyring = _KEYRING

    def __init__(self, program: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.genesis = folder / "config" / "genesis.json"

    def run(self, *arguments: str | Path) -> str:
        """What the command says; raises RuntimeError with its words."""
        done = subprocess.run(
            [self.program, *arguments, "--home", self.folder],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"evmd {' '.join(map(str, arguments))}:\n{done.stderr[-2000:]}")
        return done.stdout.strip()


def _found(homes: Sequence[Home]) -> None:
    first = homes[0]
    for number, home in enumerate(homes, start=1):
        _make_keys(home, f"unit-{number}")
    first.genesis.write_text(json.dumps(_agreed(json.loads(first.genesis.read_text()))))
    for home in homes:
        account = home.run("keys", "show", _KEY, "-a", *_KEYRING)
        first.run("genesis", "add-genesis-account", account, _OWNED, *_KEYRING)
    statements = first.folder / "config" / "gentx"
    statements.mkdir()
    for number, home in enumerate(homes):
        _copy(first, home)
        home.run(
            "genesis", "gentx", _KEY, STAKE, *_KEYRING, "--chain-id", CHAIN,
            "--gas-prices", f"0{COIN}", "--ip", "127.0.0.1",
            "--output-document", statements / f"{number}.json",
        )  # fmt: skip
    first.run("genesis", "collect-gentxs")
    first.run("genesis", "validate-genesis")
    for home in homes:
        _copy(first, home)


def prepare_joining(member: Home, folder: Path) -> tuple[Home, str]:
    """The home of one more unit with the genesis of a member's, and its account."""
    home = Home(member.program, folder)
    _make_keys(home, folder.name)
    _copy(member, home)
    return home, home.run("keys", "show", _KEY, "-a", *_KEYRING)


def _make_keys(home: Home, name: str) -> None:
    home.run("init", name, "--chain-id", CHAIN)
    home.run("config", "set", "client", "chain-id", CHAIN)  # else other commands panic
    home.run("keys", "add", _KEY, *_KEYRING, "--algo", "eth_secp256k1")


def _copy(source: Home, home: Home) -> None:
    if home is not source:
        shutil.copyfile(source.genesis, home.genesis)


def _agreed(genesis: dict[str, Any]) -> dict[str, Any]:
    """The rules of the chain: transactions are free, and no validator is ever punished.

    A validator that a test stops would otherwise be jailed, and the others would be fewer.
    """
    state = genesis["app_state"]
    state["staking"]["params"]["bond_denom"] = COIN
    state["mint"]["params"] |= {
        "mint_denom": COIN, "inflation_max": _NOTHING, "inflation_min": _NOTHING,
        "inflation_rate_change": _NOTHING,
    }  # fmt: skip
    state["mint"]["minter"]["inflation"] = _NOTHING
    for name in ("min_deposit", "expedited_min_deposit"):
        state["gov"]["params"][name][0]["denom"] = COIN
    state["bank"]["denom_metadata"] = [_COIN_METADATA]
    state["evm"]["params"] |= {"evm_denom": COIN, "active_static_precompiles": [_P256]}
    state["erc20"] |= {"token_pairs": [], "native_precompiles": []}
    state["feemarket"]["params"] |= {
        "no_base_fee": True, "base_fee": _NOTHING, "min_gas_price": _NOTHING,
        "min_gas_multiplier": _NOTHING,  # else half of a gas limit counts as used
    }  # fmt: skip
    state["slashing"]["params"] |= {
        "signed_blocks_window": "1000000", "min_signed_per_window": "0.000001000000000000",
        "slash_fraction_double_sign": _NOTHING, "slash_fraction_downtime": _NOTHING,
    }  # fmt: skip
    genesis["consensus"]["params"]["block"]["max_gas"] = str(MAX_GAS)
    return genesis


_COIN_METADATA = {
    "description": "worth nothing", "base": COIN, "display": "test", "name": "Test",
    "symbol": "TEST", "uri": "", "uri_hash": "",
    "denom_units": [
        {"denom": COIN, "exponent": 0, "aliases": []},
        {"denom": "test", "exponent": 18, "aliases": []},
    ],
}  # fmt: skip
