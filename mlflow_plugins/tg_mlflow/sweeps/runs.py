"""Finds the runs of a sweep's trainings, by the sweep's run."""

import re
from collections.abc import Collection, Mapping, Sequence

from mlflow.entities import Run, RunStatus, ViewType
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import is_running, search_runs
from tg_mlflow.tracking.stop_reasons import write_stop_reason
from tg_mlflow.tracking.tags import JOB_ID_TAG, NAME_TAG, SWEEP_NAME_TAG, SWEEP_TAG


def is_sweep(run: Run) -> bool:
    """Returns whether a run is that of a sweep."""
    return SWEEP_TAG in run.data.tags


def list_children(client: TrackingClient, parent: Run, view: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    """Lists the runs of a sweep's trainings in natural order of their names.

    A training that was resumed may have several, the earliest first.

    Args:
        client: The tracking server's.
        parent: The sweep's run.
        view: Whether deleted ones are listed, too.
    """
    text = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent.info.run_id}'"
    runs = list(search_runs(client, [parent.info.experiment_id], text, view))
    return sorted((run for run in runs if SWEEP_NAME_TAG in run.data.tags), key=_order)


def _order(run: Run) -> tuple[list[float | str], int, str]:
    parts = re.split(r"(\d+(?:\.\d+)?)", run.data.tags[SWEEP_NAME_TAG])
    name: list[float | str] = [float(part) if number % 2 else part for number, part in enumerate(parts)]
    return name, run.info.start_time, run.info.run_id


def end_strays(client: TrackingClient, parent: Run, known: Collection[str | None]) -> None:
    """Ends unknown runs, which the tracking server created while its answer was lost.

    Args:
        client: The tracking server's.
        parent: The sweep's run, whose trainings have all ended.
        known: The runs of the trainings.
    """
    for run in list_children(client, parent):
        if is_running(run) and JOB_ID_TAG not in run.data.tags and run.info.run_id not in known:
            write_stop_reason(client, run.info.run_id, "it was created twice, as the tracking server's answer was lost")
            client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))


def group_children(children: Sequence[Run]) -> Mapping[str, list[Run]]:
    """Groups the runs of a sweep by the names of its trainings."""
    grouped: dict[str, list[Run]] = {}
    for run in children:
        grouped.setdefault(run.data.tags[SWEEP_NAME_TAG], []).append(run)
    return grouped


def name_child(run: Run) -> str:
    """Returns the name of a training's run."""
    return str(run.data.tags.get(NAME_TAG) or run.data.tags[SWEEP_NAME_TAG])
