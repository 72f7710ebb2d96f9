"""Keras, in its wrappers for scikit-learn."""

from typing import Any

import numpy as np

from .learner import Array, HeldOut, Learner, Rows, is_model_classifier


class KerasLearner(Learner):
    """The wrappers keep the arguments of a fit in ``fit_kwargs``, where callbacks could not be pickled."""

    library = "keras"
    codes_labels = True
    takes_arrays = True
    takes_validation = True

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        self.refuse_groups(model, rows)
        given = model.fit_kwargs
        arguments = {**self.get_weight(model, rows), **arguments}
        if held_out is not None:
            arguments |= self._build_validation(model, rows, held_out, (given or {}).get("callbacks", ()))
        model.fit_kwargs = dict(given or {})
        try:
            model.fit(rows.features, rows.labels, **arguments)
        finally:
            model.fit_kwargs = given
        if held_out is None or held_out.rounds is None:
            return None
        return int(np.argmin(model.history_.history["val_loss"]))

    def _build_validation(self, model: Any, rows: Rows, held_out: HeldOut, callbacks: Any) -> dict[str, Any]:
        from keras.callbacks import EarlyStopping, LambdaCallback

        def report(epoch: int, logs: Any) -> None:
            for name, value in logs.items():
                if name.startswith("val_"):
                    held_out.report(name.removeprefix("val_"), float(value), epoch)

        watched = held_out.rows
        data = [np.asarray(watched.features), _shape_labels(model, watched.labels, rows.labels)]
        own = [LambdaCallback(on_epoch_end=report)]
        if held_out.rounds is not None:
            own.append(EarlyStopping("val_loss", patience=held_out.rounds, restore_best_weights=True))
        weights = [] if watched.weights is None else [watched.weights]
        return {"validation_data": (*data, *weights), "callbacks": [*callbacks, *own]}


def _shape_labels(model: Any, labels: Array, learned: Array) -> Array:
    """Shapes the labels as the wrapper does: a column for each class, or one of numbers."""
    if is_model_classifier(model):
        return np.eye(int(learned.max()) + 1)[labels]
    return labels.reshape(-1, 1)
