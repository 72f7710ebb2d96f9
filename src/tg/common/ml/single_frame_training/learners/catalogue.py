"""The libraries that are known, and which of them a model is of."""

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
# What a message names to those who want rows held out.
VALIDATED = "XGBoost, LightGBM, CatBoost, HistGradientBoosting, Keras and skorch"


def find_learner(model: Any) -> Learner:
    """Finds how a model is fitted: as its library has it, as the models in it want it, or as in scikit-learn."""
    found = _find_own(model)
    if found is not None:
        return found
    try:
        params = model.get_params(deep=True)
    except (AttributeError, RuntimeError):  # it has none, or none that scikit-learn can name
        return Learner()
    parts = [part for part in params.values() if hasattr(part, "fit")]
    inside = [(part, learner) for part in parts if (learner := _find_own(part)) is not None]
    return NestedLearner(inside) if inside else Learner()


def _find_own(model: Any) -> Learner | None:
    return next((learner for learner in _LEARNERS if learner.matches(model)), None)
