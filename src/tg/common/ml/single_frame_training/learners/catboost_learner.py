"""CatBoost."""

from typing import Any

from .learner import HeldOut, Learner, Rows, is_called, list_categories

_COLUMN_KINDS = ("cat_features", "text_features", "embedding_features")


class CatboostLearner(Learner):
    """Categorical columns are passed by name, unless the model itself names some."""

    library = "catboost"
    renames = True
    categories = "text"
    takes_nullable = False
    codes_labels = True
    takes_validation = True

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        groups: dict[str, Any] = {}
        if is_called(model, "CatBoostRanker") and rows.groups is not None:
            groups = {"group_id": rows.groups}
        else:
            self.refuse_groups(model, rows)
        named = {name: arguments.pop(name, model.get_param(name)) for name in _COLUMN_KINDS}
        kinds = {name: columns for name, columns in named.items() if columns is not None}
        if "cat_features" not in kinds and (categories := list_categories(rows.features)):
            kinds["cat_features"] = categories
        from catboost import Pool

        # A ranker's fit does not accept features apart from their groups, so all models get a pool.
        pool = Pool(rows.features, rows.labels, weight=rows.weights, **groups, **kinds)
        if held_out is None:
            model.fit(pool, **arguments)
            return None
        watched = held_out.rows
        groups = {"group_id": watched.groups} if groups else {}
        arguments["eval_set"] = Pool(watched.features, watched.labels, weight=watched.weights, **groups, **kinds)
        if held_out.rounds is not None:
            arguments["early_stopping_rounds"] = held_out.rounds
        is_live = str(model.get_param("task_type") or "CPU").upper() == "CPU"  # others do not support callbacks
        if is_live:
            arguments["callbacks"] = [*arguments.get("callbacks", ()), _Reporter(held_out)]
        model.fit(pool, **arguments)
        if not is_live:
            for name, curve in model.get_evals_result()["validation"].items():
                for step, value in enumerate(curve):
                    held_out.report(name, float(value), step)
        return None if held_out.rounds is None else int(model.get_best_iteration())


class _Reporter:
    """Reports each iteration's values; the method's name is CatBoost's."""

    def __init__(self, held_out: HeldOut) -> None:
        self._held_out = held_out

    def after_iteration(self, info: Any) -> bool:
        for name, curve in info.metrics["validation"].items():
            self._held_out.report(name, float(curve[-1]), info.iteration - 1)
        return True
