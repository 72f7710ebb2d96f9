"""Executors as notebooks use them: each holds one training together with the executor that runs it.

Nothing else imports this room; it may import all others.
"""

from .attached import SagemakerAttachedExecutor
from .configured_executor import ConfiguredExecutor
from .local import SagemakerLocalExecutor
from .process import SagemakerProcessExecutor
from .remote import SagemakerRemoteExecutor

__all__ = [
    "ConfiguredExecutor",
    "SagemakerAttachedExecutor",
    "SagemakerLocalExecutor",
    "SagemakerProcessExecutor",
    "SagemakerRemoteExecutor",
]
