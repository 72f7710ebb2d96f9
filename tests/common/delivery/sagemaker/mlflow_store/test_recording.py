import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.mlflow_store import recording, recording_mlflow


@pytest.fixture(autouse=True)
def variables() -> Iterator[None]:
    """Variables of which nothing is left after a test."""
    with mock.patch.dict(os.environ, clear=True):
        yield


def read_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture
def in_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PACKAGE_MODULE", "Titanic__0")


@pytest.mark.usefixtures("in_package")
def test_mlflow_records_into_the_run_of_the_training(tmp_path: Path) -> None:
    os.environ["TG_RUN_ID"] = "0123456789abcdef0123456789abcdef"
    with recording_mlflow(MlFolder(tmp_path), {}):
        assert read_variables() == {
            "GIT_PYTHON_REFRESH": "quiet",
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "MLFLOW_EXPERIMENT_ID": "0",
            "MLFLOW_REGISTRY_URI": f"tg-job:{tmp_path}/output/mlflow",
            "MLFLOW_RUN_ID": "0123456789abcdef0123456789abcdef",
            "MLFLOW_TRACKING_URI": f"tg-job:{tmp_path}/output/mlflow",
            "TG_MLFLOW_STORE": f"{tmp_path}/output/mlflow",
            "TG_RUN_ID": "0123456789abcdef0123456789abcdef",
        }


@pytest.mark.usefixtures("in_package")
def test_a_job_without_a_run_makes_up_an_id(tmp_path: Path) -> None:
    with recording_mlflow(MlFolder(tmp_path), {}):
        assert re.fullmatch("[0-9a-f]{32}", os.environ["MLFLOW_RUN_ID"])
        assert os.environ["TG_RUN_ID"] == os.environ["MLFLOW_RUN_ID"]


@pytest.mark.usefixtures("in_package")
def test_a_job_that_has_a_tracking_server_is_left_alone(tmp_path: Path) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = "http://tracking.example"
    with recording_mlflow(MlFolder(tmp_path), {}):
        assert read_variables() == {"MLFLOW_TRACKING_URI": "http://tracking.example"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("in_package")
def test_a_job_without_mlflow_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with recording_mlflow(MlFolder(tmp_path), {}):
        assert read_variables() == {}
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_run_in_a_package_is_left_alone(tmp_path: Path) -> None:
    with recording_mlflow(MlFolder(tmp_path), {}):
        assert read_variables() == {}
    assert list(tmp_path.iterdir()) == []
