"""PyTorch modules as skorch wraps them."""

from typing import Any

import numpy as np

from ....errors import TaskDefinitionError
from .learner import Array, HeldOut, Learner, Rows, is_called


class SkorchLearner(Learner):
    """It gets 32-bit floats, and labels of the type and shape that the losses of its nets need."""

    library = "skorch"
    codes_labels = True
    takes_arrays = True
    takes_validation = True

    def prepare_labels(self, model: Any, labels: Array) -> Array:
        if is_called(model, "NeuralNetBinaryClassifier"):
            return labels.astype(np.float32)
        if is_called(model, "NeuralNetRegressor"):
            # of the shape of the predictions: a loss would pair each with all others otherwise
            return labels.astype(np.float32).reshape(len(labels), -1)
        return labels

    def get_weight(self, model: Any, rows: Rows) -> dict[str, Any]:
        if rows.weights is not None:
            raise TaskDefinitionError(
                f"the model {type(model).__name__} hands sample_weight to its module, not to its loss; drop "
                "weight_column, or use another model"
            )
        return {}

    def fit(self, model: Any, rows: Rows, held_out: HeldOut | None = None, **arguments: Any) -> int | None:
        self.refuse_groups(model, rows)
        arguments = {**self.get_weight(model, rows), **arguments}
        if held_out is None:
            model.fit(rows.features, rows.labels, **arguments)
            return None
        from skorch.callbacks import EarlyStopping
        from skorch.dataset import Dataset
        from skorch.helper import predefined_split

        given = {"train_split": model.train_split, "callbacks": model.callbacks}
        model.train_split = predefined_split(Dataset(held_out.rows.features, held_out.rows.labels))
        if held_out.rounds is not None:
            stop = ("validation", EarlyStopping("valid_loss", patience=held_out.rounds, load_best=True))
            model.callbacks = [*(given["callbacks"] or ()), stop]
        try:
            model.fit(rows.features, rows.labels, **arguments)
        finally:
            for name, value in given.items():
                setattr(model, name, value)
        for step, epoch in enumerate(model.history):
            for name, value in epoch.items():
                if name.startswith("valid_") and not name.endswith(("_best", "_batch_count")):
                    held_out.report(name.removeprefix("valid_"), float(value), step)
        return None if held_out.rounds is None else int(np.argmin(model.history[:, "valid_loss"]))
