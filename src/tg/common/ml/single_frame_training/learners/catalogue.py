"""The known libraries, and which of them a model belongs to."""

from typing import Any

from .catboost_learner import CatboostLearner
from .histogram_learner import HistogramLearner
from .keras_learner import KerasLearner
from .learner import Learner
from .lightgbm_learner import LightgbmLearner
from .nested_learner import NestedLearner
from .skorch_learner import SkorchLearner
from .xgboost_learner import XgboostLearner

_LEARNERS: tuple[Learner, ...] = (
    XgboostLearner(),
    LightgbmLearner(),
    CatboostLearner(),
    HistogramLearner(),
    KerasLearner(),
    SkorchLearner(),
)
# The libraries that support validation, for a message.
VALIDATED = "XGBoost, LightGBM, CatBoost, HistGradientBoosting, Keras and skorch"


def find_learner(model: Any) -> Learner:
    """Finds how a model is fitted: by its own library's rules, by those of the models in it, or as in scikit-learn."""
    found = _find_own(model)
    if found is not None:
        return found
    try:
        params = model.get_params(deep=True)
    except (AttributeError, RuntimeError):  # it has none, or none that scikit-learn can name
        return Learner()
    inside = [(part, _find_own(part)) for part in params.values() if hasattr(part, "fit")]
    if all(learner is None for _, learner in inside):
        return Learner()
    return NestedLearner([(part, learner or Learner()) for part, learner in inside])


def _find_own(model: Any) -> Learner | None:
    return next((learner for learner in _LEARNERS if learner.matches(model)), None)
