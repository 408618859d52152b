"""The benchmarks: the table of what is promised, and one of them run small."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from web3 import Web3
from web3.contract import Contract

from scripts import bench
from scripts.benchmarks.bounds import BOUNDS, LEAST_REPEATS, Bound, Figure, Figures, Size
from scripts.benchmarks.eas import Eas
from scripts.benchmarks.turns import percentile, ratios


def test_every_promise_has_one_bound_in_one_direction_and_a_goal_beyond_it() -> None:
    for bound in BOUNDS:
        assert (bound.at_least is None) != (bound.at_most is None), bound.name
        assert bound.goal is None or bound.holds(bound.goal), bound.name
        assert bound.value > 0


def test_every_promise_has_a_name_of_its_own_under_a_benchmark() -> None:
    assert set(Counter(bound.name for bound in BOUNDS).values()) == {1}
    assert {bound.name.split("/")[0] for bound in BOUNDS} == set(bench.BENCHMARKS)


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_every_benchmark_says_what_it_compares(name: str) -> None:
    assert bench.load(name).__doc__


def test_a_bound_holds_at_its_value_and_not_beyond_it() -> None:
    least = Bound(name="a/b", what="", unit="×", at_least=2)
    most = Bound(name="a/c", what="", unit="×", at_most=2)
    assert [least.holds(value) for value in (1.9, 2, 2.1)] == [False, True, True]
    assert [most.holds(value) for value in (1.9, 2, 2.1)] == [True, True, False]


def test_a_ratio_is_that_of_neighbours_and_a_percentile_is_a_measured_value() -> None:
    assert ratios([2, 9, 4], [1, 3, 4]) == [2, 3, 1]
    assert [percentile([3, 1, 2, 4], share) for share in (0.5, 0.99)] == [2, 4]


def test_a_figure_says_how_often_it_was_measured_and_how_far_apart() -> None:
    often, once = Figure.median([2, 3, 1, 9, 4]), Figure.once(5)
    assert (often.value, often.repeats, often.least, often.most) == (3, 5, 1, 9)
    assert (once.value, once.repeats, once.least, once.most) == (5, 1, 5, 5)
    kept = bench.result_of("outbox/of_bare", often)
    assert (kept["value"], kept["repeats"], kept["least"], kept["most"]) == (3, 5, 1, 9)
    lines = bench.table([kept, bench.result_of("up/memory", once)])
    assert "5 times, 1 to 9" in lines[0]
    assert " once " in lines[1]


#: need a quiet machine, and have not had one yet
NOT_PUBLISHED = (
    "network/", "statement/", "pages/", "custody/", "carrying/", "handling/", "recall/",
)  # fmt: skip


def test_every_published_figure_says_how_often_it_was_measured() -> None:
    published = json.loads(bench.PUBLISHED.read_text("utf-8"))["results"]
    by_name = {each["name"]: each["repeats"] for each in published}
    taken_once = {name for name in by_name if name.startswith("gas/")}
    taken_once |= {"up/memory", "audit/of_bare_hashing", "audit/memory_growth", "evidence/size"}
    assert {by_name[name] for name in taken_once} == {1}
    promised = {bound.name for bound in BOUNDS if not bound.name.startswith(NOT_PUBLISHED)}
    others = promised - taken_once
    assert all(by_name[name] >= LEAST_REPEATS for name in others)


def test_no_figure_of_others_contains_the_pause_between_two_questions_for_a_receipt() -> None:
    asked: dict[str, float] = {}

    def wait(_sent: object, *, poll_latency: float) -> dict[str, int]:
        asked["poll_latency"] = poll_latency
        return {"status": 1, "gasUsed": 7}

    node = SimpleNamespace(eth=SimpleNamespace(wait_for_transaction_receipt=wait))
    eas = Eas(w3=cast("Web3", node), contract=cast("Contract", None), schemas={})
    assert eas._mined(SimpleNamespace(transact=lambda: b"")) == 7
    assert asked["poll_latency"] <= 0.001


def test_what_was_measured_replaces_what_was_measured_before(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    for value in (19.0, 21.0):
        result = bench.result_of("evidence/verify", Figure.once(value))
        bench.write(path, "evidence", [result])
    bench.write(path, "up", [bench.result_of("up/records", Figure.once(5))])
    kept = json.loads(path.read_text("utf-8"))
    assert kept["versions"] == bench.versions()
    assert [(each["name"], each["value"], each["holds"]) for each in kept["results"]] == [
        ("evidence/verify", 21, False),
        ("up/records", 5, None),
    ]


def test_figures_of_another_machine_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    path.write_text(json.dumps({"machine": {}, "versions": {}, "results": [{"name": "old/one"}]}))
    bench.write(path, "up", [bench.result_of("up/records", Figure.once(5))])
    names = [each["name"] for each in json.loads(path.read_text("utf-8"))["results"]]
    assert names == ["up/records"]


def test_a_benchmark_that_cannot_be_measured_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "PUBLISHED", tmp_path / "latest.json")
    monkeypatch.setitem(bench.BENCHMARKS, "up", "tests.test_bench:measure_nothing")
    assert bench.main(["up"]) == 1


def test_the_evidence_of_a_cycle_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "TRIED", tmp_path / "latest.json")
    assert bench.main(["evidence", "--scale", "0.1"]) == 0
    kept = json.loads((tmp_path / "latest.json").read_text("utf-8"))
    repeats = {each["name"]: each["repeats"] for each in kept["results"]}
    assert repeats == {"evidence/verify": 5, "evidence/size": 1}


SMALL = {
    "custody": {"custody/lines": 4 * 4 * 10},
    "carrying": {},
    "handling": {},
    "recall": {"recall/packages": 16},
}


@pytest.mark.parametrize("name", SMALL)
def test_what_happens_to_packages_is_measured_small(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(bench, "TRIED", tmp_path / "latest.json")
    assert bench.main([name, "--scale", "0.0001"]) == 0
    kept = json.loads((tmp_path / "latest.json").read_text("utf-8"))
    found = {each["name"]: each["value"] for each in kept["results"]}
    assert SMALL[name].items() <= found.items()
    assert {bound.name for bound in BOUNDS if bound.name.startswith(f"{name}/")} <= found.keys()


def measure_nothing(size: Size) -> Figures:
    """Measures no bound of its benchmark."""
    assert size.scale == 1
    return {}
