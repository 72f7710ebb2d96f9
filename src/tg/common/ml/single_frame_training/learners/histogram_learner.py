"""scikit-learn's HistGradientBoostingClassifier and HistGradientBoostingRegressor."""

import inspect
from typing import Any

from ....errors import TaskDefinitionError
from .learner import HeldOut, Learner, Rows, is_called


class HistogramLearner(Learner):
    """It counts an iteration 0 before the first tree, and keeps the trees after the best one."""

    categories = "dtype"
    takes_validation = True

    def matches(self, model: Any) -> bool:
        return any(is_called(model, f"HistGradientBoosting{kind}") for kind in ("Classifier", "Regressor"))

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        self.refuse_groups(model, rows)
        arguments = {**self.get_weight(model, rows), **arguments}
        if held_out is None:
            model.fit(rows.features, rows.labels, **arguments)
            return None
        if "X_val" not in inspect.signature(model.fit).parameters:
            raise TaskDefinitionError(
                f"the {type(model).__name__} of this scikit-learn takes no validation rows; install 1.7 or later, or "
                "give the model early_stopping=True and validation_fraction in place of `validation`"
            )
        watched = held_out.rows
        given = {name: model.get_params()[name] for name in ("early_stopping", "n_iter_no_change")}
        model.set_params(early_stopping=True, n_iter_no_change=held_out.rounds or model.max_iter)
        arguments |= {"X_val": watched.features, "y_val": watched.labels}
        if watched.weights is not None:
            arguments["sample_weight_val"] = watched.weights
        try:
            model.fit(rows.features, rows.labels, **arguments)
        finally:
            model.set_params(**given)
        is_loss = model.scoring == "loss"  # which is kept with its sign turned
        name = model.scoring if isinstance(model.scoring, str) else "score"
        for step, score in enumerate(model.validation_score_):
            held_out.report(name, float(-score if is_loss else score), step)
        return None if held_out.rounds is None else int(model.validation_score_.argmax())
