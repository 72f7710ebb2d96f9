"""The common foundation: the training log, the project's folders, the tree of errors."""

from .errors import (
    ContainerError,
    DatasetError,
    DeliveryError,
    HyperparameterError,
    ImageBuildError,
    JobFailedError,
    JobStoppedError,
    JobUnreachableError,
    PackagingError,
    ResultArchiveError,
    TaskDefinitionError,
    TgError,
    TrainingError,
)
from .loc import Loc
from .logger import Logger

__all__ = [
    "ContainerError",
    "DatasetError",
    "DeliveryError",
    "HyperparameterError",
    "ImageBuildError",
    "JobFailedError",
    "JobStoppedError",
    "JobUnreachableError",
    "Loc",
    "Logger",
    "PackagingError",
    "ResultArchiveError",
    "TaskDefinitionError",
    "TgError",
    "TrainingError",
]
