"""A tracking server in memory, whose requests can be made to fail, and a clock that moves only when somebody waits."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Experiment, FileInfo, LoggedModel, Metric, Param, Run, RunData, RunInfo, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.entities import PagedList

from tg_mlflow.tracking.client import TrackingClient


class FakeClock:
    """A clock for a client.

    Attributes:
        now: The seconds that have passed.
        pauses: How long each wait was.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float, /) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class MemoryServer(MlflowClient):
    """Stands below a :class:`TrackingClient` in the place of MLflow's client and keeps runs in memory.

    Attributes:
        requests: The names of the requests that have come, in their order, those that failed included.
        faults: What the next requests raise, by their name, one after another; ``None`` lets one pass.
        files: The artifacts of all runs, by run and path.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        self.requests: list[str] = []
        self.faults: dict[str, list[Exception | None]] = {}
        self.files: dict[tuple[str, str], bytes] = {}
        self._runs: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    @property
    def tracking_uri(self) -> str:
        return "memory://"

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        self._take("create_run")
        run_id = f"{next(self._numbers):032x}"
        self._runs[run_id] = {"status": "RUNNING", "name": run_name, "tags": dict(tags or {})}
        self._runs[run_id] |= {"experiment": experiment_id, "params": {}, "metrics": []}
        return self._read(run_id)

    def search_runs(
        self, experiment_ids: list[str], filter_string: str = "", *view: Any, **page: Any
    ) -> PagedList[Run]:
        """Finds the runs with a tag: its filter is such as ``tags.`name` = 'value'``."""
        self._take("search_runs")
        name, value = re.fullmatch(r"tags\.`(.*)` = '(.*)'", filter_string).groups()  # type: ignore[union-attr]
        found = [run_id for run_id, run in self._runs.items() if run["tags"].get(name) == value]
        return PagedList([self._read(run_id) for run_id in found], None)

    def delete_run(self, run_id: str) -> None:
        self._take("delete_run")
        del self._runs[run_id]

    def get_run(self, run_id: str) -> Run:
        self._take("get_run")
        return self._read(run_id)

    def get_experiment(self, experiment_id: str) -> Experiment:
        self._take("get_experiment")
        return Experiment(experiment_id, "memories", "memory://", "active")

    def search_logged_models(self, experiment_ids: list[str], *view: Any, **page: Any) -> PagedList[LoggedModel]:
        """Finds none: there are no logged models here."""
        self._take("search_logged_models")
        return PagedList([], None)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        self._take("set_tag")
        self._find(run_id)["tags"][key] = value

    def delete_tag(self, run_id: str, key: str) -> None:
        self._take("delete_tag")
        del self._find(run_id)["tags"][key]

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> None:
        self._take("log_batch")
        run = self._find(run_id)
        run["metrics"] += metrics
        run["params"] |= {each.key: each.value for each in params}
        run["tags"] |= {each.key: each.value for each in tags}

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        self._take("set_terminated")
        self._find(run_id)["status"] = status or "FINISHED"

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        self._take("update_run")
        run = self._find(run_id)
        run["status"], run["name"] = status or run["status"], name or run["name"]

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        self._take("log_artifact")
        name = Path(local_path).name
        path = f"{artifact_path}/{name}" if artifact_path else name
        self.files[run_id, path] = Path(local_path).read_bytes()

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        self._take("get_metric_history")
        return [each for each in self._find(run_id)["metrics"] if each.key == key]

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        self._take("list_artifacts")
        above = f"{path}/" if path else ""
        names = [name for owner, name in self.files if owner == run_id and name.startswith(above)]
        below = {above + name.removeprefix(above).partition("/")[0]: name for name in names}
        return [FileInfo(each, each != name, None) for each, name in sorted(below.items())]

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        self._take("download_artifacts")
        if (run_id, path) not in self.files:
            raise OSError(f"No such artifact: {path}")
        target = Path(str(dst_path), path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.files[run_id, path])
        return str(target)

    def _take(self, request: str) -> None:
        self.requests.append(request)
        faults = self.faults.get(request)
        if faults and (fault := faults.pop(0)) is not None:
            raise fault

    def _find(self, run_id: str) -> dict[str, Any]:
        if run_id not in self._runs:
            raise MlflowException(f"Run with id={run_id} not found", RESOURCE_DOES_NOT_EXIST)
        return self._runs[run_id]

    def _read(self, run_id: str) -> Run:
        run = self._find(run_id)
        info = RunInfo(run_id, run["experiment"], "somebody", run["status"], 1, None, "active", run_name=run["name"])
        assert RunStatus.from_string(run["status"])
        tags = [RunTag(key, str(value)) for key, value in run["tags"].items()]
        params = [Param(key, value) for key, value in run["params"].items()]
        return Run(info, RunData(list(run["metrics"]), params, tags))


class MemoryClient(TrackingClient, MemoryServer):
    """A client of a server in memory."""

    def list_files(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        return list(self.list_artifacts(run_id, path))
