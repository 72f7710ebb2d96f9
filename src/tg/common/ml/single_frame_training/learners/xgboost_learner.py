"""XGBoost."""

from typing import Any

import numpy as np

from .learner import HeldOut, Learner, Rows, has_categories, is_called


class XgboostLearner(Learner):
    """Options of early stopping go to the model itself, those of a fit do not stay there."""

    library = "xgboost"
    refused_characters = "[]<"
    renames = True
    categories = "dtype"
    codes_labels = True
    takes_validation = True

    def prepare_model(self, model: Any, features: Any) -> None:
        if has_categories(features):
            model.set_params(enable_categorical=True)

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        is_ranker = is_called(model, "XGBRanker")
        self.prepare_model(model, rows.features)
        if is_ranker and rows.groups is not None:
            arguments = {**_weigh_groups(rows), "qid": rows.groups, **arguments}
        else:
            self.refuse_groups(model, rows)
            arguments = {**self.get_weight(model, rows), **arguments}
        if held_out is None:
            model.fit(rows.features, rows.labels, **arguments)
            return None
        watched = held_out.rows
        arguments |= {"eval_set": [(watched.features, watched.labels)], "verbose": False}
        if is_ranker:
            arguments["eval_qid"] = [watched.groups]
        elif watched.weights is not None:
            arguments["sample_weight_eval_set"] = [watched.weights]
        given = {name: model.get_params()[name] for name in ("callbacks", "early_stopping_rounds")}
        rounds = given["early_stopping_rounds"] if held_out.rounds is None else held_out.rounds
        model.set_params(
            callbacks=[*(given["callbacks"] or ()), _build_callback(held_out)], early_stopping_rounds=rounds
        )
        try:
            model.fit(rows.features, rows.labels, **arguments)
        finally:
            model.set_params(**given)
        return None if rounds is None else int(model.best_iteration)


def _weigh_groups(rows: Rows) -> dict[str, Any]:
    """A ranker takes one weight per group: that of its first row."""
    if rows.weights is None or rows.groups is None:
        return {}
    return {"sample_weight": rows.weights[np.unique(rows.groups, return_index=True)[1]]}


def _build_callback(held_out: HeldOut) -> Any:
    from xgboost.callback import TrainingCallback

    class Reporter(TrainingCallback):  # type: ignore[misc, unused-ignore]  # it may be untyped, or not be there
        """Reports each iteration's values."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            (values,) = evals_log.values()
            for name, curve in values.items():
                held_out.report(name, float(curve[-1]), epoch)
            return False

    return Reporter()
