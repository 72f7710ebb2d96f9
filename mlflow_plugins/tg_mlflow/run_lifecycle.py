"""The life of an MLflow run: created with what is known at once, ended on every path."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from mlflow import MlflowClient
from mlflow.entities import Param, Run, RunStatus, RunTag, SourceType
from mlflow.exceptions import MlflowException
from mlflow.projects.utils import _is_local_uri, _is_valid_branch_name
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service.utils import _get_git_url_if_present
from mlflow.tracking.context.default_context import _get_user
from mlflow.utils import mlflow_tags
from mlflow.utils.git_utils import get_git_commit, get_git_repo_url

from tg.common import DeliveryError, JobFailedError, JobStoppedError, TgError
from tg.common.delivery.delivery import uninterrupted
from tg.common.errors import JobUnreachableError
from tg.common.secret_mask import SecretMask
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.errors import RecordingError, RunEndedError
from tg_mlflow.patience import patiently
from tg_mlflow.project import Project
from tg_mlflow.run_origin import GIT_DIRTY_TAG, VERSION_TAG, describe_origin
from tg_mlflow.run_tags import CONFIG_TAG, SWEEP_NAME_TAG

_logger = logging.getLogger("mlflow.tg_mlflow")

FAILURE_REASON_TAG = "tg.failure_reason"

# What a run is from: its project or notebook, and the commit.
_ORIGIN_PREFIXES = ("mlflow.source.", "mlflow.project.", GIT_DIRTY_TAG, VERSION_TAG)


def create_run(
    client: MlflowClient,
    experiment_id: str,
    project: Project,
    entry_point: str,
    backend: str,
    run_name: str | None,
    more_tags: Mapping[str, str] | None = None,
) -> str:
    """Creates the run of a project, with the tags that MLflow's own backends give it.

    Args:
        client: The tracking server's.
        experiment_id: Where it is created.
        project: The project.
        entry_point: What of it is run.
        backend: What the user calls the backend.
        run_name: The run's name; MLflow invents one if there is none.
        more_tags: What else it has from its first moment.

    Returns:
        The id of the run, which belongs to the active one of this thread, if there is one.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    folder = str(project.folder)
    active = fluent.active_run()
    is_local = _is_local_uri(project.uri.partition("#")[0])
    tags = {
        mlflow_tags.MLFLOW_USER: _get_user(),
        mlflow_tags.MLFLOW_SOURCE_NAME: _get_git_url_if_present(folder) if is_local else project.uri,
        mlflow_tags.MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.PROJECT),
        mlflow_tags.MLFLOW_PROJECT_ENTRY_POINT: entry_point,
        mlflow_tags.MLFLOW_PROJECT_BACKEND: backend,
        mlflow_tags.MLFLOW_GIT_COMMIT: get_git_commit(folder),
        mlflow_tags.MLFLOW_GIT_REPO_URL: get_git_repo_url(folder),
        mlflow_tags.MLFLOW_GIT_BRANCH: project.version if _is_valid_branch_name(folder, project.version) else None,
        mlflow_tags.MLFLOW_PARENT_RUN_ID: active.info.run_id if active else None,
    }
    known = {name: value for name, value in tags.items() if value is not None} | describe_origin(folder)
    return create_tagged_run(client, experiment_id, {**known, **(more_tags or {})}, run_name)


def create_child_run(client: MlflowClient, parent: Run, name: str) -> str:
    """Creates the run of a training of a sweep, from where its parent is from.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    origin = {tag: value for tag, value in parent.data.tags.items() if tag.startswith(_ORIGIN_PREFIXES)}
    own = {mlflow_tags.MLFLOW_USER: _get_user(), mlflow_tags.MLFLOW_PARENT_RUN_ID: parent.info.run_id}
    return create_tagged_run(client, parent.info.experiment_id, {**origin, **own, SWEEP_NAME_TAG: name}, name)


def create_tagged_run(client: MlflowClient, experiment_id: str, tags: Mapping[str, str], run_name: str | None) -> str:
    """Creates a run and returns its id.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    with uninterrupted() as held:
        run_id = str(client.create_run(experiment_id, tags=dict(tags), run_name=run_name).info.run_id)
    if held.any:
        kill_run(client, run_id)
    held.raise_any()
    return run_id


