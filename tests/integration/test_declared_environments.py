"""Scripts in the environments that their projects declare, through MLflow, in child processes."""

import json
from pathlib import Path
from typing import Any

import mlflow.projects
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException

from tests.small_wheel import make_wheel
from tests.support import all_runs
from tests.text_file import write_text
from tg_mlflow.delivery.environment_installer import find_uv

pytestmark = [pytest.mark.starts_process, pytest.mark.usefixtures("jobs", "environments")]

SCRIPT = """
    import importlib.util
    import os
    import sys

    import tiny

    print(f"prefix={sys.prefix}")
    print(f"numpy={importlib.util.find_spec('numpy')}")
    print(f"flag={os.environ['FLAG']}")
    print(f"###METRIC###value:{tiny.VALUE * float(sys.argv[1])}###")
"""


@pytest.fixture(autouse=True)
def has_uv() -> None:
    if find_uv() is None:
        pytest.skip("there is no uv, and pip takes ten seconds for an environment")


class Script:
    """A project whose script needs a library that is not installed here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.wheel = make_wheel(folder, "tiny", "1.5", "VALUE = 7")
        command = 'entry_points: {main: {parameters: {size: {default: 1}}, command: "python train.py {size}"}}'
        write_text(folder / "MLproject", f"name: tiny\nconda_env: conda.yaml\n{command}\n")
        write_text(folder / "train.py", SCRIPT)
        self.declare("./tiny-1.5-py3-none-any.whl")

    def declare(self, requirement: str) -> None:
        content = {"dependencies": ["pip", "gcc", {"pip": [requirement]}], "variables": {"FLAG": "up"}}
        (self.folder / "conda.yaml").write_text(json.dumps(content))

    def train(self, backend: str = "tg-process", **config: Any) -> None:
        mlflow.projects.run(str(self.folder), backend=backend, backend_config=config)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path / "script")


def read_log(store: MlflowClient, run_id: str, tmp_path: Path) -> str:
    return Path(store.download_artifacts(run_id, "logs/train.log", str(tmp_path))).read_text()


def test_a_script_runs_in_its_declared_environment_which_is_made_once(
    script: Script, store: MlflowClient, environments: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.train()
    (run,) = all_runs(store)
    (environment,) = [each for each in environments.iterdir() if each.is_dir()]
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"value": 7.0})
    log = read_log(store, run.info.run_id, tmp_path)
    assert [line for line in log.splitlines() if line.startswith(("prefix=", "numpy=", "flag="))] == [
        f"prefix={environment}",
        "numpy=None",
        "flag=up",
    ]
    assert f"Making the environment of conda.yaml with 1 requirement in {environment}" in capsys.readouterr().out
    script.train()
    assert [each.info.status for each in all_runs(store)] == ["FINISHED", "FINISHED"]
    assert "Making the environment" not in capsys.readouterr().out
    assert [each for each in environments.iterdir() if each.is_dir()] == [environment]


def test_trainings_of_a_sweep_share_an_environment(script: Script, store: MlflowClient, environments: Path) -> None:
    script.train(sweep={"size": [1, 2]}, max_parallel=2)
    children = [run for run in all_runs(store) if "mlflow.parentRunId" in run.data.tags]
    assert sorted(run.data.metrics["value"] for run in children) == [7.0, 14.0]
    assert len([each for each in environments.iterdir() if each.is_dir()]) == 1


def test_what_is_installed_here_is_used_on_request(script: Script, store: MlflowClient, environments: Path) -> None:
    with pytest.raises(ExecutionException, match="the command \\(python\\) ended with exit code 1"):
        script.train(env_manager="local")
    assert not environments.exists()


def test_a_library_that_is_not_to_be_had_fails_the_run_in_one_line(script: Script, store: MlflowClient) -> None:
    script.declare("tg-test-nowhere==3")
    with pytest.raises(ExecutionException, match="tg-test-nowhere"):
        script.train()
    (run,) = all_runs(store)
    assert run.info.status == "FAILED"
    reason = run.data.tags["tg.failure_reason"]
    assert reason.startswith("the environment of conda.yaml cannot be made: ")
    assert "tg-test-nowhere==3" in reason
    assert reason.endswith('or set "env_manager": "local" to use the libraries that are installed here')
