"""A figure: what was measured, against what, and what is wanted of it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One number that a benchmark finds.

    ``name`` is unique among all benchmarks and does not change, as results are compared by it. ``what`` and ``against``
    are said to people. ``value`` is a ratio with the unit "x", or has a unit of its own, such as "s" or "MB/s". The
    figure meets what is ``wanted`` if it is at most that, or at least that if ``more_is_better``. A figure without
    ``wanted`` is told, and never fails.
    """

    name: str
    what: str
    value: float
    unit: str = "x"
    against: str = ""
    wanted: float | None = None
    more_is_better: bool = False
    details: str = ""

    @classmethod
    def ratio(
        cls,
        name: str,
        what: str,
        against: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        wanted: float | None,
        more_is_better: bool = False,
        unit: str = "s",
    ) -> Figure:
        """Returns the median of what was measured of ours over the median of theirs.

        ``unit`` is that of both, for the details.
        """
        mine, other = statistics.median(ours), statistics.median(theirs)
        details = f"{mine:,.3g} {unit} against {other:,.3g} {unit}, medians of {len(ours)} and {len(theirs)}"
        return cls(name, what, mine / other, "x", against, wanted, more_is_better, details)

    @property
    def holds(self) -> bool:
        """Whether the figure is what is wanted."""
        return self.wanted is None or (self.value >= self.wanted if self.more_is_better else self.value <= self.wanted)

    def format_value(self) -> str:
        """Returns the figure with its unit, such as "1.07x" or "612 MB/s"."""
        return _format(self.value, self.unit)

    def format_wanted(self) -> str:
        """Returns what is wanted, such as "<= 1.15x", or an empty text."""
        if self.wanted is None:
            return ""
        return f"{'>=' if self.more_is_better else '<='} {_format(self.wanted, self.unit)}"

    def find_decline(self, before: Figure) -> float:
        """Returns how many times worse this figure is than ``before``; below 1 if it is better."""
        return before.value / self.value if self.more_is_better else self.value / before.value


def _format(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if unit != "x" else f"{value:.2f}"
    return f"{number}{unit}" if unit == "x" else f"{number} {unit}"
