"""What libraries of models differ in: one file a library, found by the model's class."""

from .catalogue import VALIDATED, find_learner
from .learner import HeldOut, Learner, Rows

__all__ = ["VALIDATED", "HeldOut", "Learner", "Rows", "find_learner"]
