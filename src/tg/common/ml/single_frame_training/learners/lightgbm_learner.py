"""LightGBM."""

import inspect
from typing import Any

from .learner import HeldOut, Learner, Rows, is_called


class LightgbmLearner(Learner):
    """It takes text labels to learn from, but not in all versions to be watched on."""

    library = "lightgbm"
    # The white space it would replace by itself, and find two names the same then.
    refused_characters = '",:[]{} \t'
    renames = True
    categories = "dtype"
    codes_labels = True
    takes_validation = True

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        is_ranker = is_called(model, "LGBMRanker") and rows.groups is not None
        if is_ranker:
            arguments["group"] = rows.group_sizes
        else:
            self.refuse_groups(model, rows)
        arguments = {**self.get_weight(model, rows), **arguments}
        if held_out is None:
            model.fit(rows.features, rows.labels, **arguments)
            return None
        from lightgbm import early_stopping

        def report(state: Any) -> None:
            for _, name, value, *_ in state.evaluation_result_list:
                held_out.report(name, float(value), state.iteration)

        watched = held_out.rows
        callbacks = [report, *arguments.pop("callbacks", ())]
        if held_out.rounds is not None:
            callbacks.append(early_stopping(held_out.rounds, verbose=False))
        if "eval_X" in inspect.signature(model.fit).parameters:  # which takes the place of eval_set from 4.7 on
            arguments |= {"eval_X": watched.features, "eval_y": watched.labels}
        else:
            arguments["eval_set"] = [(watched.features, watched.labels)]
        arguments["callbacks"] = callbacks
        if is_ranker:
            arguments["eval_group"] = [watched.group_sizes]
        if watched.weights is not None:
            arguments["eval_sample_weight"] = [watched.weights]
        model.fit(rows.features, rows.labels, **arguments)
        # counted from 1 there; 0 or less where nothing has stopped it
        return model.best_iteration_ - 1 if (model.best_iteration_ or 0) > 0 else None
