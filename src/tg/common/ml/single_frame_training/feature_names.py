"""Gives the features names that a library accepts."""

import re
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ...errors import DatasetError, listed
from ..dft.feature_names import unique_names

# Others become an underscore.
_READABLE = {"<=": "le", "<": "lt", "[": "(", "]": ")", "{": "(", "}": ")", ",": ";", '"': "'"}
_SPLIT = re.compile("(<=|.)", re.DOTALL)


class FeatureNames(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Renames columns whose names are not accepted; an array is returned as it is.

    ``(0, 30]`` becomes ``(0; 30)``, or with a number behind it where another column has that name.

    Args:
        refused: The characters that no name may contain; control characters are refused in any case.

    Attributes:
        original_names_: The columns' names as they were, in order; ``None`` for an array.
        given_names_: Their names as the model sees them.
    """

    def __init__(self, refused: str = "") -> None:
        self.refused = refused

    def fit(self, X: Any, y: object = None) -> "FeatureNames":  # noqa: N803
        """Chooses the names."""
        self.original_names_ = self.given_names_ = None
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = X.columns.to_numpy(dtype=object)
            self.original_names_ = list(X.columns)
            self.given_names_ = give_names(self.original_names_, self.refused)
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Renames the columns, which may stand in another order than in `fit`; those it does not know are dropped.

        Raises:
            DatasetError: If a column of `fit` is missing.
        """
        if self.original_names_ is None or self.given_names_ is None or not isinstance(X, pd.DataFrame):
            return X
        if list(X.columns) != self.original_names_:
            known = set(X.columns)
            if missing := [name for name in self.original_names_ if name not in known]:
                raise DatasetError(f"the frame lacks the columns {listed(missing)}; it has {listed(X.columns)}")
            X = X[self.original_names_]  # noqa: N806
        return X.set_axis(self.given_names_, axis="columns")

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Returns the names as the model sees them; ``input_features``, for scikit-learn, is used for an array."""
        return input_features if self.given_names_ is None else np.asarray(self.given_names_, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "given_names_")

    @property
    def changed_names_(self) -> dict[Any, str]:
        """The given name by the original one, of each column whose name was changed."""
        pairs = zip(self.original_names_ or (), self.given_names_ or (), strict=True)
        return {original: given for original, given in pairs if original != given}


def give_names(originals: "list[Any]", refused: str = "") -> list[str]:
    """Chooses names that are text, not empty, unique, and without the characters of ``refused``.

    Args:
        originals: The names, of any type, in the order of the columns.
        refused: Characters.

    Returns:
        As many names; those that can stay as they are stay.
    """
    wished = [_make_name(name, refused) for name in originals]
    first = {name: position for position, name in reversed(list(enumerate(wished))) if name == originals[position]}
    kept = set(first.values())
    others = [position for position in range(len(wished)) if position not in kept]
    given = dict(zip(others, unique_names([wished[position] for position in others], first), strict=True))
    return [given.get(position, name) for position, name in enumerate(wished)]


def _make_name(name: Any, refused: str) -> str:
    text = "_".join(map(str, name)) if isinstance(name, tuple) else str(name)
    parts = _SPLIT.findall(text)
    made = "".join(_replace(part, refused) if _is_refused(part, refused) else part for part in parts)
    return made or "unnamed"


def _is_refused(part: str, refused: str) -> bool:
    return any(character in refused or not character.isprintable() for character in part)


def _replace(part: str, refused: str) -> str:
    made = _READABLE.get(part, "_")
    return "_" if _is_refused(made, refused) else made
