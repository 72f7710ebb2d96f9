"""The network of the example: an estimator of PyTorch that goes on, after a checkpoint, as if there had been none."""

import importlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tg.common.ml.training_core import Checkpoint, InMemoryTrainingEnvironment

EXAMPLE = Path(__file__).parents[4] / "examples" / "incremental"


class Interrupted(InMemoryTrainingEnvironment):
    """Keeps the first checkpoint of a training, or begins with it."""

    def __init__(self, given: Checkpoint | None = None) -> None:
        super().__init__()
        self.given = given
        self.kept: bytes | None = None

    def save_checkpoint(self, state: Any, step: int) -> None:
        self.kept = self.kept or pickle.dumps(Checkpoint(step, state))

    def latest_checkpoint(self) -> Checkpoint | None:
        return self.given


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    pytest.importorskip("torch", reason="there is no build of PyTorch for CPUs here")
    monkeypatch.syspath_prepend(EXAMPLE)
    yield {name: importlib.import_module(name) for name in ("network", "prepare_data")}
    for name in ("network", "prepare_data"):
        sys.modules.pop(name, None)


def test_it_learns_and_goes_on_from_a_checkpoint(example: dict[str, ModuleType], tmp_path: Path) -> None:
    example["prepare_data"].write(tmp_path / "visits", rows=20_000)
    task = example["network"].build_task(epochs=2)
    task.checkpoint_every = 17
    whole = Interrupted()
    task.run_with_environment(tmp_path / "visits", whole)
    assert whole.kept is not None
    again = Interrupted(pickle.loads(whole.kept))
    task.run_with_environment(tmp_path / "visits", again)
    one, other = (each.result["runs"][0] for each in (whole, again))
    assert one["metrics"] == other["metrics"]
    assert one["history"].equals(other["history"])
    assert one["metrics"]["roc_auc_score_test"] > 0.83
    assert one["history"]["loss"].is_monotonic_decreasing
