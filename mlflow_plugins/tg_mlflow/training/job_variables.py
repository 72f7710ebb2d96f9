"""The variables by which a job's calls of MLflow find the training's run."""

from urllib.parse import urlsplit

from tg.common.delivery.sagemaker import Executor
from tg.common.delivery.sagemaker.contract.variables import EXPERIMENT_VARIABLE, RUN_ID_VARIABLE
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.tracking.client import TrackingClient

# What SageMaker takes as the value of a variable.
_LONGEST_VALUE = 512
_SERVED = ("http", "https", "databricks", "arn")
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def build_job_variables(client: TrackingClient, run_id: str, executor: Executor, config: PlaceConfig) -> dict[str, str]:
    """Builds the variables of a job.

    Args:
        client: The tracking server's.
        run_id: The run that the training records into.
        executor: The executor of the job.
        config: The configuration of the training.

    Raises:
        BackendConfigError: If the job is to reach a tracking server that it cannot, or must not, be told of.
        TrackingError: If the tracking server does not answer.
    """
    experiment_id = client.find_experiment(run_id)
    if config.mlflow == "direct" and not executor.traits.is_in_process:
        return _build_direct(client, run_id, experiment_id, executor, config)
    variables = {RUN_ID_VARIABLE: run_id}
    name = client.mask.mask(client.get_experiment(experiment_id).name)
    if len(name) <= _LONGEST_VALUE:  # without it, the job calls the experiment by another name
        variables[EXPERIMENT_VARIABLE] = name
    return variables


def _build_direct(
    client: TrackingClient, run_id: str, experiment_id: str, executor: Executor, config: PlaceConfig
) -> dict[str, str]:
    uri = client.tracking_uri
    if client.mask.mask(uri) != uri:
        raise BackendConfigError(
            f"mlflow is 'direct', but the tracking URI {client.mask.mask(uri)!r} holds a secret, which the job's "
            "description would show; leave mlflow out, or take a tracking URI without one"
        )
    is_elsewhere = executor.traits.is_found_anywhere or isinstance(config, ImageConfig)
    parts = urlsplit(uri)
    if is_elsewhere and parts.scheme not in _SERVED and not parts.hostname:
        raise BackendConfigError(
            f"mlflow is 'direct', but the tracking URI {uri!r} is a file of this machine, which jobs of {config.place} "
            "do not see; leave mlflow out, or start a tracking server"
        )
    shares_network = getattr(config, "network", None) == "host"
    if is_elsewhere and parts.hostname in _THIS_MACHINE and not shares_network:
        raise BackendConfigError(
            f"mlflow is 'direct', but the tracking URI {uri!r} is of this machine alone, so that jobs of "
            f"{config.place} do not reach it; leave mlflow out, or take an address that they reach"
        )
    return {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_EXPERIMENT_ID": experiment_id,
    }
