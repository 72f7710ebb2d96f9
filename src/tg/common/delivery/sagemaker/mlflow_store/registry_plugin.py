"""MLflow's plug-in for model registries.

MLflow imports this module when it has collected its own registries; then their schemes can be led to the job's.
"""

from typing import Any

from mlflow.tracking._model_registry import utils

from .schemes import lead_to_job


def open_registry_store(store_uri: str | None = None, **_: Any) -> Any:
    """Opens the job's model registry."""
    from .registry_store import open_job_registry  # now that MLflow is imported

    return open_job_registry()


_registry: Any = utils._model_registry_store_registry
if _registry is not None:
    lead_to_job(_registry._registry, open_registry_store)
