"""A pipeline that predicts the labels of the data, in whatever form its model learns them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.pipeline import Pipeline

from ...errors import DatasetError, TgError, listed
from ...exception_text import first_line_of
from .feature_names import FeatureNames
from .learners import HeldOut, Learner, Rows, find_learner
from .native_categories import is_text

Array = np.ndarray[Any, Any]


class TrainingPipeline(Pipeline):  # type: ignore[misc]  # scikit-learn is untyped
    """A :class:`sklearn.pipeline.Pipeline` that is fitted as the library of its last step wants it.

    Labels that the model does not accept are numbered from 0, and its predictions are mapped back. Predictions for one
    target have the shape ``(n_rows,)``.

    Args:
        steps: As in :class:`sklearn.pipeline.Pipeline`.
        memory: As there; not used by `fit`.
        verbose: As there.
        encode_labels: Whether labels are numbered; ``None`` if the model's library decides.

    Attributes:
        label_classes_: The labels in the order of their numbers; ``None`` if they are not numbered.
    """

    def __init__(
        self, steps: Any, *, memory: Any = None, verbose: bool = False, encode_labels: bool | None = None
    ) -> None:
        super().__init__(steps, memory=memory, verbose=verbose)
        self.encode_labels = encode_labels

    def fit(self, X: Any, y: Any = None, **params: Any) -> "TrainingPipeline":  # noqa: N803
        """Fits all steps.

        Args:
            X: The features.
            y: The labels.
            params: For the ``fit`` of the last step, such as ``model__sample_weight``.
        """
        prefix = f"{self.steps[-1][0]}__"
        if other := [name for name in params if not name.startswith(prefix)]:
            raise TypeError(
                f"fit got {listed(other)}; arguments are those of the last step, as in {prefix}sample_weight"
            )
        arguments = {name.removeprefix(prefix): value for name, value in params.items()}
        weights = arguments.pop("sample_weight", None)
        self.train(Rows(X, np.asarray(y), None if weights is None else np.asarray(weights)), **arguments)
        return self

    def train(
        self,
        rows: Rows,
        watched: Rows | None = None,
        rounds: int | None = None,
        report: Callable[[str, float, int], None] | None = None,
        **arguments: Any,
    ) -> int | None:
        """Fits all steps, and validates the last one after each iteration.

        Args:
            rows: To learn from.
            watched: Rows that no step learns from, and the model is measured on after each iteration.
            rounds: See :class:`HeldOut`.
            report: See there; by default, nothing is reported.
            arguments: Further ones for the ``fit`` of the last step.

        Returns:
            See :meth:`Learner.fit`.

        Raises:
            DatasetError: If the model does not take the columns.
            TaskDefinitionError: If it takes no weights or groups, and there are some.
        """
        learner = self._begin(rows.labels)
        model = self.steps[-1][1]

        def prepare(given: Rows, features: Any) -> Rows:
            labels = learner.prepare_labels(model, self.encode(given.labels))
            return Rows(features, labels, given.weights, given.groups)

        features = self._fit_transformers(rows)
        held_out = None
        if watched is not None:
            shown = self.transform_features(watched.features)
            held_out = HeldOut(prepare(watched, shown), rounds, report or (lambda name, value, step: None))
        with self.explaining_errors(features):
            return learner.fit(model, prepare(rows, features), held_out, **arguments)

    def prepare(self, rows: Rows, classes: Array | None = None) -> None:
        """Fits all steps but the last one, for a model that then learns batch by batch.

        Args:
            rows: A sample of those to learn from.
            classes: All labels that there are, in ascending order, for a classification.
        """
        self._begin(rows.labels if classes is None else classes)
        self._fit_transformers(rows)

    def transform_features(self, features: Any) -> Any:
        """Returns the features as the last step gets them."""
        for step in self._get_transformers():
            features = step.transform(features)
        return features

    def encode(self, labels: Array) -> Array:
        """Returns labels as the last step learns them: their numbers, if it wants that."""
        if self.label_classes_ is None:
            return labels
        return np.searchsorted(self.label_classes_, labels)

    @contextmanager
    def explaining_errors(self, features: Any) -> Iterator[None]:
        """Says of an error of the last step which columns of ``features`` it does not take.

        Raises:
            DatasetError: In place of the error, if there are such.
        """
        model = self.steps[-1][1]
        try:
            yield
        except TgError:
            raise
        except Exception as error:  # each library has its own errors for input that it refuses
            if empty := _list_empty_columns(features):
                raise DatasetError(
                    f"{type(model).__name__} cannot be fitted ({first_line_of(error)}); the columns "
                    f"{listed(empty, most=10)} have no values in the rows to learn from: exclude them"
                ) from error
            others = _list_other_columns(features, takes_categories=find_learner(model).categories is not None)
            if not others or isinstance(model, Pipeline):  # which may convert them to numbers by itself
                raise
            raise DatasetError(
                f"{type(model).__name__} cannot be fitted ({first_line_of(error)}); the columns "
                f"{listed(others, most=10)} are not numbers: give ModelProvider a transformer, such as "
                "DataFrameTransformerFactory.default_factory(), exclude them, or, with XGBoost, LightGBM, CatBoost or "
                "HistGradientBoosting, set categorical='native'"
            ) from error

    def predict(self, X: Any, **params: Any) -> Any:  # noqa: N803
        """Predicts labels or numbers, of shape ``(n_rows,)`` if there is one a row."""
        found = super().predict(X, **params)
        if isinstance(found, np.ndarray) and found.ndim == 2 and found.shape[1] == 1:
            found = found.ravel()
        classes = getattr(self, "label_classes_", None)
        return found if classes is None else classes[np.asarray(found).astype(np.intp)]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, **params: Any) -> Any:  # noqa: N803
        """Returns the model's own score; if labels are numbered for it, the share of right predictions."""
        if getattr(self, "label_classes_", None) is None:
            return super().score(X, y, sample_weight=sample_weight, **params)
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)

    @property
    def classes_(self) -> Any:
        """The labels that the model has learned to tell apart, in ascending order."""
        classes = getattr(self, "label_classes_", None)
        return self.steps[-1][1].classes_ if classes is None else classes

    def get_changed_names(self) -> dict[Any, str]:
        """Returns the model's names of features, by their original names, where they differ."""
        names = [step for step in self._get_transformers() if isinstance(step, FeatureNames)]
        return names[0].changed_names_ if names else {}

    def describe_changes(self) -> list[str]:
        """Describes in one line each how the model's input differs from the data."""
        model, lines = type(self.steps[-1][1]).__name__, []
        if self.label_classes_ is not None:
            labels = listed(self.label_classes_.tolist(), most=10)
            lines.append(f"{model} learns the labels {labels} as numbers from 0; it predicts the labels")
        if changed := self.get_changed_names():
            example = "; ".join(f"{original!r} is {given!r}" for original, given in list(changed.items())[:3])
            more = ", …" if len(changed) > 3 else ""
            lines.append(
                f"{model} is given {len(changed)} of the features' names in another form: {example}{more} "
                "(all are in info['feature_names'])"
            )
        return lines

    def _get_transformers(self) -> list[Any]:
        return [step for _, step in self.steps[:-1] if step is not None and step != "passthrough"]

    def _begin(self, labels: Array) -> Learner:
        """Finds how the last step learns, and numbers the labels if it wants that."""
        self._validate_steps()
        model = self.steps[-1][1]
        learner = find_learner(model)
        self._number_labels(labels, learner.wants_codes(model) if self.encode_labels is None else self.encode_labels)
        return learner

    def _fit_transformers(self, rows: Rows) -> Any:
        features, labels = rows.features, self.encode(rows.labels)
        for step in self._get_transformers():
            if hasattr(step, "fit_transform"):
                features = step.fit_transform(features, labels)
            else:
                features = step.fit(features, labels).transform(features)
        return features

    def _number_labels(self, labels: Array, is_wanted: bool) -> None:
        self.label_classes_: Array | None = None
        if is_wanted:
            classes = np.unique(labels)
            if self.encode_labels or classes.dtype.kind not in "iu" or classes.tolist() != list(range(len(classes))):
                self.label_classes_ = classes


def _list_empty_columns(features: Any) -> list[Any]:
    """Lists the categorical columns of a frame that have no category at all."""
    if not isinstance(features, pd.DataFrame):
        return []
    kinds = features.dtypes.items()
    return [name for name, kind in kinds if isinstance(kind, pd.CategoricalDtype) and not len(kind.categories)]


def _list_other_columns(features: Any, takes_categories: bool) -> list[Any]:
    """Lists the columns of a frame that are neither numbers nor booleans, nor categories where these are accepted."""
    if not isinstance(features, pd.DataFrame):
        return []

    def is_other(dtype: Any) -> bool:
        if isinstance(dtype, pd.CategoricalDtype):  # pandas treats one of booleans as a boolean column
            return not takes_categories
        is_number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
        return is_text(dtype) or not is_number

    return [name for name, dtype in features.dtypes.items() if is_other(dtype)]
