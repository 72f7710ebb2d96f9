"""Lists the runs of ours in a store, with what is known of them without asking for each."""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg_mlflow.description.facts import FOLD_PREFIX
from tg_mlflow.description.progress import Progress
from tg_mlflow.description.writing import read_progress
from tg_mlflow.errors import RunNotOursError
from tg_mlflow.listing.run_choice import is_training_of_sweep
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import read_launcher, read_other_host
from tg_mlflow.tracking.search import is_running, search_own_runs
from tg_mlflow.tracking.state import find_state
from tg_mlflow.tracking.tags import (
    FAILURE_REASON_TAG,
    OWN_PREFIX,
    PLACE_TAG,
    PRUNED_TAG,
    SWEEP_NAME_TAG,
    SWEEP_NOT_STARTED_METRIC,
    SWEEP_TAG,
    SYSTEM_PREFIX,
    WAITING_TAG,
)

_NOT_STARTED, _PRUNED = "NOT STARTED", "PRUNED"


@dataclass(frozen=True)
class ListedRun:
    """A run of ours; a sweep counts as one.

    Attributes:
        run_id: Its id.
        name: Its name.
        state: MLflow's status.
        place: Where it trains; ``None`` if that is not known, as of a sweep.
        start_ms: When it began, in milliseconds since 1970 (UTC).
        seconds: How long it took, or has taken so far.
        note: What is to be known besides: why it has FAILED, what it waits for, or that nobody records it.
        progress: How far its training is; ``None`` if that is not known, or it has ended.
        metric: The name and the value of its headline metric: its ``primary_metric``, else the first one by name.
        trainings: Of a sweep, how many trainings are in which state.
    """

    run_id: str
    name: str
    state: str
    place: str | None
    start_ms: int
    seconds: float
    note: str | None = None
    progress: Progress | None = None
    metric: tuple[str, float] | None = None
    trainings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunList:
    """The newest runs of ours.

    Attributes:
        runs: They, the newest first.
        left_out: How many more there are.
        ids: The ids of all runs of ours that were seen, those of sweeps' trainings included.
    """

    runs: list[ListedRun]
    left_out: int
    ids: Collection[str]


def list_runs(
    client: TrackingClient, states: Collection[str] = (), experiment_name: str | None = None, most: int = 20
) -> RunList:
    """Lists the newest runs of ours.

    Args:
        client: The tracking server's, which is asked once for each 1000 runs.
        states: Which states to list; by default all.
        experiment_name: The experiment; by default all.
        most: How many runs to list.

    Raises:
        RunNotOursError: If there is no such experiment.
        TrackingError: If the tracking server does not answer.
    """
    experiment_ids = None if experiment_name is None else [_find_experiment(client, experiment_name)]
    found: list[Run] = []
    left_out, ids = 0, []
    trainings: dict[str, dict[str, str]] = {}
    for run in search_own_runs(client, experiment_ids=experiment_ids):
        ids.append(run.info.run_id)
        if is_training_of_sweep(run):
            # The newest run of a training, which may have been resumed, comes first.
            of_sweep = trainings.setdefault(run.data.tags[MLFLOW_PARENT_RUN_ID], {})
            of_sweep.setdefault(run.data.tags[SWEEP_NAME_TAG], _find_state(run))
        elif states and run.info.status not in states:
            continue
        elif len(found) < most:
            found.append(run)
        else:
            left_out += 1
    now_ms = time.time() * 1000
    listed = [_describe(run, trainings.get(run.info.run_id, {}), now_ms) for run in found]
    return RunList(listed, left_out, ids)


def _find_experiment(client: TrackingClient, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        raise RunNotOursError(f"there is no experiment {name!r} in {client.tracking_uri}; correct --experiment-name")
    return str(experiment.experiment_id)


def _describe(run: Run, trainings: Mapping[str, str], now_ms: float) -> ListedRun:
    tags, info = run.data.tags, run.info
    is_open = is_running(run)
    start_ms = info.start_time or 0  # other clients may have set none
    end_ms = now_ms if is_open or info.end_time is None else info.end_time
    counts: Counter[str] = Counter(trainings.values())
    if unstarted := int(run.data.metrics.get(SWEEP_NOT_STARTED_METRIC, 0)):
        counts[_NOT_STARTED] = unstarted
    return ListedRun(
        run_id=info.run_id,
        name=info.run_name or "",
        state=info.status,
        place=tags.get(PLACE_TAG),
        start_ms=start_ms,
        seconds=max(0.0, (end_ms - start_ms) / 1000),
        note=_find_note(tags) if is_open else tags.get(FAILURE_REASON_TAG),
        progress=read_progress(tags) if is_open else None,
        metric=_find_headline(run),
        trainings=dict(counts) if SWEEP_TAG in tags else {},
    )


def _find_state(run: Run) -> str:
    """Returns a training's status, or PRUNED: MLflow has no such status, and calls it KILLED."""
    return _PRUNED if PRUNED_TAG in run.data.tags else str(run.info.status)


def _find_note(tags: Mapping[str, str]) -> str | None:
    """Says of a run that has not ended what it waits for, or that no process is known to record it."""
    host = read_other_host(tags)
    if read_launcher(tags) is None:
        return "no process of this machine records it" if host is None else f"its last launcher was on {host}"
    return f"waiting: {tags[WAITING_TAG]}" if WAITING_TAG in tags else None


def _find_headline(run: Run) -> tuple[str, float] | None:
    metrics = run.data.metrics
    state = find_state(run.data.tags)
    config: Mapping[str, Any] = {} if state is None else state.config
    primary = config.get("primary_metric")
    if isinstance(primary, str) and primary in metrics:
        return primary, metrics[primary]
    own = [name for name in metrics if not name.startswith((OWN_PREFIX, SYSTEM_PREFIX, FOLD_PREFIX))]
    # Those of the rows that were learned from come last, as in a run's description.
    name = min(own, key=lambda each: (each.endswith("_train"), each), default=None)
    return None if name is None else (name, metrics[name])
