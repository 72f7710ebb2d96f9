"""A sweep: many trainings of one project, recorded as runs below one that compares them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlflow.entities import Run, RunTag

from tg.common import JobStoppedError
from tg.common.delivery.sagemaker import Executor
from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.console import showing_progress
from tg_mlflow.cost.costs import Costs
from tg_mlflow.cost.total import recording_total
from tg_mlflow.errors import SweepError, TrackingError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.project import Project
from tg_mlflow.registration.registration import build_register_tags, settle_registration
from tg_mlflow.sweeps.children import SweepChildren, Tell, list_results, tell_end, tell_with_progress
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.record import record_sweep
from tg_mlflow.sweeps.report.summary import log_sweep_summary
from tg_mlflow.sweeps.report.table import (
    FAILED,
    KILLED,
    NOT_STARTED,
    SweepChildResult,
    as_key,
    describe_missing_metric,
    mask_result,
    mask_values,
)
from tg_mlflow.sweeps.runs import end_strays
from tg_mlflow.sweeps.source import SweepSource
from tg_mlflow.sweeps.trainer import SweepTrainer
from tg_mlflow.takeover.run_job import RunJob
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.conducted_run import conducting_run
from tg_mlflow.tracking.tags import SWEEP_TAG
from tg_mlflow.training.end import TrainingEnd, read_end
from tg_mlflow.training.tags import build_state, note_start
from tg_mlflow.training.wait_notes import noting_waits

_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass(frozen=True)
class Sweep:
    """A sweep's trainings and how they are trained.

    Attributes:
        members: All trainings.
        config: The configuration that all share.
        source: The source of their tasks.
        executor: The executor that runs them.
        project: The project, recorded to resume the sweep; ``None`` if that has been done.
        kept: The results of trainings that are not trained again, by name.
        left: Those whose launcher is gone and whose jobs may go on, by name.
        costs: What all cost together; by default, nothing is spent yet.
    """

    members: Sequence[SweepMember]
    config: PlaceConfig
    source: SweepSource
    executor: Executor
    project: Project | None = None
    kept: Mapping[str, SweepChildResult] = field(default_factory=dict)
    left: Mapping[str, RunJob] = field(default_factory=dict)
    costs: Costs | None = None


@dataclass(frozen=True)
class SweepEnd(TrainingEnd):
    """How a sweep has ended.

    Attributes:
        results: How each of its trainings has ended.
    """

    results: Sequence[SweepChildResult] = ()


def train_sweep(client: TrackingClient, run_id: str, sweep: Sweep, tell: Tell = tell_end) -> SweepEnd:
    """Trains the members of a sweep, each in a run of its own, and ends the run that is their parent.

    Args:
        client: The tracking server's.
        run_id: The parent's run, which has the tags of :func:`build_sweep_tags`.
        sweep: The sweep.
        tell: Called when a training has ended.

    Returns:
        How it has ended: it has failed if a training has, and is KILLED if some were stopped for what all cost.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when all runs have been KILLED.
    """
    members, config = sweep.members, sweep.config
    results: list[SweepChildResult] = list_results(members, sweep.kept)
    costs = sweep.costs or Costs(find_place(config.place), config)
    try:
        if (text := costs.describe(len(members) - len(sweep.kept))) is not None:
            _logger.info("%s", text)
        with terminating_as_interrupt(), conducting_run(client, run_id), noting_waits(client, run_id):
            parent = client.get_run(run_id)
            tags = {**config.tags, **build_register_tags(config)}
            client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
            params = _common_params(members)
            note_start(client, run_id, build_state(config, params), params)
            trainer = SweepTrainer(client, sweep.executor, parent, sweep.left, dict(sweep.kept), costs)
            parallel, metric = _count_parallel(sweep), config.primary_metric
            children = SweepChildren(trainer, parallel, config.stop_on_failure, tell, metric)
            telling = client.without_patience()
            try:
                with recording_total(client, parent, costs):
                    _train(client, run_id, sweep, children)
                telling = client
            finally:
                results = list_results(members, trainer.results)
                _summarize(telling, parent, results, members, config)
            _check(run_id, results, costs, metric if children.lacks_metric else None)
        if config.register is not None:
            settle_registration(client, run_id)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and returned to the caller
        end = read_end(client, run_id, error)
        return SweepEnd(end.status, end.failure, results)
    return SweepEnd(client.get_run(run_id).info.status, None, results)


def _train(client: TrackingClient, run_id: str, sweep: Sweep, children: SweepChildren) -> None:
    members = [each for each in sweep.members if each.name not in sweep.kept]
    if not members:
        return
    if len(members) > children.max_parallel and not sweep.left:
        # While this process imports the project's code, another core has nothing to do.
        sweep.executor.warm_up()
    with sweep.source.delivering(members, sweep.config) as delivery:
        if sweep.project is not None:
            record_sweep(client, run_id, sweep.project, members, sweep.config, delivery)
        parallel = min(children.max_parallel, len(members))
        noun = "combination" if len(members) == 1 else "combinations"
        _logger.info("Training %d %s, %d at once", len(members), noun, parallel)
        trainings = list(zip(members, delivery.deliveries, strict=True))
        if fresh := [each for member, each in trainings if member.name not in sweep.left]:
            sweep.executor.prepare(fresh[0])
        with showing_progress() as line:
            if line is not None:
                children = replace(children, tell=tell_with_progress(children.tell, line))
                line.show(len(sweep.kept), len(sweep.members), f"{len(sweep.kept)} of {len(sweep.members)} trainings")
            if sweep.executor.traits.is_in_process:
                children.train_one_after_another(trainings)
            else:
                children.train_at_once(trainings)


def _summarize(
    client: TrackingClient,
    parent: Run,
    results: Sequence[SweepChildResult],
    members: Sequence[SweepMember],
    config: PlaceConfig,
) -> None:
    run_id, experiment_id = parent.info.run_id, parent.info.experiment_id
    grid, shown = mask_values(build_grid(members), client.mask), [mask_result(each, client.mask) for each in results]
    try:
        log_sweep_summary(client, run_id, experiment_id, shown, config.primary_metric, config.mode, grid)
        end_strays(client, parent, {each.run_id for each in results})
    except TrackingError as error:
        _logger.warning("The sweep's summary could not be logged as a whole: %s", error)


def _check(run_id: str, results: Sequence[SweepChildResult], costs: Costs, missing_metric: str | None) -> None:
    stopped = [each for each in results if each.status in (KILLED, NOT_STARTED)]
    if stopped and costs.budget.is_reached:
        raise JobStoppedError(
            f"{costs.budget.reason}: {len(stopped)} of {len(results)} trainings were stopped or not started; to go on, "
            f"run `tg-mlflow attach {run_id}` with a larger max_cost"
        )
    if stopped and missing_metric is not None:
        raise SweepError(
            f"{describe_missing_metric(results, missing_metric)}; {len(stopped)} of {len(results)} trainings were "
            f"stopped or not started: to go on, run `tg-mlflow attach {run_id} --backend-config "
            """'{"primary_metric": "..."}'`"""
        )
    failed = [each.name for each in results if each.status == FAILED]
    if failed:
        raise SweepError(f"{len(failed)} of {len(results)} trainings have failed: {_list(failed)}; their runs say why")
    missing = [each.name for each in results if each.status == NOT_STARTED]
    if missing:
        reason = next((each.failure for each in results if each.status == NOT_STARTED and each.failure), "")
        raise SweepError(
            f"{len(missing)} of {len(results)} trainings were not started: {_list(missing)}"
            f"{reason and f' ({reason})'}; run `tg-mlflow attach {run_id}` to train them"
        )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def build_grid(members: Sequence[SweepMember]) -> dict[str, list[Any]]:
    """Lists the values that each parameter has in a sweep, in the order in which they come."""
    grid: dict[str, dict[str, Any]] = {}
    for member in members:
        for name, value in member.combination.items():
            grid.setdefault(name, {}).setdefault(as_key(value), value)
    return {name: list(values.values()) for name, values in grid.items()}


def build_sweep_tags(members: Sequence[SweepMember]) -> dict[str, str]:
    """Builds the tags that mark a sweep's run from its creation on."""
    return {SWEEP_TAG: json.dumps(build_grid(members), default=str)}


def _common_params(members: Sequence[SweepMember]) -> dict[str, str]:
    """Returns the parameters that all members share."""
    return {
        name: value
        for name, value in members[0].params.items()
        if all(each.params.get(name) == value for each in members)
    }


def _count_parallel(sweep: Sweep) -> int:
    if sweep.executor.traits.is_in_process:
        return 1
    usual = find_place(sweep.config.place).default_parallel()
    return min(sweep.config.max_parallel or usual, len(sweep.members))
