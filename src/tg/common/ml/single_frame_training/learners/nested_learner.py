"""A model with others in it, such as a search, a calibration or an ensemble."""

from collections.abc import Sequence
from typing import Any

from .learner import Learner


class NestedLearner(Learner):
    """It is fitted as scikit-learn's models are, on names and labels that all models in it take.

    Args:
        inside: These models and how they are fitted.
    """

    def __init__(self, inside: Sequence[tuple[Any, Learner]]) -> None:
        self._inside = inside
        self.renames = any(learner.renames for _, learner in inside)
        self.refused_characters = "".join(learner.refused_characters for _, learner in inside)
        self.takes_arrays = any(learner.takes_arrays for _, learner in inside)

    def wants_codes(self, model: Any) -> bool:
        return any(learner.wants_codes(part) for part, learner in self._inside)
