"""A training from its first to its last word in an MLflow run."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack

from mlflow import MlflowClient

from tg.common import TgError
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.errors import RecordingError
from tg_mlflow.project import Project
from tg_mlflow.run_lifecycle import describe_failure, ending_run, log_params, terminating_as_interrupt
from tg_mlflow.run_summary import describe_run
from tg_mlflow.train_command import TrainCommand
from tg_mlflow.training import ExecutorFactory, train

# A child of MLflow's logger, so that whoever configures MLflow's output configures ours.
_logger = logging.getLogger("mlflow.tg_mlflow")


def train_recorded(
    client: MlflowClient,
    run_id: str,
    params: Mapping[str, str],
    project: Project,
    command: TrainCommand,
    config: BackendConfig,
    make_executor: ExecutorFactory,
) -> str | None:
    """Trains, records into a run that exists, and ends the run whatever happens.

    Says how it has ended; an error of the project's own code is shown with its traceback.

    Args:
        client: The tracking server's.
        run_id: The run.
        params: What to log as parameters besides the hyperparameters.
        project: What is trained.
        command: The factory and its arguments.
        config: How.
        make_executor: Where.

    Returns:
        ``None`` if the training succeeded, else the run's id and status and what went wrong, in one line.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the run has been KILLED.
    """
    try:
        with terminating_as_interrupt(), ExitStack() as afterwards, ending_run(client, run_id):
            log_params(client, run_id, params)
            train(client, run_id, project, command, config, make_executor, afterwards)
    except RecordingError as error:
        return f"Run {run_id} is not complete: {describe_failure(error)}"
    except (Exception, SystemExit) as error:
        if not isinstance(error, TgError):
            _logger.exception("The training raised an error that is not about its input:")
        return f"Run {run_id} {client.get_run(run_id).info.status}: {describe_failure(error)}"
    _logger.info("%s", describe_run(client, run_id))
    return None
