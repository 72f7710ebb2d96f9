"""Executors of this machine: in this process, and in a child process. They know neither containers nor AWS."""

from .attached_executor import AttachedExecutor, AttachedOptions
from .process_executor import ProcessExecutor, ProcessOptions

__all__ = [
    "AttachedExecutor",
    "AttachedOptions",
    "ProcessExecutor",
    "ProcessOptions",
]
