"""What every part uses: the training log, the project's folders, the tree of errors."""

from .errors import (
    DatasetError,
    DeliveryError,
    HyperparameterError,
    TaskDefinitionError,
    TgError,
    TrainingError,
)
from .loc import Loc
from .logger import Logger

__all__ = [
    "DatasetError",
    "DeliveryError",
    "HyperparameterError",
    "Loc",
    "Logger",
    "TaskDefinitionError",
    "TgError",
    "TrainingError",
]
