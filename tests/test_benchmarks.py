"""What the benchmarks share: when a figure is met, when it has declined, and what is kept."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module("harness.results")


def test_a_ratio_is_met_up_to_what_is_wanted(harness: ModuleType) -> None:
    figure = harness.Figure.ratio("a", "ours", "theirs", [1.2, 9.0, 1.1], [1.0], 1.2)
    assert (figure.value, figure.holds, figure.format_value()) == (1.2, True, "1.20x")
    assert figure.format_wanted() == "<= 1.20x"
    assert not harness.Figure("a", "ours", 1.21, wanted=1.2).holds
    assert harness.Figure("a", "ours", 612.4, "MB/s", wanted=600, more_is_better=True).format_value() == "612 MB/s"
    assert not harness.Figure("a", "ours", 599, "MB/s", wanted=600, more_is_better=True).holds


def test_only_ratios_that_are_much_worse_have_declined(harness: ModuleType) -> None:
    def build(value: float, unit: str = "x", more_is_better: bool = False) -> object:
        return harness.Figure("a", "ours", value, unit, more_is_better=more_is_better)

    def declines(now: object, before: object) -> bool:
        return list(harness.find_declines([now], {"a": before})) == ["a"]

    assert declines(build(1.6), build(1.0))
    assert not declines(build(1.5), build(1.0))
    assert declines(build(1.0, more_is_better=True), build(1.6, more_is_better=True))
    assert not declines(build(9.0, "s"), build(1.0, "s"))
    assert harness.find_declines([build(9.0)], {}) == {}


def test_figures_replace_those_of_the_same_names(
    harness: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "DATA", tmp_path / "results.json")
    monkeypatch.setattr(harness, "TABLE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(harness, "_ask_docker", lambda: "28.0")
    assert harness.read_results() == harness.Results({}, {})
    one, other = harness.Figure("one", "the one", 2.0, wanted=1.0), harness.Figure("other", "the other | part", 1.0)
    harness.keep_results([one, other], [one])
    better = harness.Figure("one", "the one", 0.5, wanted=1.0)
    assert "| the one |  | **2.00x** | <= 1.00x |  |\n| the other \\| part |" in (tmp_path / "RESULTS.md").read_text()
    harness.keep_results([better], [])
    assert harness.read_results() == harness.Results({"one": better, "other": other}, {"one": one})
    table = (tmp_path / "RESULTS.md").read_text()
    assert "| the one |  | 0.50x | <= 1.00x |  |" in table
    assert "Not met (in bold): 0 of 1." in table
