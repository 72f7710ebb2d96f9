"""MLflow's plug-in for tracking stores.

MLflow imports this module when it has collected its own stores; then their schemes can be led to the job's.
"""

from typing import Any

from mlflow.tracking._tracking_service import utils

from .schemes import describe_other, lead_to_job
from .steps import let_steps_stay


def open_tracking_store(store_uri: str | None = None, **_: Any) -> Any:
    """Opens the job's tracking store."""
    from .tracking_store import open_job_store  # now that MLflow is imported

    store = open_job_store()
    if (other := describe_other(store_uri)) is not None:
        store.note(f"the tracking server {other!r} is not used: a job records into its run")
    return store


lead_to_job(utils._tracking_store_registry._registry, open_tracking_store)
let_steps_stay(lambda text: open_tracking_store().note(text))
