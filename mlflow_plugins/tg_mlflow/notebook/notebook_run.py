"""The folder, configuration and run of trainings that Python code starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
from mlflow.environment_variables import MLFLOW_RUN_ID
from mlflow.tracking import fluent
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID, MLFLOW_PROJECT_BACKEND

from tg.common.delivery.sagemaker import Executor, refuse_in_starting_worker
from tg_mlflow.cost.costs import Costs
from tg_mlflow.delivery.secrets import find_config_secrets
from tg_mlflow.errors import BackendConfigError, ProjectError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import find_place
from tg_mlflow.project.project import Project, read_project
from tg_mlflow.sweeps.member import SweepMember, check_goes_with_sweep
from tg_mlflow.takeover.crashes import settle_crashes
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.new_run import find_or_create_experiment
from tg_mlflow.training.creation import create_tagged_run


@dataclass(frozen=True)
class NotebookRun:
    """Where and how tasks of a notebook or a script are trained.

    Attributes:
        place: The place where they are trained.
        project: The folder with their data; modules that they need are found automatically.
        config: The place's configuration.
        costs: What all trainings cost.
    """

    place: Place
    project: Project
    config: PlaceConfig
    costs: Costs

    @staticmethod
    def read(backend: str, folder: Path, config: Mapping[str, Any] | str | Path | None) -> "NotebookRun":
        """Reads the user's arguments.

        Args:
            backend: The name of the place.
            folder: The folder; a ``tg.json`` in it has defaults, and the project has the name of its MLproject, or else
                of the folder.
            config: Keys and values, or a JSON file of them.

        Raises:
            BackendConfigError: If they are invalid.
            ProjectError: If there is no such folder.
            TgError: In a worker process that imports the calling program.
        """
        refuse_in_starting_worker()
        place, folder = find_place(backend), Path(folder).expanduser().resolve()
        if not folder.is_dir():
            raise ProjectError(f"folder {str(folder)!r} does not exist; correct the path")
        given = _read_config(config)
        if "sweep" in given:
            raise BackendConfigError("sweep is for projects; build a task for each combination, as with Autonamer")
        loaded = load_config(place.config_model, folder, given).model_copy(update={"sweep": {}})
        check_goes_with_sweep(loaded)
        costs = Costs(place, loaded)
        costs.check()
        name = read_project(folder).name if (folder / "MLproject").is_file() else folder.name
        return NotebookRun(place, Project(str(folder), None, folder, name, None), loaded, costs)

    def open_executor(self) -> Executor:
        """Makes the executor that all trainings share."""
        return self.place.open(self.place.build_options(self.config, self.project.folder), is_shared=True)

    def connect(self, members: Sequence[SweepMember] = ()) -> TrackingClient:
        """Connects to MLflow's current tracking server, and settles what crashed processes have left there.

        Args:
            members: Trainings, whose parameters' secrets are masked, too.
        """
        configs = (self.config, *(member.config for member in members))
        listed = dict.fromkeys(name for each in configs for name in each.secrets)
        config = self.config.model_copy(update={"secrets": list(listed)})
        mask = find_config_secrets(self.project.folder, config, *(member.params for member in members))
        client = TrackingClient(mlflow.get_tracking_uri(), mask)
        settle_crashes(client)
        return client

    def create_run(
        self, client: TrackingClient, experiment_name: str | None, run_name: str, more_tags: Mapping[str, str]
    ) -> str:
        """Creates the parent run of all trainings, below this thread's active run, if there is one.

        A run that ``MLFLOW_RUN_ID`` names is taken instead.

        Args:
            client: The tracking server's.
            experiment_name: The experiment, by default the active one; created if it does not exist.
            run_name: Its name.
            more_tags: Its tags from the beginning, besides MLflow's own.
        """
        active = fluent.active_run()
        parent = {MLFLOW_PARENT_RUN_ID: active.info.run_id} if active else {}
        tags = {**resolve_tags(), **parent, MLFLOW_PROJECT_BACKEND: self.place.name, **more_tags}
        given = MLFLOW_RUN_ID.get()
        experiment_id = find_experiment(client, experiment_name) if given is None else ""
        return create_tagged_run(client, experiment_id, tags, run_name, given)


def find_experiment(client: TrackingClient, name: str | None) -> str:
    """Returns the id of an experiment, which is created if it does not exist; of the active one without a name."""
    if name is None:
        return str(fluent._get_experiment_id())
    return find_or_create_experiment(client, name)


def _read_config(config: Mapping[str, Any] | str | Path | None) -> dict[str, Any]:
    if config is None or isinstance(config, Mapping):
        return dict(config or {})
    try:
        content = json.loads(Path(config).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackendConfigError(f"config {str(config)!r} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise BackendConfigError(f"config {str(config)!r} holds a {type(content).__name__}; give an object")
    return content
