"""How long a training in a warm local container takes.

Beside it, in the same run: ``docker run`` of the same image, which does the same training with the same mounts, and the
local mode of AWS's own SDK. What a container spends before the first line of the task is measured in the container.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
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
IMAGE = f"tg-bench-container-{os.getpid()}"  # of this run alone
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
        with contextlib.redirect_stdout(io.StringIO()):  # as in a notebook, which takes it, too
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
            start = time.perf_counter()
            log = _run("docker", "run", "--rm", *(f"--volume={mount}" for mount in mounts), f"{IMAGE}:0", "train")
            seconds = time.perf_counter() - start
            if not (Path(folder) / "completed.json").is_file():
                sys.exit(f"docker run has not completed the training:\n{log}")
        lines = re.findall("###METRIC###fold_(.*?):(.*?)###", log)[: len(self.metrics)]
        self._check({name: float(value) for name, value in lines}, "docker run")
        return seconds

    def amazon(self) -> float:
        """Trains by the local mode of AWS's SDK with the image that was built last."""
        from sagemaker.core.training.configs import Compute, InputData
        from sagemaker.train import ModelTrainer
        from sagemaker.train.model_trainer import Mode

        with tempfile.TemporaryDirectory(dir=self._folder) as folder, _without_output():
            start = time.perf_counter()
            trainer = ModelTrainer(
                training_mode=Mode.LOCAL_CONTAINER,
                sagemaker_session=_make_session(),
                role="arn:aws:iam::111122223333:role/none",
                training_image=f"{IMAGE}:0",
                base_job_name="bench",
                compute=Compute(instance_type="local_cpu", instance_count=1),
                local_container_root=folder,
            )
            data = [InputData(channel_name="training", data_source=str(self.dataset.parent))]
            trainer.train(input_data_config=data, wait=True)
            seconds = time.perf_counter() - start
            (path,) = Path(folder).rglob("model.tar.gz")
            with ResultArchive(path) as archive:
                metrics = archive.unpickle("runs/0/metrics.pkl")
        self._remove_what_amazon_leaves()
        self._check(metrics, "AWS's SDK")
        return seconds

    def first_line(self) -> float:
        """Returns the seconds between the start of the training's program and the first line of the task."""
        mount = f"{self.dataset}:/opt/ml/input/data/training/{self.dataset.name}:ro"
        return self._clock(f"--volume={mount}", program=("/opt/tg/run.py", "train"))

    def libraries(self) -> float:
        """Returns the seconds that importing pandas and scikit-learn takes in the same image."""
        return self._clock(program=("-c", "import pandas, sklearn"))

    def _clock(self, *options: str, program: tuple[str, ...]) -> float:
        inner = ("-c", STOPWATCH, PYTHON, *program)
        said = _run("docker", "run", "--rm", *options, f"--entrypoint={PYTHON}", f"{IMAGE}:0", *inner)
        return float(said.split()[-1])

    def close(self) -> None:
        """Removes the image; that of the libraries stays for the next time."""
        self._client.remove_image(f"{IMAGE}:0", force=True)

    def _check(self, metrics: dict[str, float], by: str) -> None:
        wanted = {**self.metrics, "revision_test": float(self._revision), "revision_train": float(self._revision)}
        if metrics != wanted:
            sys.exit(f"{by} has given {metrics}, and {wanted} is wanted")

    def _remove_what_amazon_leaves(self) -> None:
        label = {"label": "com.docker.compose.service=algo-1"}
        for container in self._client.containers(all=True, filters=label):
            self._client.remove_container(container["Id"], force=True, v=True)
        for network in self._client.networks(names=["sagemaker-local"]):
            self._client.remove_network(network["Id"])


def _run(*command: str) -> str:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(command)} has ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def _make_session() -> Any:
    """Returns what AWS's SDK wants to see before it runs anything; local mode makes no call with it."""
    import boto3
    from sagemaker.core.helper.session_helper import Session

    return Session(boto_session=boto3.Session(region_name="eu-central-1"), default_bucket="none")


@contextlib.contextmanager
def _without_output() -> Iterator[None]:
    """Keeps what libraries, and the programs that they start, write from being shown."""
    sys.stdout.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    with open(os.devnull, "w") as nothing:
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        for stream, each in zip((1, 2), kept, strict=True):
            os.dup2(each, stream)
            os.close(each)


def measure(scale: Scale) -> Iterator[Figure]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        none = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none")
        os.environ.update(none, AWS_ENDPOINT_URL="http://127.0.0.1:9", TG_JOBS_PATH=str(folder / "jobs"))
        training = stack.enter_context(contextlib.closing(Training(folder)))
        rounds = scale.pick(7, 2)
        seconds = measure_in_turns(rounds, unchanged=training.unchanged, docker=training.docker_run)
        docker, plain = "`docker run` of the same image", seconds["docker"]
        yield Figure.ratio(
            "container.unchanged", "a training in a warm local container", docker, seconds["unchanged"], plain, 1.15
        )
        if not scale.short:
            training.amazon()  # imports the SDK
            seconds = measure_in_turns(
                rounds, changed=training.changed, docker=training.docker_run, amazon=training.amazon
            )
            what = "the same, a line of the code changed before"
            plain, changed, amazon = seconds["docker"], seconds["changed"], seconds["amazon"]
            yield Figure.ratio("container.changed", what, docker, changed, plain, 1.3)
            sdk = "the local mode of AWS's SDK"
            yield Figure.ratio("container.changed.sdk", what, sdk, changed, amazon, 1)
            yield Figure.ratio("container.sdk", sdk, docker, amazon, plain, None)
        seconds = measure_in_turns(rounds, ours=training.first_line, libraries=training.libraries)
        yield Figure.ratio(
            "container.start",
            "the time in a container before the first line of the task",
            '`python -c "import pandas, sklearn"` in it',
            seconds["ours"],
            seconds["libraries"],
            1.1,
        )


if __name__ == "__main__":
    run(measure, __doc__ or "")
