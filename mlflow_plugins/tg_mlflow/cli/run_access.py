"""How commands find the run that a user means."""

from tg_mlflow.listing.run_choice import find_run_id
from tg_mlflow.takeover.crashes import settle_crashes
from tg_mlflow.tracking.client import TrackingClient


def connect(given: str) -> tuple[TrackingClient, str]:
    """Connects to the tracking server, finds the run that is meant, and settles what crashed processes have left there.

    Returns:
        The client, and the run's id. That run is left alone.
    """
    client = TrackingClient(patience_seconds=0)
    run_id = find_run_id(client, given)
    settle_crashes(client, besides=run_id)
    return client, run_id
