"""The executor of SageMaker's training jobs: requests, states, logs and results.

It calls AWS through ``aws`` only, and knows neither containers nor processes of this machine."""

from .pacing import Pacing
from .plan import RemotePlan
from .remote_executor import RemoteExecutor
from .shared_account import AccountOptions, SharedAccount

__all__ = [
    "AccountOptions",
    "Pacing",
    "RemoteExecutor",
    "RemotePlan",
    "SharedAccount",
]
