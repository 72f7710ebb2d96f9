"""Holds back a share of the training's rows, to validate a model while it learns and to stop it early."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ...errors import DatasetError, TaskDefinitionError, listed

Positions = npt.NDArray[np.intp]


@dataclass
class Validation:
    """Which rows are held back, and when to stop.

    Args:
        share: Their share of the rows to learn from, between 0 and 1.
        seed: Fixes which rows are drawn.
        rounds: The fit ends after so many iterations in a row that were no better; ``None``: it goes on to its end.
        latest_by: A column, such as a time, whose latest rows are held back; by default, rows are drawn at random,
            of each class its share, and where there are groups, whole groups.
    """

    share: float = 0.2
    seed: int = 0
    rounds: int | None = 10
    latest_by: str | None = None

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Checks the options; called again before they are used, as hyperparameters may have changed them.

        Raises:
            TaskDefinitionError: If one is invalid.
        """
        if isinstance(self.share, bool) or not isinstance(self.share, (int, float)) or not 0 < self.share < 1:
            raise TaskDefinitionError(f"the validation's share is {self.share!r}; give a number between 0 and 1")
        rounds = self.rounds
        if rounds is not None and (isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1):
            raise TaskDefinitionError(f"the validation's rounds are {rounds!r}; give a whole number from 1, or None")

    def divide(
        self,
        frame: pd.DataFrame,
        train: Positions,
        classes: "npt.NDArray[np.generic] | None" = None,
        groups: Positions | None = None,
    ) -> tuple[Positions, Positions]:
        """Divides the rows to learn from.

        Args:
            frame: All rows.
            train: The positions of those to learn from.
            classes: The labels of ``train``, for a classification.
            groups: The groups of ``train``, for a ranking.

        Returns:
            The positions of the rows that are still learned from, and of those held back.

        Raises:
            DatasetError: If one of both would be empty, or the rest has no row of a class that is held back.
        """
        self.check()
        if self.latest_by is not None:
            is_held = self._find_latest(frame, train, groups)
        elif groups is not None:
            is_held = np.isin(groups, self._draw(np.unique(groups)))
        else:
            is_held = np.zeros(len(train), dtype=bool)
            for each in [slice(None)] if classes is None else [classes == one for one in pd.unique(classes)]:
                is_held[self._draw(np.arange(len(train))[each])] = True
        rest, held = train[~is_held], train[is_held]
        if not len(rest) or not len(held):
            raise DatasetError(
                f"of {len(train)} rows to learn from, a share of {self.share} cannot be held back for the validation; "
                "give more rows or another share"
            )
        if classes is not None and (unknown := sorted({*classes[is_held].tolist()} - {*classes[~is_held].tolist()})):
            raise DatasetError(
                f"the classes {listed(unknown, most=10)} are only in the rows held back for the validation; give it "
                "another share, or no latest_by"
            )
        return rest, held

    def _draw(self, items: "npt.NDArray[np.generic]") -> "npt.NDArray[np.generic]":
        """Draws the share of the items, of which at least one is left."""
        count = min(round(self.share * len(items)), len(items) - 1)
        return np.random.default_rng(self.seed).permutation(items)[:count]

    def _find_latest(self, frame: pd.DataFrame, train: Positions, groups: Positions | None) -> "npt.NDArray[np.bool_]":
        if self.latest_by not in frame.columns:
            raise DatasetError(
                f"the validation's latest_by is {self.latest_by!r}, which is not in the data; they have "
                f"{listed(frame.columns)}"
            )
        column = frame[self.latest_by].iloc[train]
        if column.isna().any():
            raise DatasetError(
                f"column {self.latest_by!r}, by which the latest rows are held back, has missing values in "
                f"{int(column.isna().sum())} of {len(train)} rows; drop or fill these rows"
            )
        ranks = column.rank(method="first").to_numpy()
        if groups is not None:  # a group is as late as its latest row
            ranks = pd.Series(ranks).groupby(groups).transform("max").rank(method="dense").to_numpy()
        return np.asarray(ranks > ranks.max() - round(self.share * len(np.unique(ranks))))
