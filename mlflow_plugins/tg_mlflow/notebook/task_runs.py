"""Trains tasks from a notebook or a script, several at once, and returns a table of their results."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.backend.request_headers import silence_header_warnings
from tg_mlflow.errors import BackendConfigError, SweepError
from tg_mlflow.notebook.notebook_run import NotebookRun
from tg_mlflow.notebook.task_plan import plan_tasks
from tg_mlflow.sweeps.children import tell_end
from tg_mlflow.sweeps.report.table import FAILED, NOT_STARTED, SweepChildResult, build_sweep_table
from tg_mlflow.sweeps.source import TaskSweep
from tg_mlflow.sweeps.sweep import Sweep, build_sweep_tags, train_sweep
from tg_mlflow.training.announcement import announcing_interrupt

_logger = logging.getLogger("mlflow.tg_mlflow")


def run_tasks(
    tasks: Sequence[AbstractTrainingTask],
    backend: str = "tg-process",
    config: Mapping[str, Any] | str | Path | None = None,
    *,
    folder: str | Path = ".",
    experiment_name: str | None = None,
    run_name: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Trains tasks, several at once, each in an MLflow run of its own below one that compares them.

    All share one package, which holds what they need of your modules, and one image. A training that fails does not
    stop the others, unless ``config`` has ``stop_on_failure``; Ctrl-C stops all. If this process dies,
    ``tg-mlflow attach`` with the id of the run that compares them trains the rest.

    Example::

        tasks = Autonamer(build_task).build_tasks(learning_rate=[0.1, 1], network_size=[[10], [10, 5]])
        results = tg_mlflow.run_tasks(tasks, backend="tg-local", config={"dataset": "titanic.parquet"})

    Args:
        tasks: The tasks; ``Autonamer`` names them and records their parameters.
        backend: The name of a place, such as ``tg-process``.
        config: The place's keys, or a JSON file of them; they override those of ``tg.json`` in ``folder``.
        folder: The folder of ``datasets``, ``tg.json`` and ``environment.env``. Its name is the default
            ``project_name``.
        experiment_name: Where the runs are created; by default in the active experiment.
        run_name: The name of the run that compares them; by default the class of the tasks.
        progress: Whether a bar shows how many have ended.

    Returns:
        A row for each task, in their order, with the columns ``name``, ``status``, ``seconds``, ``run_id``,
        ``params.<name>``, ``metrics.<name>`` and, if there is any, ``failure``. ``attrs["run_id"]`` is the run that
        compares them.

    Raises:
        TgError: If the tasks or the configuration are invalid, or none could be started.
        KeyboardInterrupt: After Ctrl-C, when all runs have been KILLED.
    """
    silence_header_warnings()
    started = NotebookRun.read(backend, Path(folder), config)
    if started.config.register is not None and started.config.primary_metric is None:
        raise BackendConfigError("register is for the best of the tasks; name the primary_metric")
    tasks = list(tasks)
    members = plan_tasks(tasks, started.config)
    client = started.connect(members)
    name = run_name or type(tasks[0]).__name__
    executor = started.open_executor()
    source = TaskSweep(started.project)
    sweep = Sweep(members, started.config, source, executor, started.project, costs=started.costs)
    with terminating_as_interrupt():
        run_id = started.create_run(client, experiment_name, name, build_sweep_tags(members))
        bar = tqdm(total=len(members), disable=not progress, unit="training")
        with announcing_interrupt(client, run_id), bar:

            def tell(result: SweepChildResult, number: int, count: int) -> None:
                if not progress or result.status == FAILED:
                    tell_end(result, number, count)
                bar.set_postfix_str(f"{result.name} {result.status}", refresh=False)
                bar.update()

            end = train_sweep(client, run_id, sweep, tell)
    if end.failure is not None:
        if all(each.status == NOT_STARTED for each in end.results):
            raise SweepError(end.failure)
        _logger.warning("%s", end.failure)
    table = build_sweep_table(end.results)
    table.attrs["run_id"] = run_id
    return table
