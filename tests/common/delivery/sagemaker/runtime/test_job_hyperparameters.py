"""Hyperparameters as SageMaker's SDK and its tuner write them, read from the job's folder and set in a task."""

import json
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime.job import read_hyperparameters
from tg.common.ml.training_core import apply_hyperparameters


class Part:
    def __init__(self, x: Any) -> None:
        self.x = x


def read(tmp_path: Path, given: dict[str, Any]) -> dict[str, str]:
    folder = MlFolder(tmp_path)
    folder.config.mkdir(parents=True, exist_ok=True)
    (folder.config / "hyperparameters.json").write_text(json.dumps(given))
    return read_hyperparameters(folder)


def test_what_is_sagemakers_own_is_passed_over(tmp_path: Path) -> None:
    given = {
        "_tuning_objective_metric": "roc_auc_score_test",
        "sagemaker_job_name": '"job-1"',
        "sagemaker_estimator_class_name": '"Estimator"',
        "kwargs.C:float": "0.5",
    }
    assert read(tmp_path, given) == {"kwargs.C:float": "0.5"}
    assert read(tmp_path, {"_tuning_objective_metric": '"roc_auc_score_test"'}) == {}


@pytest.mark.parametrize(
    ("key", "current", "text", "expected"),
    [
        ("x:float", None, "0.5", 0.5),
        ("x:float", None, '"0.5"', 0.5),
        ("x:float", None, "1e-05", 0.00001),
        ("x:float", None, "1.0E-5", 0.00001),
        ("x:float", None, "3", 3.0),
        ("x:int", None, "5", 5),
        ("x:int", None, "5.0", 5),
        ("x:int", None, '"5.0"', 5),
        ("x:int", None, "1E3", 1000),
        ("x", 1, "5.0", 5),
        ("x", 0.1, "1e-05", 0.00001),
        ("x", "lbfgs", "saga", "saga"),
        ("x", "lbfgs", '"saga"', "saga"),
        ("x", True, "False", False),
        ("x", True, '"False"', False),
        ("x:bool", None, "true", True),
        ("x:str", None, "10", "10"),
        ("x:str", None, '"10"', "10"),
        ("x:json", None, "[10, 5]", [10, 5]),
        ("x:json", None, '"[10, 5]"', [10, 5]),
        ("x:json", None, '"saga"', "saga"),
        ("x:json", None, "null", None),
        ("x:json", "a", '"null"', None),
    ],
)
def test_values_in_all_forms(tmp_path: Path, key: str, current: Any, text: str, expected: Any) -> None:
    target = Part(current)
    apply_hyperparameters(target, read(tmp_path, {key: text}))
    assert target.x == expected
    assert type(target.x) is type(expected)
