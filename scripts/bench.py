"""Measure what is promised, and say which bounds hold.

    python -m scripts.bench                   everything; writes docs/benchmarks/latest.json
    python -m scripts.bench outbox gas        these alone; replaces their figures in that file
    python -m scripts.bench --scale 0.05 …    smaller, to try it out; writes build/bench/latest.json

Both sides of a ratio take turns within one run.  A bound that does not hold is shown and is no
error unless --strict asks for that; what cannot be measured is one (exit code 1).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import structlog

from scripts.benchmarks.bounds import (
    BOUNDS,
    LEAST_REPEATS,
    USUAL_REPEATS,
    Figure,
    Figures,
    Measure,
    Size,
    find_bound,
)

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "docs" / "benchmarks" / "latest.json"
TRIED = ROOT / "build" / "bench" / "latest.json"
_PACKAGES = ("web3", "eth-account", "coincurve", "sqlalchemy", "psycopg", "fastapi", "uvicorn")
_RESTORED_LIMIT = 1000
#: figures from here on are shown without a fraction
_WHOLE = 100

#: benchmark → module and function, in the order in which they run
BENCHMARKS: Mapping[str, str] = {
    "gas": "scripts.benchmarks.gas:measure_gas",
    "evidence": "scripts.benchmarks.evidence:measure_evidence",
    "outbox": "scripts.benchmarks.outbox:measure_outbox",
    "follower": "scripts.benchmarks.follower:measure_follower",
    "api": "scripts.benchmarks.api:measure_api",
    "up": "scripts.benchmarks.up:measure_up",
    "audit": "scripts.benchmarks.audit:measure_audit",
    "custody": "scripts.benchmarks.custody:measure_custody",
    "carrying": "scripts.benchmarks.carrying:measure_carrying",
    "handling": "scripts.benchmarks.handling:measure_handling",
    "recall": "scripts.benchmarks.recall:measure_recall",
    "network": "scripts.benchmarks.network:measure_network",
    "statement": "scripts.benchmarks.statement:measure_statement",
    "pages": "scripts.benchmarks.pages:measure_pages",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return its exit code."""
    options = _parser().parse_args(arguments)
    size = Size(scale=options.scale, repeats=max(options.repeats, LEAST_REPEATS))
    path = PUBLISHED if options.scale == 1 else TRIED
    # an installed program's modules are compiled, and whoever starts us may have turned that off
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    failed = False
    for name in options.names or BENCHMARKS:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        try:
            figures = load(name)(size)
        except Exception:  # noqa: BLE001 - one that cannot be measured does not keep the rest back
            traceback.print_exc()
            failed = True
            continue
        finally:
            # libraries below web3 raise it, and JSON that nests deeply would crash the process
            sys.setrecursionlimit(_RESTORED_LIMIT)
        missing = missing_figures(name, figures)
        if missing:
            sys.stderr.write(f"{name} did not measure {', '.join(missing)}\n")
            failed = True
        results = [result_of(name, figure) for name, figure in figures.items()]
        for line in table(results):
            sys.stdout.write(line + "\n")
        write(path, name, results)
        failed = failed or (options.strict and any(each["holds"] is False for each in results))
    return 1 if failed else 0


def load(name: str) -> Measure:
    """The function that measures; imported when it runs, since some need what others do not."""
    module, function = BENCHMARKS[name].split(":")
    measure: Measure = getattr(import_module(module), function)
    return measure


def missing_figures(name: str, figures: Figures) -> list[str]:
    """The bounds of a benchmark that it has no figure for."""
    wanted = [bound.name for bound in BOUNDS if bound.name.split("/")[0] == name]
    return [each for each in wanted if each not in figures]


def result_of(name: str, figure: Figure) -> dict[str, Any]:
    """One figure as it is kept; `bound` and `holds` are null for one that nothing is promised of.

    `value`, `bound` and `goal` are numbers; `bound` is the least where `at_least` is true, else the
    most.  `repeats` is how often this very figure was measured, `least` and `most` are the ends of
    what was found.
    """
    bound = find_bound(name)
    kept = {
        "name": name,
        "value": _rounded(figure.value),
        "repeats": figure.repeats,
        "least": _rounded(figure.least),
        "most": _rounded(figure.most),
    }
    if bound is None:
        return {**kept, "bound": None, "holds": None}
    return {
        **kept,
        "bound": float(f"{bound.value:.4g}"),
        "holds": bound.holds(figure.value),
        "at_least": bound.at_least is not None,
        "goal": bound.goal,
        "unit": bound.unit,
        "what": bound.what,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """The results for people: those with a bound first."""
    lines = []
    for each in sorted(results, key=lambda result: result["bound"] is None):
        figure = f"{_shown(each['value']):>12}  {_measured(each):<26}"
        if each["bound"] is None:
            lines.append(f"            {each['name']:<36}{figure}".rstrip())
            continue
        sign = "≥" if each["at_least"] else "≤"
        word = "holds" if each["holds"] else "FALLS SHORT"
        promised = f"{sign} {each['bound']:,.4g} {each['unit']}"
        lines.append(f"{word:>11} {each['name']:<36}{figure}{promised:<12} {each['what']}")
    return lines


def _measured(result: Mapping[str, Any]) -> str:
    """How often, and from where to where: `7 times, 0.81 to 0.88`."""
    if result["repeats"] == 1:
        return "once"
    return f"{result['repeats']} times, {_shown(result['least'])} to {_shown(result['most'])}"


def _shown(value: float) -> str:
    """Three digits, and whole numbers in full."""
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.3g}"


def write(path: Path, name: str, results: Sequence[Mapping[str, Any]]) -> None:
    """Put a benchmark's figures in the place of its older ones.

    Figures of another machine or of other versions are dropped: one file tells of one of each.
    """
    here = {"machine": machine(), "versions": versions()}
    try:
        kept = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        kept = {}
    if {key: kept.get(key) for key in here} != here:
        kept = {**here, "results": []}
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    others = [each for each in kept["results"] if each["name"].split("/")[0] != name]
    kept["results"] = sorted(
        [*others, *({**each, "at": at} for each in results)], key=lambda each: each["name"]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", "utf-8")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _cpuinfo("model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": _memory_gib(),
    }


def _cpuinfo(key: str) -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return "unknown"


def _memory_gib() -> int:
    line = next(x for x in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in x)
    return round(int(line.split()[1]) / 2**20)


def versions() -> dict[str, str]:
    """The programs and packages that decide over the figures."""
    package = json.loads((ROOT / "package.json").read_text("utf-8"))
    fixed = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    return {
        "python": platform.python_version(),
        "anvil": fixed["@foundry-rs/anvil"],
        "hard_fork": "cancun",
        "eas": "1.9.0",
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def _known(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(BENCHMARKS)}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_known, help=f"of {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 for the published sizes")
    parser.add_argument("--repeats", type=int, default=USUAL_REPEATS, help="turns of each ratio")
    parser.add_argument("--strict", action="store_true", help="a bound that fails is an error")
    return parser


if __name__ == "__main__":
    # What is measured here logs as little as it may; processes of their own log as they always do.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    sys.exit(main())
