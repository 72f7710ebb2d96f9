"""Executors of this machine: in this process, and in a child process. Neither containers nor AWS may enter."""

from .attached_executor import SagemakerAttachedExecutor
from .process_executor import SagemakerProcessExecutor

__all__ = [
    "SagemakerAttachedExecutor",
    "SagemakerProcessExecutor",
]
