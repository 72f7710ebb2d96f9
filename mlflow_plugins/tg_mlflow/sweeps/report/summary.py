"""Logs the summary of a sweep's trainings to their parent run."""

import logging
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.entities import Metric, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.sweeps.report.description import describe_sweep
from tg_mlflow.sweeps.report.table import (
    FAILED,
    FINISHED,
    KILLED,
    NOT_STARTED,
    PRUNED,
    Mode,
    SweepChildResult,
    build_sweep_table,
    describe_missing_metric,
    find_best,
)
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.tags import (
    BEST_NAME_TAG,
    BEST_RUN_ID_TAG,
    MISSING_TAG,
    SWEEP_FAILED_METRIC,
    SWEEP_FINISHED_METRIC,
    SWEEP_KILLED_METRIC,
    SWEEP_NOT_STARTED_METRIC,
    SWEEP_PRUNED_METRIC,
)

COUNT_METRICS = {
    FINISHED: SWEEP_FINISHED_METRIC,
    FAILED: SWEEP_FAILED_METRIC,
    KILLED: SWEEP_KILLED_METRIC,
    NOT_STARTED: SWEEP_NOT_STARTED_METRIC,
}

FOLDER = "sweep"
TABLE = "sweep/summary.json"

# A child of MLflow's logger, which writes to the console.
_LOGGER = logging.getLogger("mlflow.tg_mlflow")
_LONGEST_FILE_NAME = 80
_REFUSED_CHARACTERS = re.compile(r"[^\w.\-]")


def log_sweep_summary(
    client: TrackingClient,
    parent_run_id: str,
    experiment_id: str,
    children: Sequence[SweepChildResult],
    primary_metric: str | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
) -> None:
    """Logs the parent's description, its best child, the numbers of outcomes, and the folder ``sweep``.

    The folder has ``summary.csv``, ``summary.json``, which MLflow shows as a table, ``parallel_coordinates.png`` and
    ``metric_vs_<parameter>.png``, each with its data as CSV. A figure or table that fails is no error: a warning says
    why, and the tag ``tg.missing`` names it. Calling it again replaces everything.

    Args:
        client: The tracking server's.
        parent_run_id: The parent.
        experiment_id: Where the children's runs are.
        children: All children of the sweep, in any state.
        primary_metric: The metric that determines the best child by ``mode``; the parent also gets its value.
        mode: Whether the greatest or the least value is the best.
        grid: Values by parameter; empty if the children are not made from a grid.

    Raises:
        TrackingError: What the tracking server has against it.
    """
    best = find_best(children, primary_metric, mode)
    if primary_metric is not None and best is None and any(child.status == FINISHED for child in children):
        _LOGGER.warning("The sweep has no best training: %s", describe_missing_metric(children, primary_metric))
    counts = Counter(child.status for child in children)
    values: dict[str, float] = {name: counts[status] for status, name in COUNT_METRICS.items()}
    if counts[PRUNED]:  # of a study
        values[SWEEP_PRUNED_METRIC] = counts[PRUNED]
    tags = {MLFLOW_RUN_NOTE: describe_sweep(children, primary_metric, mode, grid, experiment_id)}
    if best is not None and primary_metric is not None:
        values[primary_metric] = best.metrics[primary_metric]
        tags |= {BEST_RUN_ID_TAG: best.run_id or "", BEST_NAME_TAG: best.name}
    now = int(time.time() * 1000)
    client.log_batch(
        parent_run_id,
        metrics=[Metric(name, value, now, 0) for name, value in values.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    attempts = Attempts()
    table = build_sweep_table(children)
    with temporary_folder() as folder:
        table.to_csv(folder / "summary.csv", index=False)
        with attempts(f"{FOLDER}/figures"):
            _draw(folder, children, primary_metric, mode, grid, attempts)
        client.log_artifacts(parent_run_id, str(folder), FOLDER)
    with attempts(TABLE):
        _log_table(client, parent_run_id, table)
    earlier = client.get_run(parent_run_id).data.tags
    others = [name for name in earlier.get(MISSING_TAG, "").split(", ") if name and not name.startswith(f"{FOLDER}/")]
    if others or attempts.missing:
        tags[MISSING_TAG] = ", ".join([*others, *attempts.missing])
        client.set_tag(parent_run_id, MISSING_TAG, tags[MISSING_TAG])
    for tag in (BEST_RUN_ID_TAG, BEST_NAME_TAG, MISSING_TAG):
        if tag in earlier and tag not in tags:
            client.delete_tag(parent_run_id, tag)


def _draw(
    folder: Path,
    children: Sequence[SweepChildResult],
    primary_metric: str | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
    attempts: Attempts,
) -> None:
    # Here, as importing matplotlib takes a second, in which a launcher can start its jobs.
    from tg_mlflow.sweeps.report.figures import (
        draw_metric_by_parameter,
        draw_parallel_coordinates,
        list_drawn_parameters,
    )

    with attempts(f"{FOLDER}/parallel_coordinates.png"):
        draw_parallel_coordinates(folder / "parallel_coordinates", children, primary_metric, mode, grid)
    taken: set[str] = set()
    for parameter in list_drawn_parameters(children, primary_metric, grid):
        stem = f"metric_vs_{_REFUSED_CHARACTERS.sub('_', parameter)[-_LONGEST_FILE_NAME:]}"
        file, number = stem, 1
        # Ignoring case, as some file systems do.
        while file.lower() in taken:
            number += 1
            file = f"{stem}-{number}"
        taken.add(file.lower())
        with attempts(f"{FOLDER}/{file}.png"):
            draw_metric_by_parameter(folder / file, children, parameter, primary_metric, mode, grid)


def _log_table(client: TrackingClient, run_id: str, table: pd.DataFrame) -> None:
    # MLflow's page takes a dot in a column's name for nesting, and shows an empty cell.
    table = table.rename(columns=lambda name: name.replace(".", "/"))
    if any(each.path == TABLE for each in client.list_artifacts(run_id, FOLDER)):
        # MLflow would add the rows to those that are there. That the file is a table is known of the first time.
        client.log_text(run_id, table.to_json(orient="split", index=False), TABLE)
    else:
        client.log_table(run_id, data=table, artifact_file=TABLE)
