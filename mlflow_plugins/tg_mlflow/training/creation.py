"""Creates runs, with what is known of them at once."""

from collections.abc import Mapping
from importlib.metadata import version

from mlflow.entities import Param, Run, SourceType
from mlflow.projects.utils import _is_local_uri, _is_valid_branch_name
from mlflow.tracking import fluent
from mlflow.tracking._tracking_service.utils import _get_git_url_if_present
from mlflow.tracking.context.default_context import _get_user
from mlflow.utils import mlflow_tags
from mlflow.utils.git_utils import get_git_commit, get_git_repo_url

from tg.common.system.interrupts import uninterrupted
from tg_mlflow.project.project import Project
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.lifecycle import kill_run
from tg_mlflow.tracking.new_run import create_run_once
from tg_mlflow.tracking.tags import (
    GIT_DIRTY_TAG,
    SWEEP_NAME_TAG,
    VERSION_TAG,
)
from tg_mlflow.training.given_run import take_run
from tg_mlflow.training.origin import describe_origin

# What a run is from: its project or notebook, and the commit.
_ORIGIN_PREFIXES = ("mlflow.source.", "mlflow.project.", GIT_DIRTY_TAG)


def create_run(
    client: TrackingClient,
    experiment_id: str,
    project: Project,
    entry_point: str,
    backend: str,
    run_name: str | None,
    more_tags: Mapping[str, str] | None = None,
    given: str | None = None,
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
        given: The id of a run that is taken instead.

    Returns:
        The id of the run, which belongs to the active one of this thread, if there is one.

    Raises:
        RunNotOursError: If the given run takes no training.
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
    return create_tagged_run(client, experiment_id, {**known, **(more_tags or {})}, run_name, given)


def create_child_run(client: TrackingClient, parent: Run, name: str) -> str:
    """Creates the run of a training of a sweep, from where its parent is from.

    Raises:
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    tags = {**_inherit(parent), mlflow_tags.MLFLOW_PARENT_RUN_ID: parent.info.run_id, SWEEP_NAME_TAG: name}
    return create_tagged_run(client, parent.info.experiment_id, tags, name)


def create_again(
    client: TrackingClient, earlier: Run, tag: str, experiment_id: str, backend: str, run_name: str | None
) -> str:
    """Creates the run of a training of another run's package, from where that is from.

    Args:
        client: The tracking server's.
        earlier: The other run.
        tag: The tag that names it in the new one.
        experiment_id: Where it is created.
        backend: What the user calls the backend.
        run_name: Its name; MLflow invents one if there is none.

    Raises:
        TrackingError: If the tracking server does not create it.
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    own = {mlflow_tags.MLFLOW_PROJECT_BACKEND: backend, tag: earlier.info.run_id}
    return create_tagged_run(client, experiment_id, {**_inherit(earlier), **own}, run_name)


def _inherit(run: Run) -> dict[str, str]:
    """Returns the tags of a run whose training is from where another one is from."""
    origin = {tag: value for tag, value in run.data.tags.items() if tag.startswith(_ORIGIN_PREFIXES)}
    return {**origin, mlflow_tags.MLFLOW_USER: _get_user()}


def create_tagged_run(
    client: TrackingClient,
    experiment_id: str,
    tags: Mapping[str, str],
    run_name: str | None,
    given: str | None = None,
) -> str:
    """Creates a run and returns its id.

    It asks once, as a second request may make a second run. Where the answer is lost, the run is found by a tag; where
    MLflow's own client has asked twice, the other run is removed.

    Args:
        client: The tracking server's.
        experiment_id: Where it is created.
        tags: Its tags, besides that of the version.
        run_name: Its name; MLflow invents one if there is none.
        given: The id of a run that is taken instead.

    Raises:
        RunNotOursError: If the given run takes no training.
        TrackingError: If the tracking server does not create it.
        KeyboardInterrupt: If it is interrupted; the run is KILLED then.
    """
    tags, hasty = {VERSION_TAG: version("tg-mlflow"), **tags}, client.without_patience()
    with uninterrupted() as held:
        if given is not None:
            run_id = take_run(hasty, given, tags, run_name)
        else:
            run_id = create_run_once(hasty, experiment_id, tags, run_name)
            client.note_creation(run_id, experiment_id)
    try:
        held.raise_any()
    except KeyboardInterrupt as interrupt:
        kill_run(client, run_id, interrupt)
        raise
    return run_id


def log_params(client: TrackingClient, run_id: str, params: Mapping[str, str]) -> None:
    """Logs parameters as the user wrote them."""
    client.log_batch(run_id, params=[Param(name, value) for name, value in params.items()])