def log_params(
    client: MlflowClient, run_id: str, params: Mapping[str, str], config: BackendConfig | None = None
) -> None:
    """Logs parameters as the user wrote them, and a configuration as the tag ``tg.config``.

    The tag has those keys that are not as they are by default, but for ``sweep``, which is in the sweep's plan.
    """
    given = None if config is None else config.model_dump_json(exclude_defaults=True, exclude={"sweep"})
    tags = [] if given is None else [RunTag(CONFIG_TAG, given)]
    client.log_batch(run_id, params=[Param(name, value) for name, value in params.items()], tags=tags)


@dataclass
class Ending:
    """What becomes of a run.

    Attributes:
        is_due: Whether the run ends if nothing goes wrong; it does not where its job goes on by itself.
        patience_seconds: How long the server may be away then; for an interrupt's end, it is not waited for.
    """

    is_due: bool = True
    patience_seconds: float = 0.0


@contextmanager
def ending_run(client: MlflowClient, run_id: str, kills: bool = True, is_open: bool = True) -> Iterator[Ending]:
    """Ends the run when the context is left.

    It is FINISHED if that is due, FAILED with the reason as a tag, or KILLED for an interrupt.

    A run whose recording is not complete is not ended, nor is one a second time that another process has ended
    meanwhile and whose job it has removed. Whatever is raised goes on to the caller.

    Args:
        client: The tracking server's.
        run_id: The run.
        kills: Whether an interrupt ends the run, too; it does not where the job goes on.
        is_open: Whether the run has not ended at the beginning.

    Raises:
        RecordingError: If the server does not take the end, also when something else is being raised.
        RunEndedError: If another process has ended the run, in place of what that has led to here.
    """
    ending = Ending()
    try:
        yield ending
    except JobStoppedError:
        _end(client, run_id, RunStatus.KILLED)
        raise
    except (KeyboardInterrupt, GeneratorExit):
        if kills:
            _end(client, run_id, RunStatus.KILLED)
        raise
    except (RecordingError, JobUnreachableError):
        raise  # the run is ended by whoever records the rest
    except BaseException as error:
        if is_open and isinstance(error, DeliveryError):
            _check_is_open(client, run_id, error)
        # If it is the server that is away, it has been waited for.
        seconds = 0.0 if isinstance(error, (MlflowException, OSError)) else ending.patience_seconds
        reason = describe_failure(error)
        try:
            patiently(partial(client.set_tag, run_id, FAILURE_REASON_TAG, reason), seconds, "a failure")
        finally:
            _end(client, run_id, RunStatus.FAILED, seconds)
        raise
    if ending.is_due:
        _end(client, run_id, RunStatus.FINISHED, ending.patience_seconds)


def kill_run(client: MlflowClient, run_id: str) -> None:
    """Ends a run as KILLED after an interrupt, unless it has ended, and says on the console how it stands.

    Raises:
        RecordingError: If the server does not take it.
    """
    killed, status = RunStatus.to_string(RunStatus.KILLED), client.get_run(run_id).info.status
    if not RunStatus.is_terminated(RunStatus.from_string(status)):
        _end(client, run_id, RunStatus.KILLED)
        status = killed
    when = "it was interrupted" if status == killed else "it was interrupted after its end"
    _logger.error("=== Run %s %s: %s ===", run_id, status, when)


def _check_is_open(client: MlflowClient, run_id: str, error: DeliveryError) -> None:
    try:
        status = client.get_run(run_id).info.status
    except (MlflowException, OSError):
        return  # it is seen when the run is to be ended
    if RunStatus.is_terminated(RunStatus.from_string(status)):
        raise RunEndedError(f"another process has ended the run meanwhile ({describe_failure(error)})") from error


def _end(client: MlflowClient, run_id: str, status: int, patience_seconds: float = 0.0) -> None:
    word = str(RunStatus.to_string(status))

    def end() -> None:
        with uninterrupted():
            client.set_terminated(run_id, word)

    try:
        patiently(end, patience_seconds, "a run's end")
    except (MlflowException, OSError, KeyboardInterrupt) as error:
        raise RecordingError(
            f"the tracking server did not take that run {run_id} is {word} ({describe_failure(error)}); the job is "
            f"kept: when the server is back, run `tg-mlflow attach {run_id}`"
        ) from error


def describe_failure(error: BaseException) -> str:
    """Writes an error as one line, without passwords in addresses; those of ours need no type in front.

    What a job's error has after its first line is the end of the job's log.
    """
    text = str(error).partition("\n")[0] if isinstance(error, JobFailedError) else str(error)
    text = SecretMask().mask(" ".join(text.split()))
    return text if isinstance(error, TgError) else f"{type(error).__name__}: {text}" if text else type(error).__name__
