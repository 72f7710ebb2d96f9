"""The differences between libraries of models: one file per library, found by the model's class."""

from .catalogue import VALIDATED, find_learner
from .learner import HeldOut, Learner, Rows

__all__ = ["VALIDATED", "HeldOut", "Learner", "Rows", "find_learner"]
