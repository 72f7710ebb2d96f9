"""The project backends: each translates a project and its configuration into a job, and the job into a run."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import click
from mlflow.exceptions import ExecutionException, MlflowException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import PROJECT_SYNCHRONOUS

from tg.common import TgError
from tg.common.delivery.delivery import terminating_as_interrupt
from tg.common.delivery.sagemaker import (
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerExecutor,
    SagemakerLocalExecutor,
    SagemakerProcessExecutor,
    SagemakerRemoteExecutor,
    SharedAccount,
    refuse_in_starting_worker,
)
from tg.common.errors import suggestion
from tg_mlflow.backend.dry_run import describe_dry_run
from tg_mlflow.backend.submitted_run import EndedRun
from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.delivery.training_source import ProjectTraining
from tg_mlflow.errors import BackendConfigError, describe_failure
from tg_mlflow.places.config import (
    AttachedConfig,
    BackendConfig,
    LocalConfig,
    ProcessConfig,
    RemoteConfig,
    load_backend_config,
)
from tg_mlflow.project.project import fetch_project
from tg_mlflow.sweeps.plan import plan_sweep
from tg_mlflow.sweeps.source import ProjectSweep
from tg_mlflow.sweeps.sweep import Sweep, build_sweep_tags, train_sweep
from tg_mlflow.tracking.masking_client import MaskingClient
from tg_mlflow.tracking.request_headers import silence_header_warnings
from tg_mlflow.training.announcement import announce_end, announcing_interrupt
from tg_mlflow.training.creation import create_run
from tg_mlflow.training.recorded import TrainingEnd, train_recorded
from tg_mlflow.training.submission import ExecutorFactory


class ProjectBackend(AbstractBackend):
    """Has an entry point ``tg-mlflow train MODULE:FACTORY …`` trained and records it.

    Attributes:
        name: What users call it.
        config_model: The keys of its configuration.
    """

    name: ClassVar[str]
    config_model: ClassVar[type[BackendConfig]]

    @abstractmethod
    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        """Makes the place where the job runs."""

    def share_place(self, config: Any) -> ExecutorFactory:
        """Makes what makes the places of jobs that run at the same time."""
        return self.make_executor

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
        """Trains before it returns, whether or not it is asked to wait.

        Raises:
            ExecutionException: If nothing could be started. If the training failed, too, where nobody would wait for
                the run that is returned: ``mlflow run`` does not. After a dry run, which makes no run to return; the
                command ends without an error then.
        """
        silence_header_warnings()
        given = dict(backend_config or {})
        shell = _shell_parameters()
        try:
            refuse_in_starting_worker()
            project = fetch_project(project_uri, version)
            config = load_backend_config(self.config_model, project.folder, given)
            members = plan_sweep(project, entry_point, params or {}, config) if config.sweep else []
            raw_params = members[0].params if members else project.resolve_parameters(entry_point, params or {})
            command = project.build_command(entry_point, raw_params)
            make_executor = self.share_place(config) if members else self.make_executor
            client = MaskingClient(tracking_uri, find_secrets(raw_params, project, command, config))
            if isinstance(config, RemoteConfig) and config.dry_run:
                click.echo(describe_dry_run(project, command, config, client.mask))
            warn_of_ignored_settings(project, config, given)
        except TgError as error:
            raise ExecutionException(describe_failure(error)) from error
        if isinstance(config, RemoteConfig) and config.dry_run:
            if shell:
                raise click.exceptions.Exit(0)
            raise ExecutionException("it was a dry run, so there is no run; leave out dry_run to train")
        run_name = shell.get("run_name") or (f"{project.name} sweep" if members else None)
        tags = build_sweep_tags(members) if members else {}
        with terminating_as_interrupt():  # else a run whose creation SIGTERM interrupts would be left
            try:
                run_id = create_run(client, experiment_id, project, entry_point, self.name, run_name, tags)
            except (MlflowException, OSError) as error:
                raise ExecutionException(f"the tracking server takes no new run: {describe_failure(error)}") from error
            with announcing_interrupt(client, run_id):
                if members:
                    sweep = Sweep(members, config, ProjectSweep(project), make_executor, project)
                    end: TrainingEnd = train_sweep(client, run_id, sweep)
                else:
                    source = ProjectTraining(project, command)
                    end = train_recorded(client, run_id, raw_params, source, config, make_executor)
        announce_end(client, run_id, end)
        if end.failure is not None and shell:
            raise ExecutionException(end.failure.partition("\n")[0])  # the log has been shown
        return EndedRun(run_id, end.status, end.failure, raises=bool(given.get(PROJECT_SYNCHRONOUS)))


class AttachedBackend(ProjectBackend):
    """``tg-attached``: trains in this process."""

    name = "tg-attached"
    config_model = AttachedConfig

    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        return SagemakerAttachedExecutor(delivery)


class ProcessBackend(ProjectBackend):
    """``tg-process``: trains in a child process that sees only the package."""

    name = "tg-process"
    config_model = ProcessConfig

    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        return SagemakerProcessExecutor(delivery)


class LocalBackend(ProjectBackend):
    """``tg-local``: trains in a container."""

    name = "tg-local"
    config_model = LocalConfig

    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        return SagemakerLocalExecutor(delivery)


class SagemakerBackend(ProjectBackend):
    """``tg-sagemaker``: trains on SageMaker."""

    name = "tg-sagemaker"
    config_model = RemoteConfig

    def make_executor(self, delivery: SagemakerConfig) -> SagemakerExecutor:
        return SagemakerRemoteExecutor(delivery)

    def share_place(self, config: RemoteConfig) -> ExecutorFactory:
        """Has all jobs share one account, whose limits they keep together."""
        account = SharedAccount(config.region, config.profile)
        return partial(SagemakerRemoteExecutor, account=account)


BACKENDS = {each.name: each for each in (AttachedBackend, ProcessBackend, LocalBackend, SagemakerBackend)}


def find_backend(name: str) -> ProjectBackend:
    """Makes a backend by what users call it.

    Raises:
        BackendConfigError: If there is none of this name.
    """
    if name not in BACKENDS:
        raise BackendConfigError(f"backend {name!r} is unknown; {suggestion(name, BACKENDS)}")
    return BACKENDS[name]()


def _shell_parameters() -> dict[str, Any]:
    """The options of ``mlflow run``, if that is what runs us; MLflow does not hand them on."""
    context = click.get_current_context(silent=True)
    return dict(context.params) if context is not None and "backend_config" in context.params else {}
