"""Resumes a sweep whose launcher is gone: keeps what has ended, follows what runs, and trains the rest."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlflow.entities import Run, RunStatus
from pydantic import ValidationError

from tg.common.delivery.sagemaker import Executor
from tg.common.errors import TaskDefinitionError
from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.secrets import MASK
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.secrets import find_config_secrets
from tg_mlflow.errors import BackendConfigError, RunNotOursError, TrackingError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.loading import check_config, describe_problem
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.project import Project
from tg_mlflow.sweeps.delivery import SweepDelivery, deliver_from_package
from tg_mlflow.sweeps.member import SweepMember, number_job
from tg_mlflow.sweeps.record import RecordedMember, RecordedSweep, check_is_no_study, read_sweep
from tg_mlflow.sweeps.report.table import FAILED, FINISHED, SweepChildResult, describe_child
from tg_mlflow.sweeps.runs import group_children, list_children
from tg_mlflow.sweeps.sweep import Sweep, SweepEnd, train_sweep
from tg_mlflow.takeover.left_job import find_left_job
from tg_mlflow.takeover.run_job import RunJob, find_run_place
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.launcher import keeps_jobs_here, read_launcher
from tg_mlflow.tracking.search import download_quietly
from tg_mlflow.tracking.tags import COST_METRIC, FAILURE_REASON_TAG, STOP_REASON_TAG
from tg_mlflow.training.announcement import announcing_interrupt

_logger = logging.getLogger("mlflow.tg_mlflow")


def resume_sweep(
    client: TrackingClient, parent: Run, given: Mapping[str, Any] | None = None, retries_failed: bool = False
) -> SweepEnd:
    """Resumes a sweep from its run.

    Trainings that have FINISHED are kept, and so are those that have FAILED, unless they are retried. Those whose jobs
    go on are recorded to their end. Those that were KILLED or never started are trained, from the sweep's original
    package: neither the project nor its code is needed, and changes of the code have no effect. Ctrl-C stops all
    running trainings, as with any sweep.

    Args:
        client: The tracking server's.
        parent: The sweep's run.
        given: Keys of the backend config that override those of the sweep's start.
        retries_failed: Whether those that have FAILED are trained again.

    Returns:
        How it has ended.

    Raises:
        RunNotOursError: If it cannot be resumed here, or its launcher goes on.
        BackendConfigError: If the configuration is invalid, had secrets that were not kept, or ``max_cost`` is spent.
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when all runs have been KILLED.
    """
    run_id, tags = parent.info.run_id, parent.data.tags
    _check_is_free(parent)
    check_is_no_study(parent)
    with temporary_folder() as folder:
        recorded = read_sweep(client, run_id, folder)
        place = find_run_place(run_id, recorded.place)
        project = Project(str(recorded.folder), None, recorded.folder, recorded.project_name, None)
        config = _load_config(place.config_model, recorded, given or {})
        members = [_build_member(each, config) for each in recorded.members]
        client = TrackingClient(client.tracking_uri, find_config_secrets(recorded.folder, config))
        with project_environment(project.folder):
            executor = place.open(place.build_options(config, project.folder), is_shared=True)
            runs = group_children(list_children(client, parent))
            found = _sort_out(client, members, runs, executor, keeps_jobs_here(tags), retries_failed)
            costs = Costs(place, config, _add_up(runs, found.left))
            costs.check()
            _logger.info(
                "Resuming sweep %s: of %d trainings, %d have ended and %d go on",
                run_id,
                len(members),
                len(found.kept),
                len(found.left),
            )
            members = [_renew_job_name(each, len(runs.get(each.name, ()))) for each in members]
            _check_is_free(client.get_run(run_id))  # once more, as all this has taken some time
            client.update_run(run_id, RunStatus.to_string(RunStatus.RUNNING))
            for tag in {FAILURE_REASON_TAG, STOP_REASON_TAG} & tags.keys():
                client.delete_tag(run_id, tag)
            source = _PackagedSweep(client, run_id, recorded, project, folder)
            sweep = Sweep(members, config, source, executor, kept=found.kept, left=found.left, costs=costs)
            with announcing_interrupt(client, run_id):
                return train_sweep(client, run_id, sweep)


def _check_is_free(parent: Run) -> None:
    if (launcher := read_launcher(parent.data.tags)) is not None:
        raise RunNotOursError(
            f"sweep {parent.info.run_id!r} is run by process {launcher.pid} now; wait for it, or stop it with "
            f"`tg-mlflow cancel {parent.info.run_id}`"
        )


@dataclass(frozen=True)
class _Found:
    """The state of a sweep's trainings, by name.

    Attributes:
        kept: Those that are not trained again.
        left: Those whose jobs are recorded to their end.
    """

    kept: Mapping[str, SweepChildResult]
    left: Mapping[str, RunJob]


@dataclass(frozen=True)
class _PackagedSweep:
    """The tasks that are in the package of a sweep's run."""

    client: TrackingClient
    run_id: str
    recorded: RecordedSweep
    project: Project
    folder: Path

    @contextmanager
    def delivering(self, members: Sequence[SweepMember], config: PlaceConfig) -> Iterator[SweepDelivery]:
        try:
            path = download_quietly(self.client, self.run_id, self.recorded.package, self.folder)
        except TrackingError as error:
            raise RunNotOursError(f"the package of sweep {self.run_id!r} cannot be downloaded: {error}") from error
        resources = {each.name: each.resource for each in self.recorded.members}
        yield deliver_from_package(path, [resources[each.name] for each in members], self.project, members, config)


