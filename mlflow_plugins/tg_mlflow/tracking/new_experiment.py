"""Creates experiments of the kind for which MLflow's pages show metrics and models, rather than traces."""

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient

# MLflow's pages know it; MLflow has no name for it in Python.
_KIND = {"mlflow.experimentKind": "custom_model_development"}


def find_or_create_experiment(client: TrackingClient, name: str) -> str:
    """Returns the id of an experiment, which is created if it does not exist; one that exists is left as it is.

    Raises:
        TrackingError: If the tracking server does not answer, or refuses the name.
    """
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, tags=_KIND))
    except TrackingError:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process has created it meanwhile
