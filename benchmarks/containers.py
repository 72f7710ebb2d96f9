"""How long a training in a warm local container takes.

Beside it, in the same run: ``docker run`` of the same image, which does the same training with the same mounts, and the
local mode of AWS's own SDK. What a container spends before the first line of the task is measured in the container.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness import Figure, Scale, measure_in_turns, run
from tests.integration.docker.support import read_build_options
from tests.support import make_points
from tg.common.delivery.delivery import Containering, DependencyList, Packaging
from tg.common.delivery.delivery.image.docker_client import connect
from tg.common.delivery.sagemaker import (
    ResultArchive,
    SagemakerConfig,
    SagemakerJob,
    SagemakerLocalExecutor,
    SagemakerOptions,
)

BASE_IMAGE = os.environ.get("TG_TEST_BASE_IMAGE", "tg-test-base:latest")
IMAGE = "tg-bench-container"
PYTHON = "/opt/tg-venv/bin/python"
LIBRARIES = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")

# A project whose one changing line is a metric of its training, so that it is seen which code has trained.
PROJECT = {
    "bench_revision.py": "REVISION = 0\n",
    "bench_training.py": """\
import time

from sklearn.metrics import roc_auc_score

from bench_revision import REVISION
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft


def revision(true, predicted):
    return REVISION


class StampedTask(sft.SingleFrameTrainingTask):
    def run_with_environment(self, data, environment):
        print("first line of the task:", time.time(), flush=True)
        super().run_with_environment(data, environment)


def build_task():
    return StampedTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.ensemble:RandomForestClassifier", n_estimators=20, random_state=0),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(3),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(revision),
    )
""",
}
# Runs a program in the container, and prints when it was started and when it has ended.
STOPWATCH = """
import subprocess, sys, time
start = time.time()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
end = time.time()
first = [float(line.split()[-1]) for line in ended.stdout.splitlines() if line.startswith("first line of the task")]
print("seconds:", (first or [end])[0] - start)
sys.exit(ended.returncode)
"""


class Training:
    """One training of one project, and the ways to do it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._project = folder / "project"
        self._project.mkdir()
        for name, text in PROJECT.items():
            (self._project / name).write_text(text, encoding="utf-8")
        sys.path.insert(0, str(self._project))
        self._revisions = itertools.count(1)
        self._client = connect()
        self._revision = 0
        self.dataset = folder / "datasets" / "points" / "points.parquet"
        self.dataset.parent.mkdir(parents=True)
        make_points(300).to_parquet(self.dataset)
        self._config = self._describe()
        self.metrics = self._train()[1]

    def _describe(self) -> SagemakerConfig:
        from bench_training import build_task

        job = SagemakerJob(build_task())
        packaging = Packaging("Bench", "0", {"job": job})
        packaging.project_folder = self._project
        packaging.dependencies = [DependencyList("training", [f"{name}=={version(name)}" for name in LIBRARIES])]
        containering = Containering.from_packaging(packaging)
        containering.image_name = IMAGE
        containering.base_image = BASE_IMAGE
        containering.build_options = read_build_options()
        options = SagemakerOptions(None, None, "points", self._folder / "datasets", self.dataset.name)
        return SagemakerConfig(job, packaging, containering, options)

    def _train(self) -> tuple[float, dict[str, float]]:
        start = time.perf_counter()
        executor = SagemakerLocalExecutor(self._config, self._client)
        with contextlib.redirect_stdout(io.StringIO()):
            job_id = executor.execute()
        with executor.load_result(job_id) as archive:
            metrics = archive.unpickle("runs/0/metrics.pkl")
            seconds = time.perf_counter() - start
        executor.discard(job_id)
        return seconds, metrics

    def unchanged(self) -> float:
        """Trains by the Python API; returns the seconds until the metrics are here."""
        seconds, metrics = self._train()
        self._check(metrics, "the Python API")
        return seconds

    def changed(self) -> float:
        """The same after a line of the project has changed."""
        self._revision = next(self._revisions)
        (self._project / "bench_revision.py").write_text(f"REVISION = {self._revision}\n", encoding="utf-8")
        return self.unchanged()

    def docker_run(self) -> float:
        """Trains by ``docker run`` of the image that was built last, with the same mounts."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            mounts = [f"{self.dataset}:/opt/ml/input/data/training/{self.dataset.name}:ro", f"{folder}:/opt/ml/model"]
            volumes = [f"--volume={mount}" for mount in mounts]
            seconds = _time("docker", "run", "--rm", *volumes, f"{IMAGE}:0", "train")
            archive = subprocess.run(["tar", "-C", folder, "-czf", f"{folder}.tar.gz", "."], check=True)
            assert archive.returncode == 0
        with ResultArchive(Path(f"{folder}.tar.gz")) as result:
            self._check(result.unpickle("runs/0/metrics.pkl"), "docker run")
        Path(f"{folder}.tar.gz").unlink()
        return seconds
