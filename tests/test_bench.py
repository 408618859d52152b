"""The benchmarks: the table of what is promised, and one of them run small."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from scripts import bench
from scripts.benchmarks.bounds import BOUNDS, Bound, Size
from scripts.benchmarks.turns import median_ratio, percentile


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
    assert median_ratio([2, 9, 4], [1, 3, 4]) == 2
    assert [percentile([3, 1, 2, 4], share) for share in (0.5, 0.99)] == [2, 4]


def test_what_was_measured_replaces_what_was_measured_before(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    for value in (19.0, 21.0):
        bench.write(path, "evidence", [bench.result_of("evidence/verify", value)], Size())
    bench.write(path, "up", [bench.result_of("up/records", 5)], Size())
    kept = json.loads(path.read_text("utf-8"))
    assert kept["versions"] == bench.versions()
    assert [(each["name"], each["value"], each["holds"]) for each in kept["results"]] == [
        ("evidence/verify", 21, False),
        ("up/records", 5, None),
    ]


def test_figures_of_another_machine_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "latest.json"
    path.write_text(json.dumps({"machine": {}, "versions": {}, "results": [{"name": "old/one"}]}))
    bench.write(path, "up", [bench.result_of("up/records", 5)], Size())
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
    assert {each["name"] for each in kept["results"]} == {"evidence/verify", "evidence/size"}


def measure_nothing(size: Size) -> dict[str, float]:
    """Measures no bound of its benchmark."""
    assert size.scale == 1
    return {}