def _load_config(model: type[PlaceConfig], recorded: RecordedSweep, given: Mapping[str, Any]) -> PlaceConfig:
    # Without the defaults of tg.json, which may have changed: the recorded configuration includes them.
    own = check_config(model, given)
    try:
        config = model.model_validate({**recorded.config, **own})
    except ValidationError as error:
        raise BackendConfigError(f"the sweep's configuration cannot be used: {describe_problem(error)}") from None
    for key, value in config.model_dump(mode="json").items():
        if MASK in json.dumps(value):
            raise BackendConfigError(f"{key!r} has a secret, which the sweep's run does not keep; give it again")
    return config


def _build_member(recorded: RecordedMember, config: PlaceConfig) -> SweepMember:
    if MASK in json.dumps(recorded.config):
        raise BackendConfigError(
            f"training {recorded.name!r} has a secret among its parameters, which the sweep's run does not keep; "
            "start a new sweep"
        )

    def make_task() -> AbstractTrainingTask:
        raise TaskDefinitionError(f"the task {recorded.name!r} is made already; it is in the package")

    own = config.model_copy(update=dict(recorded.config))
    return SweepMember(recorded.name, recorded.combination, recorded.params, own, make_task)


def _add_up(runs: Mapping[str, Sequence[Run]], left: Mapping[str, RunJob]) -> float:
    """Adds up what trainings have cost so far, without those that are still recorded."""
    followed = {each.run_id for each in left.values()}
    known = [run for each in runs.values() for run in each if run.info.run_id not in followed]
    return sum(float(run.data.metrics.get(COST_METRIC, 0)) for run in known)


def _renew_job_name(member: SweepMember, earlier: int) -> SweepMember:
    """Gives a training that had jobs another job name, if the user has named them: AWS accepts a name only once.

    Args:
        member: The training.
        earlier: How many runs it has had.
    """
    config = number_job(member.config, earlier + 1) if earlier else member.config
    return replace(member, config=config)


def _sort_out(
    client: TrackingClient,
    members: Sequence[SweepMember],
    runs: Mapping[str, Sequence[Run]],
    executor: Executor,
    is_here: bool,
    retries_failed: bool,
) -> _Found:
    kept: dict[str, SweepChildResult] = {}
    left: dict[str, RunJob] = {}
    for member in members:
        for run in runs.get(member.name, ()):
            found = find_left_job(client, run, is_here, executor)
            if found is not None:
                left[member.name] = found
            elif run.info.status == FINISHED or (run.info.status == FAILED and not retries_failed):
                reason = run.data.tags.get(FAILURE_REASON_TAG)
                kept[member.name] = describe_child(run, member.name, member.combination, run.info.status, reason)
    return _Found({name: result for name, result in kept.items() if name not in left}, left)
