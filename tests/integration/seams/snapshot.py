"""What a run has that a training leaves: two undisturbed runs of a task have the same."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient

# Tags that say what went wrong, or how far the recording had come.
_OWN_STORY = re.compile(r"^tg\.(log_cursor|not_uploaded|missing|missing_log|failure_reason)$")
_VERSION = re.compile(r"-\w{8}(?=\.tar\.gz$)")
_VARYING = ("tg.billable", "tg.training", "tg.download", "tg.cost", "tg.result_bytes")


@dataclass(frozen=True)
class Snapshot:
    """A run's content.

    Attributes:
        points: Of each metric, all steps and values, in order; a doubled point twice.
        params: The parameters.
        tags: The names of the tags.
        files: The paths of all artifacts.
        log_lines: How many lines its log has.
        inputs: The names of its datasets.
        models: The files and metrics of the models that it has logged, each model's by itself.
        versions: The names of the registered models of which it has made versions; a doubled one twice.
    """

    points: dict[str, list[tuple[int, float]]]
    params: dict[str, str]
    tags: frozenset[str]
    files: frozenset[str]
    log_lines: int
    inputs: frozenset[str]
    models: tuple[frozenset[str], ...]
    versions: tuple[str, ...] = ()

    def list_losses(self, other: "Snapshot") -> list[str]:
        """Names what the other one has in another way."""
        lost = [f"metric {name}" for name in self.points if other.points.get(name) != self.points[name]]
        lost += [f"param {name}" for name in self.params if other.params.get(name) != self.params[name]]
        lost += [f"tag {name}" for name in sorted(self.tags - other.tags)]
        lost += [f"file {name}" for name in sorted(self.files - other.files)]
        lost += ["lines of the log"] if other.log_lines != self.log_lines and "logs/train.log" in other.files else []
        lost += [f"dataset {name}" for name in sorted(self.inputs - other.inputs)]
        lost += ["a model"] if self.models != other.models else []
        lost += ["not registered"] if self.versions != other.versions else []
        return lost


def take_snapshot(client: MlflowClient, run_id: str, folder: Path) -> Snapshot:
    """Reads a run; files go below the folder."""
    run = client.get_run(run_id)
    metrics = [name for name in run.data.metrics if not name.startswith(_VARYING)]
    files = frozenset(_VERSION.sub("-*", each) for each in _list_files(client, run_id, None))
    lines = 0
    if "logs/train.log" in files:
        lines = Path(client.download_artifacts(run_id, "logs/train.log", str(folder))).read_bytes().count(b"\n")
    return Snapshot(
        points={
            name: sorted((each.step, each.value) for each in client.get_metric_history(run_id, name))
            for name in metrics
        },
        params=dict(run.data.params),
        tags=frozenset(name for name in run.data.tags if not _OWN_STORY.match(name)),
        files=files,
        log_lines=lines,
        inputs=frozenset(each.dataset.name for each in (run.inputs.dataset_inputs if run.inputs else ())),
        models=tuple(
            _list_model(client, each.model_id) | _list_metrics(client, each.model_id)
            for each in (run.outputs.model_outputs if run.outputs else ())
        ),
        versions=tuple(each.name for each in client.search_model_versions(f"run_id = '{run_id}'")),
    )


def _list_files(client: MlflowClient, run_id: str, folder: str | None) -> list[str]:
    found = []
    for each in client.list_artifacts(run_id, folder):
        found += _list_files(client, run_id, each.path) if each.is_dir else [each.path]
    return found


def _list_model(client: MlflowClient, model_id: str, folder: str | None = None) -> frozenset[str]:
    found = frozenset[str]()
    for each in client.list_logged_model_artifacts(model_id, folder):
        found |= _list_model(client, model_id, each.path) if each.is_dir else {each.path}
    return found


def _list_metrics(client: MlflowClient, model_id: str) -> frozenset[str]:
    return frozenset(f"metric {each.key}" for each in client.get_logged_model(model_id).metrics or ())
