"""A training from its first to its last word in an MLflow run."""

import logging
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from mlflow.entities import RunStatus

from tg.common import JobFailedError, TgError
from tg.common.delivery.delivery import terminating_as_interrupt
from tg.common.delivery.sagemaker import Listener, write_to_stdout
from tg_mlflow.delivery.training_source import TrainingSource
from tg_mlflow.errors import RecordingError, RunEndedError, describe_failure
from tg_mlflow.places.config import BackendConfig
from tg_mlflow.tracking.conducted_run import conducting_run
from tg_mlflow.tracking.masking_client import MaskingClient
from tg_mlflow.tracking.patience import patiently
from tg_mlflow.training.creation import log_params
from tg_mlflow.training.submission import ExecutorFactory, train

# A child of MLflow's logger, so that whoever configures MLflow's output configures ours.
_logger = logging.getLogger("mlflow.tg_mlflow")


@dataclass(frozen=True)
class TrainingEnd:
    """How a training has ended for whoever has called for it.

    Attributes:
        status: The run's status, such as ``FINISHED``; ``RUNNING`` where its job goes on, or not all is recorded.
        failure: The run's id and status and what went wrong, in one line; further lines are the end of the job's log.
            ``None`` if nothing did.
    """

    status: str
    failure: str | None = None


def train_recorded(
    client: MaskingClient,
    run_id: str,
    params: Mapping[str, str],
    source: TrainingSource,
    config: BackendConfig,
    make_executor: ExecutorFactory,
    show: Listener = write_to_stdout,
) -> TrainingEnd:
    """Trains, records into a run that exists, and ends the run whatever happens.

    An error of the project's own code is shown with its traceback.

    Args:
        client: The tracking server's.
        run_id: The run.
        params: What to log as parameters besides the hyperparameters.
        source: What is trained.
        config: How.
        make_executor: Where.
        show: Shows what the job says.

    Returns:
        How it has ended.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when the run has been KILLED.
    """
    try:
        with terminating_as_interrupt(), ExitStack() as afterwards:
            try:
                with conducting_run(client, run_id) as ending:
                    patience = ending.patience_seconds
                    patiently(partial(log_params, client, run_id, params, config), patience, "parameters")
                    ending.is_due = train(client, run_id, source, config, make_executor, afterwards, show)
            except RecordingError:
                afterwards.pop_all()  # what is kept of the job is needed to complete the run
                raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and told to whoever called
        return read_end(client, run_id, error)
    return TrainingEnd(patiently(partial(client.get_run, run_id), patience, "a question").info.status)


def read_end(client: MaskingClient, run_id: str, error: BaseException) -> TrainingEnd:
    """Says how a run has ended that an error has ended; shows an error of the project's own code."""
    if isinstance(error, RecordingError):
        failure = f"Run {run_id} is not complete: {describe_failure(error)}"
        return TrainingEnd(RunStatus.to_string(RunStatus.RUNNING), client.mask.mask(failure))
    if not isinstance(error, TgError):
        trace = "".join(traceback.format_exception(error))
        _logger.error("The training raised an error that is not about its input:\n%s", client.mask.mask(trace))
    status = client.get_run(run_id).info.status
    if isinstance(error, RunEndedError) and status == RunStatus.to_string(RunStatus.FINISHED):
        _logger.info("Run %s is %s: %s", run_id, status, error)
        return TrainingEnd(status)
    tail = str(error).partition("\n")[2] if isinstance(error, JobFailedError) else ""
    failure = f"Run {run_id} {status}: {describe_failure(error)}{tail and chr(10) + tail}"
    return TrainingEnd(status, client.mask.mask(failure))
