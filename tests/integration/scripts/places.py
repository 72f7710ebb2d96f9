"""Trains projects of scripts at places, through the command ``mlflow run``."""

import json
import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from tests import warm
from tests.launcher import BIN, Launcher
from tests.support import ProjectFolder, all_runs

# What the image for scripts has, in the versions that are installed here; MLflow in its smallest form.
IN_THE_IMAGE = ("lightgbm", "matplotlib", "mlflow-skinny", "pandas", "scikit-learn", "skops", "xgboost-cpu")
# On a busy machine.
PLAIN_SECONDS = 300


class ScriptProject(ProjectFolder):
    """A project of scripts, with neither tasks nor a dataset.

    Args:
        path: Where to make it.
        source: A folder beside this module to copy; by default, it is empty.
    """

    def __init__(self, path: Path, source: str | None = None) -> None:
        self.path = path
        if source is None:
            path.mkdir()
        else:
            shutil.copytree(Path(__file__).with_name(source), path, ignore=shutil.ignore_patterns("__pycache__"))

    def declare_image(self) -> None:
        """Declares an environment that all projects of these tests share, so that it is made once."""
        pinned = [f"{name}=={version(name)}" for name in IN_THE_IMAGE]
        self.write("python_env.yaml", json.dumps({"dependencies": pinned}))  # JSON is YAML


def train(project: ProjectFolder, place: str, folder: Path, *words: str, **config: Any) -> str:
    """Trains to the end, which is a success, however long an image takes to be built.

    Returns:
        What the launcher has said.
    """
    with Launcher(project, place, folder, "--backend-config", json.dumps(config), *words) as launcher:
        launcher.wait_for(" FINISHED")
        code = launcher.wait_for_end()
        assert code == 0, launcher.output
        return launcher.output


def train_plainly(project: ProjectFolder, *words: str, environment: Mapping[str, str]) -> None:
    """Trains with MLflow's own backend, beside the tracking server; ``python`` is this one, as in a job."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    warm.run(
        [str(BIN / "mlflow"), "run", str(project.path), "--env-manager=local", *words],
        env={**os.environ, "PATH": path, **environment},
        timeout=PLAIN_SECONDS,
        check=True,
    )


def the_training(store: MlflowClient) -> Run:
    """The only run that is not below another one."""
    (run,) = [run for run in all_runs(store) if "mlflow.parentRunId" not in run.data.tags]
    return run
