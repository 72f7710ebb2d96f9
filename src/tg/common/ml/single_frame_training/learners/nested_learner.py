"""A model that contains others, such as a search, a calibration or an ensemble."""

from collections.abc import Sequence
from typing import Any

from .learner import Learner


class NestedLearner(Learner):
    """It is fitted as scikit-learn's models are, on names and labels that all models in it accept.

    Args:
        inside: These models and how they are fitted.
    """

    def __init__(self, inside: Sequence[tuple[Any, Learner]]) -> None:
        self._inside = inside
        learners = [learner for _, learner in inside]
        self.renames = any(learner.renames for learner in learners)
        self.refused_characters = "".join(learner.refused_characters for learner in learners)
        self.takes_arrays = any(learner.takes_arrays for learner in learners)
        self.takes_nullable = all(learner.takes_nullable for learner in learners)
        # Those that want text are told which columns are meant when they are fitted, which is not done here.
        self.categories = "dtype" if all(learner.categories == "dtype" for learner in learners) else None

    def wants_codes(self, model: Any) -> bool:
        return any(learner.wants_codes(part) for part, learner in self._inside)

    def prepare_model(self, model: Any, features: Any) -> None:
        for part, learner in self._inside:
            learner.prepare_model(part, features)
