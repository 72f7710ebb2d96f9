"""A sweep: many trainings of one project, recorded as runs below one that compares them."""

import json
import logging
import os
from collections.abc import Sequence

from mlflow.exceptions import MlflowException

from tg.common.delivery.delivery import terminating_as_interrupt
from tg_mlflow.backend_config import AttachedConfig, BackendConfig, RemoteConfig
from tg_mlflow.errors import SweepError
from tg_mlflow.masking_client import MaskingClient
from tg_mlflow.project import Project
from tg_mlflow.project_environment import project_environment
from tg_mlflow.project_modules import project_modules
from tg_mlflow.recorded_training import TrainingEnd, read_end
from tg_mlflow.run_lifecycle import create_run, ending_run, log_params
from tg_mlflow.sweep_children import SweepChildren, list_results
from tg_mlflow.sweep_delivery import delivering_sweep
from tg_mlflow.sweep_plan import SweepMember
from tg_mlflow.sweep_summary import log_sweep_summary
from tg_mlflow.sweep_table import FAILED, SweepChildResult
from tg_mlflow.training import ExecutorFactory

_logger = logging.getLogger("mlflow.tg_mlflow")

SWEEP_TAG = "tg.sweep"
_LONGEST_TAG = 8000
_PARALLEL_ON_SAGEMAKER = 10


def train_sweep(
    client: MaskingClient,
    run_id: str,
    project: Project,
    entry_point: str,
    backend: str,
    members: Sequence[SweepMember],
    config: BackendConfig,
    make_executor: ExecutorFactory,
) -> TrainingEnd:
    """Trains the members of a sweep, each in a run of its own, and ends the run that is their parent.

    Args:
        client: The tracking server's.
        run_id: The parent's run, which exists.
        project: The project.
        entry_point: What of it is trained.
        backend: What the user calls the backend.
        members: The trainings.
        config: The sweep's configuration.
        make_executor: Where they are trained.

    Returns:
        How it has ended: it has failed if a training has.

    Raises:
        KeyboardInterrupt: After Ctrl-C or SIGTERM, when all runs have been KILLED.
    """
    experiment_id = client.get_run(run_id).info.experiment_id

    def create_child(member: SweepMember) -> str:
        return create_run(client, experiment_id, project, entry_point, backend, member.name, parent_run_id=run_id)

    children = SweepChildren(
        client, make_executor, create_child, _count_parallel(config, len(members)), config.stop_on_failure
    )
    try:
        with terminating_as_interrupt(), ending_run(client, run_id):
            client.set_tag(run_id, SWEEP_TAG, json.dumps(config.sweep)[:_LONGEST_TAG])
            log_params(client, run_id, _common_params(members))
            try:
                _train(project, members, config, make_executor, children)
            finally:
                results = list_results(members, children)
                _summarize(client, run_id, experiment_id, results, config)
            _check(results)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it is shown, and told to whoever called
        return read_end(client, run_id, error)
    return TrainingEnd(client.get_run(run_id).info.status)


def _train(
    project: Project,
    members: Sequence[SweepMember],
    config: BackendConfig,
    make_executor: ExecutorFactory,
    children: SweepChildren,
) -> None:
    with (
        project_modules(project.folder),
        project_environment(project.folder),
        delivering_sweep(project, members, config) as deliveries,
    ):
        _logger.info("Training %d combinations, %d at once", len(members), children.max_parallel)
        make_executor(deliveries[0]).prepare()
        if isinstance(config, AttachedConfig):
            children.train_one_after_another(members, deliveries)
        else:
            children.train_at_once(members, deliveries)


def _summarize(
    client: MaskingClient, run_id: str, experiment_id: str, results: Sequence[SweepChildResult], config: BackendConfig
) -> None:
    try:
        log_sweep_summary(client, run_id, experiment_id, results, config.primary_metric, config.mode, config.sweep)
    except (MlflowException, OSError) as error:
        _logger.warning("The sweep's summary could not be logged: %s", error)


def _check(results: Sequence[SweepChildResult]) -> None:
    failed = [each for each in results if each.status == FAILED]
    if failed:
        names = ", ".join(each.name for each in failed[:10]) + (", …" if len(failed) > 10 else "")
        raise SweepError(f"{len(failed)} of {len(results)} trainings have failed: {names}; their runs say why")


def _common_params(members: Sequence[SweepMember]) -> dict[str, str]:
    """What is the same in all members."""
    return {
        name: value
        for name, value in members[0].params.items()
        if all(each.params.get(name) == value for each in members)
    }


def _count_parallel(config: BackendConfig, count: int) -> int:
    if isinstance(config, AttachedConfig):
        return 1
    usual = _PARALLEL_ON_SAGEMAKER if isinstance(config, RemoteConfig) else os.cpu_count() or 1
    return min(config.max_parallel or usual, count)


def name_sweep(project: Project) -> str:
    """What a sweep's run is called if the user gives no name."""
    return f"{project.name} sweep"
