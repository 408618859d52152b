"""The import arrows, read from the source: a module imports only what lies earlier in the flow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

INNER = frozenset({"domain", "evidence", "keys", "readings", "chain", "storage", "settings"})

#: What each layer may import of ours, besides itself.
ARROWS: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "evidence": frozenset({"domain"}),
    "keys": frozenset({"domain"}),
    "readings": frozenset({"domain"}),
    "forms": frozenset({"domain"}),
    # where tests let a process die
    "crashing": frozenset({"domain"}),
    # both doors, the chain's and the API's, end a connection that dawdles and count who asks
    "doors": frozenset({"domain"}),
    "chain": frozenset({"domain", "crashing", "doors"}),
    "storage": frozenset({"domain", "crashing"}),
    "settings": frozenset({"domain"}),
    "steps": INNER | {"crashing", "doors"},
    "running": INNER | {"steps"},
    # `steriledger serve` starts the API
    "cli": INNER | {"steps", "running", "api", "forms"},
    "api": INNER | {"steps", "running", "crashing", "doors", "forms"},
}

#: Modules that do I/O, read a clock, draw randomness or belong to an outer layer.
IMPURE = frozenset(
    {
        "aiohttp", "alembic", "asyncio", "fastapi", "httpx", "logging", "multiprocessing", "os",
        "pathlib", "psycopg", "pydantic", "pydantic_settings", "random", "requests", "rich",
        "secrets", "select", "shutil", "signal", "socket", "sqlalchemy", "sqlite3", "structlog",
        "subprocess", "tempfile", "threading", "time", "typer", "urllib", "uuid", "web3",
    }
)  # fmt: skip

#: Calls that read a clock, a file or the outside, whatever they were imported from.
IMPURE_CALLS = re.compile(
    r"(^|\.)(now|utcnow|today|urandom|uuid1|uuid4|token_bytes|token_hex|getrandbits)$"
    r"|^(open|print|input)$|^time\.|^random\.|^os\."
)

#: Libraries that import py_ecc.
RAISES_LIMIT = frozenset({"eth_account", "web3"})

VAGUE = frozenset({"utils", "util", "common", "helpers", "helper", "manager", "misc", "base"})


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, as an absolute dotted name."""
    yield from imports_of(tree(path), package=path.relative_to(ROOT).parent.parts)


def imports_of(source: ast.Module, *, package: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*above, node.module) if node.module else above)
            yield from (f"{start}.{alias.name}" for alias in node.names)


def layer(module: str) -> str | None:
    """The layer of one of our modules; None for a foreign module and for the bare package."""
    parts = module.split(".")
    if parts[0] == "api":
        return "api"
    if parts[0] != "ledger" or len(parts) == 1:
        return None
    return "cli" if parts[1] == "__main__" else parts[1]


def wrong_arrows(module: str, imported: list[str]) -> list[str]:
    """Imports of one module that go against the flow."""
    own = layer(module)
    if own is None:
        return []
    allowed = ARROWS[own] | {own}
    targets = [(name, layer(name)) for name in imported]
    return [name for name, other in targets if other is not None and other not in allowed]


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


PRODUCT = sources("ledger", "api")
DOMAIN = sources("ledger/domain")


def is_impure(module: str) -> bool:
    # taking an address apart asks nobody
    return module.split(".", maxsplit=1)[0] in IMPURE and not module.startswith("urllib.parse.")


def by_module(path: Path) -> str:
    return module_name(path)


def test_there_is_something_to_check() -> None:
    assert {"ledger.domain.records.commitments", "ledger.domain.operations"} <= set(
        map(by_module, DOMAIN)
    )


@pytest.mark.parametrize("path", PRODUCT, ids=by_module)
def test_a_module_imports_only_what_lies_earlier_in_the_flow(path: Path) -> None:
    name = module_name(path)
    assert layer(name) is None or layer(name) in ARROWS, f"{name} is in no known layer"
    assert wrong_arrows(name, list(imports(path))) == []


@pytest.mark.parametrize("path", PRODUCT + sources("scripts"), ids=by_module)
def test_scripts_and_tests_are_imported_by_nothing_in_the_product(path: Path) -> None:
    foreign = {"tests"} if path.is_relative_to(ROOT / "scripts") else {"tests", "scripts"}
    assert [name for name in imports(path) if name.split(".")[0] in foreign] == []


@pytest.mark.parametrize("path", DOMAIN, ids=by_module)
def test_the_domain_does_no_input_or_output(path: Path) -> None:
    assert [name for name in imports(path) if is_impure(name)] == []


@pytest.mark.parametrize("path", DOMAIN, ids=by_module)
def test_the_domain_never_reads_the_clock_or_draws_randomness(path: Path) -> None:
    calls = [called(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    assert [call for call in calls if IMPURE_CALLS.search(call)] == []


def test_web3_is_imported_in_one_place() -> None:
    users = {module_name(p) for p in PRODUCT if any(n.split(".")[0] == "web3" for n in imports(p))}
    assert users == {"ledger.chain.web3_library"}


@pytest.mark.parametrize("path", PRODUCT + sources("scripts"), ids=by_module)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert not VAGUE & set(path.relative_to(ROOT).with_suffix("").parts)


def test_importing_the_chain_layer_leaves_the_recursion_limit_alone() -> None:
    # py_ecc, below eth_account, raises it to 100,000; then JSON that nests deeply crashes the
    # process, where Python would have raised RecursionError.
    names = [module_name(path) for path in PRODUCT if set(imports_foreign(path)) & RAISES_LIMIT]
    assert names
    lines = [*(f"import {name}" for name in names), "import sys", "print(sys.getrecursionlimit())"]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "1000"


def imports_foreign(path: Path) -> list[str]:
    return [name.split(".")[0] for name in imports(path)]


@pytest.mark.parametrize(
    "module,imported",
    [
        ("ledger.storage.records", "ledger.chain.node"),
        ("ledger.chain.node", "ledger.storage"),
        ("ledger.evidence.verify", "ledger.storage.records"),
        ("ledger.domain.records.records", "ledger.keys.signers"),
        ("ledger.steps.accepting.prepare", "api.app"),
        ("ledger.readings.text", "ledger.settings"),
    ],
)
def test_the_check_itself_sees_an_arrow_that_points_back(module: str, imported: str) -> None:
    assert wrong_arrows(module, [imported, "ledger.domain.errors", "json"]) == [imported]


def test_the_check_itself_sees_relative_imports() -> None:
    source = ast.parse("from ..storage import rows\nfrom . import node\nfrom .node import send")
    assert list(imports_of(source, package=("ledger", "chain"))) == [
        "ledger.storage.rows",
        "ledger.chain.node",
        "ledger.chain.node.send",
    ]


@pytest.mark.parametrize("call", ["datetime.now", "time.time", "uuid.uuid4", "os.urandom", "open"])
def test_the_check_itself_sees_an_impure_call(call: str) -> None:
    assert IMPURE_CALLS.search(call)
