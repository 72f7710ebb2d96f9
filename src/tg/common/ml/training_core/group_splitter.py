"""Divisions that keep the rows of a group together."""

import numpy as np
import pandas as pd

from ...errors import DatasetError
from .splitters import Split, Splitter, check_count, check_test_size, get_split_column


class GroupSplitter(Splitter):
    """Random divisions of groups: all rows of one are learned from, or all are measured on.

    Args:
        column: Whose rows belong together, such as a query or a customer; no value may be missing.
        fold_count: With 1, a single random division by ``test_size``; with more, a cross-validation in which each
            group is tested once.
        test_size: The tested share of the groups, between 0 and 1; not used by a cross-validation.
        seed: Fixes the division.
        test_name: The stage's name.
    """

    def __init__(
        self, column: str, fold_count: int = 1, test_size: float = 0.3, seed: int = 0, test_name: str = "test"
    ) -> None:
        self.column = column
        self.fold_count = fold_count
        self.test_size = test_size
        self.seed = seed
        self.test_name = test_name
        self._check()

    def _check(self) -> None:
        check_count("fold_count", self.fold_count)
        check_test_size(self.test_size)

    def split(self, frame: pd.DataFrame) -> list[Split]:
        self._check()  # once more: hyperparameters may have changed it since it was made
        groups, names = pd.factorize(get_split_column(frame, self.column))
        if missing := int((groups < 0).sum()):
            raise DatasetError(f"column {self.column!r} to split by has {missing} missing values; drop or fill them")
        if len(names) < max(self.fold_count, 2):
            raise DatasetError(
                f"column {self.column!r} has {len(names)} groups, too few for fold_count {self.fold_count}"
            )
        order = np.random.default_rng(self.seed).permutation(len(names))
        if self.fold_count == 1:
            tested = [order[: min(max(1, round(float(self.test_size) * len(names))), len(names) - 1)]]
        else:
            tested = np.array_split(order, self.fold_count)
        is_tested = [np.isin(groups, part) for part in tested]
        return [Split(np.flatnonzero(~each), {self.test_name: np.flatnonzero(each)}) for each in is_tested]

    def get_stages(self) -> list[str]:
        return [self.test_name]

    def get_split_count(self) -> int:
        return self.fold_count
