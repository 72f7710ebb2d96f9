"""A training from its first to its last word in an MLflow run."""

import logging
import os
import traceback
from collections.abc import Mapping
from contextlib import ExitStack

from mlflow import MlflowClient

from tg.common import JobFailedError, TgError
from tg.common.delivery.delivery import terminating_as_interrupt
from tg.common.secret_mask import SecretMask
from tg_mlflow.backend_config import BackendConfig
from tg_mlflow.errors import RecordingError
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.project import Project
from tg_mlflow.project_environment import read_environment
from tg_mlflow.run_lifecycle import describe_failure, ending_run, log_params
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
        ``None`` if the training succeeded, else the run's id and status and what went wrong, in one line; further lines
        are the end of the job's log.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the run has been KILLED.
    """
    client = MaskingClient(client.tracking_uri, _find_secrets(params, project, config))
    try:
        with terminating_as_interrupt(), ExitStack() as afterwards:
            try:
                with ending_run(client, run_id):
                    log_params(client, run_id, params)
                    train(client, run_id, project, command, config, make_executor, afterwards)
            except RecordingError:
                afterwards.pop_all()  # what is kept of the job is needed to complete the run
                raise
    except KeyboardInterrupt:
        _logger.error("=== Run %s KILLED: it was interrupted ===", run_id)
        raise
    except RecordingError as error:
        return client.mask.mask(f"Run {run_id} is not complete: {describe_failure(error)}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and told to whoever called
        if not isinstance(error, TgError):
            trace = "".join(traceback.format_exception(error))
            _logger.error("The training raised an error that is not about its input:\n%s", client.mask.mask(trace))
        status = client.get_run(run_id).info.status
        tail = str(error).partition("\n")[2] if isinstance(error, JobFailedError) else ""
        return client.mask.mask(f"Run {run_id} {status}: {describe_failure(error)}{tail and chr(10) + tail}")
    _logger.info("%s", describe_run(client, run_id))
    return None


def _find_secrets(params: Mapping[str, str], project: Project, config: BackendConfig) -> SecretMask:
    hyperparameters = {name: value for name, value in config.hyperparameters.items() if isinstance(value, str)}
    environment: Mapping[str, str] = getattr(config, "environment", {})
    return SecretMask.of_variables(
        os.environ, read_environment(project.folder), environment, params, hyperparameters, listed=config.secrets
    )
