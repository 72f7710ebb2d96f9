"""How long ``mlflow run`` takes with our backends, and with what MLflow itself has for the same training.

Both sides train the breast-cancer example and record parameters, metrics, the dataset, figures with their data, a table
of predictions and a model through the same HTTP server: in this environment, and in a container of an image that the
project is built into. MLflow's side is ``plain_project``. Ours also keeps the log, the package, the result archive and
the usage of the machine, and checks the model in a clean process.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from harness import ROOT, Figure, Scale, measure_in_turns, run, time_command
from tests.integration.docker.support import read_build_options
from tests.tracking_server import TrackingServer
from tg.common.delivery.delivery import DOCKERFILE_TEMPLATE, Containering, DependencyList, Packaging
from tg_mlflow.backend.request_headers import silence_header_warnings

BIN = Path(sys.executable).parent
BASE_IMAGE = os.environ.get("TG_TEST_BASE_IMAGE", "tg-test-base:latest")
EXAMPLE, PLAIN = ROOT / "examples" / "breast_cancer", ROOT / "benchmarks" / "plain_project"
DATA = Path("datasets", "breast_cancer", "breast_cancer.parquet")
# What the image of MLflow's project has; ours finds what the task needs.
LIBRARIES = ("mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "matplotlib")
MODEL_LIBRARIES = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy")
DOCKERFILE = f"{DOCKERFILE_TEMPLATE}ENTRYPOINT []\nENV PATH=/opt/tg-venv/bin:$PATH PYTHONPATH=\n"


class Trainings:
    """The same training in all ways, recorded by one server."""

    def __init__(self, folder: Path, server: TrackingServer) -> None:
        self._folder = folder
        self._store = MlflowClient(server.uri)
        self._variables = {
            **os.environ,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": server.uri,
            "TG_JOBS_PATH": str(folder / "jobs"),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        self.cpu: dict[str, list[float]] = {}
        self._ours, self._plain, self._docker = (folder / name for name in ("ours", "plain", "docker"))
        shutil.copytree(EXAMPLE, self._ours)
        subprocess.run([sys.executable, str(self._ours / "prepare_data.py")], check=True, stdout=subprocess.DEVNULL)
        for project in (self._plain, self._docker):
            shutil.copytree(PLAIN, project)
            shutil.copy(self._ours / DATA, project)

    def build_image(self) -> None:
        """Builds the image that MLflow's project is built on, with the libraries that it needs."""
        image = Containering.from_packaging(Packaging("tg_bench_mlflow", "0", {}))
        image.base_image, image.dockerfile_template = BASE_IMAGE, DOCKERFILE
        image.dependencies = [DependencyList("bench", [f"{name}=={version(name)}" for name in LIBRARIES])]
        image.build_options = read_build_options()
        reference = image.make_container().reference
        with (self._docker / "MLproject").open("a", encoding="utf-8") as file:
            file.write(f"docker_env: {{image: '{reference}'}}\n")

    def ours(self, place: str) -> float:
        """Trains with one of our backends."""
        options = read_build_options()
        build = {
            "pip_index_url": options.pip_index_url,
            "pip_extra_index_urls": list(options.pip_extra_index_urls),
            "proxies": dict(options.proxies),
            "ca_bundle": options.ca_bundle and str(options.ca_bundle),
        }
        config = {"base_image": BASE_IMAGE, "build": build} if place == "local" else {}
        more = ("--backend", f"tg-{place}", "--backend-config", json.dumps(config)) if config else ()
        return self._run(place, self._ours, *(more or ("--backend", f"tg-{place}")))

    def plain(self, name: str, *requirements: str) -> float:
        """Trains with MLflow's own backend in this environment."""
        given = ("-P", f"requirements={' '.join(requirements)}") if requirements else ()
        return self._run(name, self._plain, "--env-manager", "local", *given)

    def docker(self) -> float:
        """Trains with MLflow's own backend in a container of an image with the project."""
        return self._run("docker", self._docker, "--build-image", "-A", "network=host")

    def _run(self, name: str, project: Path, *words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [BIN / "mlflow", "run", project, "--experiment-name", name, *words]
        seconds = time_command(command, self._variables, self._folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        self.cpu.setdefault(name, []).append(used)
        return seconds

    def describe(self, name: str) -> dict[str, object]:
        """Tells what the last run of this name has recorded, as far as both sides have it."""
        experiment = self._store.get_experiment_by_name(name)
        recorded = self._store.search_runs([experiment.experiment_id], max_results=1)[0]
        (model,) = recorded.outputs.model_outputs
        params = dict(recorded.data.params)
        return {
            "status": recorded.info.status,
            "missing": recorded.data.tags.get("tg.missing"),
            "params": {key: float(params[key]) for key in ("max_iter", "C")},
            "metrics": {
                key: value for key, value in recorded.data.metrics.items() if not key.startswith(("system/", "tg."))
            },
            "dataset": [each.dataset.name for each in recorded.inputs.dataset_inputs],
            "figures": self._list(recorded, "figures/0"),
            "tables": self._list(recorded, "tables"),
            "model": self._store.get_logged_model(model.model_id).status.value,
        }

    def _list(self, recorded: Run, folder: str) -> list[str]:
        return sorted(each.path for each in self._store.list_artifacts(recorded.info.run_id, folder))


def check(one: dict[str, object], other: dict[str, object]) -> None:
    """Ends the benchmark if two runs have not recorded the same."""
    metrics, others = dict(one).pop("metrics"), dict(other).pop("metrics")
    assert isinstance(metrics, dict)
    assert isinstance(others, dict)
    is_close = all(math.isclose(metrics[key], others.get(key, math.nan), rel_tol=1e-9) for key in metrics)
    if one["status"] != "FINISHED" or len(metrics) != 4 or len(others) != 4 or not is_close:
        sys.exit(f"the runs have not the same metrics: {one} and {other}")
    if {**one, "metrics": 0} != {**other, "metrics": 0}:
        sys.exit(f"the runs have not recorded the same: {one} and {other}")


def measure(scale: Scale) -> Iterator[Figure]:
    silence_header_warnings()
    with tempfile.TemporaryDirectory() as name:
        server = TrackingServer(Path(name))
        server.start()
        try:
            trainings = Trainings(Path(name), server)
            yield from measure_here(scale, trainings)
            if not scale.short:
                yield from measure_containers(scale, trainings)
        finally:
            server.kill()


def measure_here(scale: Scale, trainings: Trainings) -> Iterator[Figure]:
    pins = [f"{name}=={version(name)}" for name in MODEL_LIBRARIES]
    ways = {
        "process": partial(trainings.ours, "process"),
        "attached": partial(trainings.ours, "attached"),
        "plain": partial(trainings.plain, "plain"),
        "pinned": partial(trainings.plain, "pinned", *pins),
    }
    for train in ways.values():
        train()
    for name in ("process", "attached", "pinned"):
        check(trainings.describe(name), trainings.describe("plain"))
    trainings.cpu.clear()
    seconds, cpu = measure_in_turns(scale.pick(3, 1), **ways), trainings.cpu
    against, pinned = "`mlflow run --env-manager local`", "the same with the model's requirements given"
    for place in ("process", "attached"):
        what = f"`mlflow run --backend tg-{place}`"
        yield Figure.ratio(f"run.{place}", what, against, seconds[place], seconds["plain"], wanted=1.0)
        yield Figure.ratio(f"run.{place}_pinned", what, pinned, seconds[place], seconds["pinned"], wanted=1.0)
        yield Figure.ratio(
            f"run.{place}_cpu", f"{what}, processor time", against, cpu[place], cpu["plain"], wanted=None
        )
        yield Figure.ratio(
            f"run.{place}_pinned_cpu", f"{what}, processor time", pinned, cpu[place], cpu["pinned"], None
        )


def measure_containers(scale: Scale, trainings: Trainings) -> Iterator[Figure]:
    trainings.build_image()
    ways = {"local": partial(trainings.ours, "local"), "docker": trainings.docker}
    for train in ways.values():
        train()
    check(trainings.describe("local"), trainings.describe("docker"))
    seconds = measure_in_turns(scale.pick(3, 1), **ways)
    against = "MLflow's docker project with `--build-image`"
    yield Figure.ratio(
        "run.local", "`mlflow run --backend tg-local`", against, seconds["local"], seconds["docker"], 1.0
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
