"""The project backends, as MLflow calls them: one for each place."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import click
from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun

from tg.common import TgError
from tg.common.delivery.sagemaker import Executor, refuse_in_starting_worker
from tg.common.secrets import reveal_all
from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.backend.dry_run import describe_dry_run
from tg_mlflow.backend.request_headers import silence_header_warnings
from tg_mlflow.backend.run_request import RunRequest, read_command_options, read_given_run
from tg_mlflow.backend.submitted_run import EndedRun
from tg_mlflow.console import read_verbosity, say_start
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings
from tg_mlflow.delivery.project_training import ProjectTraining
from tg_mlflow.delivery.resumption import check_resumable
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.delivery.staying_files import warn_of_staying_files
from tg_mlflow.errors import BackendConfigError, RunNotOursError, TrackingError, as_cause, describe_failure
from tg_mlflow.listing.run_choice import find_run_id
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.project import Project, ProjectCommand, fetch_project
from tg_mlflow.recording.metric_patterns import MetricPatterns
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.plan import plan_sweep
from tg_mlflow.sweeps.source import ProjectSweep
from tg_mlflow.sweeps.sweep import Sweep, build_sweep_tags, train_sweep
from tg_mlflow.takeover.crashes import settle_crashes
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import read_run
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_run
from tg_mlflow.training.end import TrainingEnd
from tg_mlflow.training.training import Training, train_recorded

_logger = logging.getLogger("mlflow.tg_mlflow")


class ProjectBackend(AbstractBackend):
    """Trains an entry point ``tg-mlflow train MODULE:FACTORY …`` at a place and records it.

    A distribution with a place of its own registers a subclass in MLflow's group ``mlflow.project_backend``.

    Attributes:
        name: The name of the place.
    """

    name: ClassVar[str]

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: Mapping[str, Any] | None,
        version: str | None,
        backend_config: Mapping[str, Any] | None,
        tracking_uri: str,
        experiment_id: str,
    ) -> SubmittedRun:
        """Trains before it returns, even if the caller does not want to wait.

        Raises:
            ExecutionException: If nothing could be started. Also if the training failed and nobody waits for the
                returned run: ``mlflow run`` does not. Also after a dry run, which creates no run; the command ends
                without an error then.
        """
        options = read_command_options()
        if options is not None:
            say_start(project_uri, self.name)
        request = RunRequest(
            project_uri=project_uri,
            entry_point=entry_point,
            params=params or {},
            version=version,
            config=backend_config or {},
            tracking_uri=tracking_uri,
            experiment_id=experiment_id,
            run_id=read_given_run(),
            run_name=options.get("run_name") if options is not None else None,
            is_command=options is not None,
        )
        return run_project(self.name, request)


class AttachedBackend(ProjectBackend):
    """Trains in this process."""

    name = "tg-attached"


class ProcessBackend(ProjectBackend):
    """Trains in a child process."""

    name = "tg-process"


class LocalBackend(ProjectBackend):
    """Trains in a container."""

    name = "tg-local"


class SagemakerBackend(ProjectBackend):
    """Trains on SageMaker."""

    name = "tg-sagemaker"


def run_project(place_name: str, request: RunRequest) -> SubmittedRun:
    """Trains what a request asks for, one training or a sweep, and records it.

    Returns:
        The run, which has ended unless its job goes on by itself.

    Raises:
        ExecutionException: If nothing could be started; after a failed training and a dry run, see
            :meth:`ProjectBackend.run`.
    """
    silence_header_warnings()
    try:
        refuse_in_starting_worker()
        plan = _plan(place_name, request)
        if plan.is_dry_run:
            click.echo(describe_dry_run(plan.project, plan.command, plan.config, plan.client.mask))
        is_dear = plan.is_dry_run or plan.config.max_cost is not None  # a sweep says so itself
        if is_dear and not plan.members and (text := plan.costs.describe()) is not None:
            _logger.info("%s", text)
        warn_of_ignored_settings(plan.project, plan.command, plan.config, request.config)
        warn_of_staying_files(plan.command, plan.config)
        settle_crashes(plan.client)
        plan = replace(plan, config=_find_resumed(plan.client, plan.config))
    except TgError as error:
        raise ExecutionException(describe_failure(error)) from as_cause(error)
    if plan.is_dry_run:
        if request.is_command:
            raise click.exceptions.Exit(0)
        raise ExecutionException("it was a dry run, so there is no run; leave out dry_run to train")
    with terminating_as_interrupt():  # otherwise SIGTERM during its creation would leave a run behind
        run_id = _create_run(plan, request, place_name)
        try:
            with announcing_interrupt(plan.client, run_id):
                end = _train(plan, run_id)
            announce_end(plan.client, run_id, end)
        except TrackingError as error:
            raise ExecutionException(
                f"the tracking server does not say how run {run_id} has ended ({describe_failure(error)}); when it is "
                f"back, run `tg-mlflow status {run_id}`"
            ) from as_cause(error)
    if end.failure is not None and request.is_command:
        raise ExecutionException(end.failure.partition("\n")[0])  # the log has been shown
    return EndedRun(run_id, end.status, end.failure, raises=request.is_synchronous)


@dataclass(frozen=True)
class _Plan:
    """A resolved request.

    Attributes:
        project: The project.
        config: The place's configuration.
        members: The trainings of a sweep; empty if it is one training.
        params: The parameters of the training, or of the sweep's first one.
        command: Its command.
        executor: The executor that runs all trainings.
        client: The client of the tracking server.
        costs: What all trainings cost.
    """

    project: Project
    config: PlaceConfig
    members: Sequence[SweepMember]
    params: Mapping[str, str]
    command: ProjectCommand
    executor: Executor
    client: TrackingClient
    costs: Costs

    @property
    def is_dry_run(self) -> bool:
        return bool(getattr(self.config, "dry_run", False))


def _plan(place_name: str, request: RunRequest) -> _Plan:
    place, entry_point = find_place(place_name), request.entry_point
    project = fetch_project(request.project_uri, request.version)
    given, hidden = reveal_all(request.params)
    config = load_config(place.config_model, project.folder, request.config)
    config = config.model_copy(update={"secrets": [*config.secrets, *hidden]})
    if request.is_synchronous and getattr(config, "detach", False):
        raise BackendConfigError(
            "detach is for trainings that nobody waits for, and MLflow would end the run at once; pass "
            "synchronous=False, too"
        )
    costs = Costs(place, config)
    costs.check()
    read_verbosity()  # a wrong one is refused before there is a run, as is what follows
    MetricPatterns(config.metric_regexes)
    members = plan_sweep(project, entry_point, given, config) if config.sweep else []
    params = members[0].params if members else project.resolve_parameters(entry_point, given)
    command = project.build_command(entry_point, params)
    executor = place.open(place.build_options(config, project.folder), is_shared=bool(members))
    client = TrackingClient(request.tracking_uri, find_secrets(params, project, command, config))
    return _Plan(project, config, members, params, command, executor, client, costs)


def _find_resumed(client: TrackingClient, config: PlaceConfig) -> PlaceConfig:
    """Finds the run that a training goes on from, which is named as in commands, before there is a new run."""
    if config.resume_from is None:
        return config
    run_id = find_run_id(client, config.resume_from)
    check_resumable(read_run(client, run_id))
    return config.model_copy(update={"resume_from": run_id})


def _create_run(plan: _Plan, request: RunRequest, place_name: str) -> str:
    run_name = request.run_name or (f"{plan.project.name} sweep" if plan.members else None)
    tags = build_sweep_tags(plan.members) if plan.members else {}
    experiment_id, entry_point = request.experiment_id, request.entry_point
    try:
        return create_run(
            plan.client, experiment_id, plan.project, entry_point, place_name, run_name, tags, request.run_id
        )
    except RunNotOursError as error:
        raise ExecutionException(describe_failure(error)) from error
    except TrackingError as error:
        failure = f"the tracking server takes no new run: {describe_failure(error)}"
        raise ExecutionException(failure) from as_cause(error)


def _train(plan: _Plan, run_id: str) -> TrainingEnd:
    if plan.members:
        sweep = Sweep(
            plan.members, plan.config, ProjectSweep(plan.project), plan.executor, plan.project, costs=plan.costs
        )
        return train_sweep(plan.client, run_id, sweep)
    source = ProjectTraining(plan.project, plan.command)
    training = Training(source, plan.config, plan.executor, costs=plan.costs)
    return train_recorded(plan.client, run_id, plan.params, training)
