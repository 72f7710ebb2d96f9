"""A project for sweeps in containers, what its runs must hold, and what the daemon has done for them."""

import csv
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support import ProjectFolder, all_runs
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import connect

# All that is predicted is the constant. The label is 0 or 1, so that the greatest error of a constant above 1 is known.
TASKS = """
    from sklearn.metrics import max_error

    from tg.common.ml import single_frame_training as sft


    class SweptTask(sft.SingleFrameTrainingTask):
        def run_with_environment(self, data, environment):
            super().run_with_environment(data, environment)
            environment.log_table({"name": ["constant"]}, "left/names.json")
            with open("large.bin", "wb") as file:
                file.write(bytes(70_000))
            environment.log_file("large.bin", "left/large.bin")
            (environment.output_folder / "notes.txt").write_text("fine")


    def build_task(constant: float = 1, splits: int = 1):
        return SweptTask(
            data_loader=sft.DataFrameLoader("label"),
            model_provider=sft.ModelProvider(
                sft.ModelConstructor("sklearn.dummy:DummyRegressor", strategy="constant", constant=constant)
            ),
            evaluator=sft.Evaluation.regression,
            splitter=sft.FoldSplitter(splits),
            metrics_pool=sft.MetricPool().add_sklearn(max_error),
        )
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {constant: {type: float, default: 1.0}, splits: {default: 1}}
        command: "tg-mlflow train tasks:build_task constant={constant} splits={splits}"
"""
GRID = {"constant": [1.5, 2, 30], "splits": [1, 2]}
IMAGE = "swepttask"
_SECONDS = 30


def write_sweep(project: ProjectFolder, base_image: str, build_options: ImageBuildOptions, **config: Any) -> None:
    """Writes a project whose ``tg.json`` says where its image gets what it needs; ``config`` is added to it."""
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    log = {"check_model": False}
    defaults = {"dataset": "points.parquet", "base_image": base_image, "build": build, "log": log, **config}
    project.write("tg.json", json.dumps(defaults))


def family(store: MlflowClient) -> tuple[Run, dict[str, Run]]:
    """The sweep's run, and those below it by name."""
    runs = all_runs(store)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1
    by_name = {str(run.info.run_name): run for run in children}
    assert len(by_name) == len(children)
    return parent, by_name


def assert_six_trainings(store: MlflowClient, place: str, folder: Path) -> list[Run]:
    """Checks the runs of a sweep over ``GRID`` with the least ``max_error_test`` as the best, and returns the children.

    Args:
        store: Where they are.
        place: Where the trainings have run, as ``tg.place`` says it.
        folder: For what is downloaded.
    """
    parent, children = family(store)
    assert (parent.info.status, parent.info.run_name) == ("FINISHED", "points sweep")
    assert parent.data.tags["tg.best_name"] == "C1.5-S1"
    assert parent.data.tags["tg.best_run_id"] == children["C1.5-S1"].info.run_id
    assert parent.data.metrics["tg.sweep_finished"] == 6
    assert parent.data.metrics["max_error_test"] == 1.5
    assert "tg.missing" not in parent.data.tags
    path = store.download_artifacts(parent.info.run_id, "sweep/summary.csv", str(folder))
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ("params.constant", "params.splits", "metrics.max_error_test")
    assert [(row["name"], *(float(row[column]) for column in columns)) for row in rows] == [
        ("C1.5-S1", 1.5, 1, 1.5),
        ("C1.5-S2", 1.5, 2, 1.5),
        ("C2-S1", 2, 1, 2),
        ("C2-S2", 2, 2, 2),
        ("C30-S1", 30, 1, 30),
        ("C30-S2", 30, 2, 30),
    ]
    assert {row["status"] for row in rows} == {"FINISHED"}
    assert [row["run_id"] for row in rows] == [children[row["name"]].info.run_id for row in rows]
    for row in rows:
        _assert_record(store, children[row["name"]], float(row["params.constant"]), int(row["params.splits"]), place)
    assert len({run.data.tags["tg.package_sha256"] for run in children.values()}) == 1
    assert len({run.data.tags["tg.job_id"] for run in children.values()}) == 6
    return list(children.values())


def _assert_record(store: MlflowClient, run: Run, constant: float, splits: int, place: str) -> None:
    """Checks that a child has all that a run has which is alone."""
    run_id, name = run.info.run_id, str(run.info.run_name)
    assert (run.info.status, run.data.tags["tg.place"]) == ("FINISHED", place)
    assert run.data.tags["tg.job_id"].startswith(f"points-{name.replace('.', 'p')}-")
    assert run.data.params == {"constant": f"{constant:g}", "splits": str(splits)}
    names = ["max_error_test", "max_error_train"]
    if splits > 1:
        names += [f"fold_{each}" for each in names]
    trained = {key: value for key, value in run.data.metrics.items() if not key.startswith("tg.")}
    assert trained == dict.fromkeys(names, constant)
    history = store.get_metric_history(run_id, names[-2])
    assert sorted((point.step, point.value) for point in history) == [(step, constant) for step in range(splits)]
    assert "tg.missing" not in run.data.tags

    def list_folder(folder: str | None = None) -> list[str]:
        return sorted(each.path for each in store.list_artifacts(run_id, folder))

    assert list_folder() == [
        "environment.json",
        "figures",
        "left",
        "logs",
        "output",
        "package",
        "result",
        "tables",
        "task.json",
    ]
    assert list_folder("left") == ["left/large.bin", "left/names.json"]
    assert list_folder("output") == ["output/notes.txt"]
    assert store.load_table(run.info.experiment_id, "left/names.json", [run_id])["name"].tolist() == ["constant"]
    assert list_folder("figures") == [f"figures/{number}" for number in range(splits)]
    assert list_folder("logs") == ["logs/train.log"]
    assert list_folder("result") == ["result/model.tar.gz"]
    assert len(list_folder("package")) == 1
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["points.parquet"]
    (model,) = run.outputs.model_outputs
    assert str(store.get_logged_model(model.model_id).status) == "READY"


class DaemonWatch:
    """Listens to the daemon while the context is open.

    Args:
        label: A label of the containers that count, as ``name=value``.

    Attributes:
        most: So many of them have run at the same time.
        started: So many were started.
        images: The names that images have got.
    """

    def __init__(self, label: str) -> None:
        self.most = self.started = 0
        self.images: list[str] = []
        self._label = label.split("=", 1)
        self._running: set[str] = set()
        self._present: set[str] = set()
        self._client = connect()
        self._changed = threading.Condition()

    def __enter__(self) -> "DaemonWatch":
        self._events = self._client.events(decode=True)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._events.close()
        self._thread.join()
        self._client.close()

    def wait_for_end(self, count: int) -> None:
        """Waits until so many containers have been started and all are removed."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.started == count and not self._present, _SECONDS)

    def wait_for_start(self, count: int) -> None:
        """Waits until so many containers have been started."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.started >= count, _SECONDS)

    def _listen(self) -> None:
        for event in self._events:
            attributes = event.get("Actor", {}).get("Attributes", {})
            with self._changed:
                if event.get("Type") == "image" and event["Action"] == "tag":
                    self.images.append(attributes["name"])
                if event.get("Type") == "container" and attributes.get(self._label[0]) == self._label[1]:
                    self._note(event["Action"], event["id"])
                self._changed.notify_all()

    def _note(self, action: str, container: str) -> None:
        if action == "create":
            self._present.add(container)
        elif action == "start":
            self.started += 1
            self._running.add(container)
            self.most = max(self.most, len(self._running))
        elif action == "die":
            self._running.discard(container)
        elif action == "destroy":
            self._present.discard(container)
