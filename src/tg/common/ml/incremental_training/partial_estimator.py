"""What a model must have to learn batch by batch."""

from typing import Any, Protocol


class PartialEstimator(Protocol):
    """A model that learns batch by batch, such as scikit-learn's SGDClassifier.

    One of your own derives from :class:`sklearn.base.BaseEstimator`, and from ``ClassifierMixin`` or ``RegressorMixin``
    before that. A classifier has ``classes_`` once it has learned, and gets all classes as the argument ``classes`` if
    it has one. It is pickled for a checkpoint, and must then go on as if it had not been: its random numbers come from
    a generator of its own. If it has an attribute ``loss_`` after a batch, that is reported.

    A model whose attribute ``is_distributed`` is true learns on several machines: in all processes of torchrun,
    ``partial_fit`` gets the same batches in the same order, learns from this process's part of each, and leaves the
    same model.
    """

    def fit(self, X: Any, y: Any) -> Any:  # noqa: N803 - scikit-learn's name
        """Learns from all rows; not called by a training on batches, but a pipeline's last step has it."""

    def partial_fit(self, X: Any, y: Any) -> Any:  # noqa: N803
        """Learns from a batch more.

        Args:
            X: Features of shape ``(n_rows, n_features)``: a frame or an array, as ``keep_column_names`` of the
                ModelProvider says.
            y: Labels of shape ``(n_rows,)``.
        """

    def predict(self, X: Any) -> Any:  # noqa: N803
        """Returns a label or a number for each row."""
