"""What it takes to reach the jobs of a place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceOptions:
    """The options of a place that hold for all of its jobs, also for those that another process has started.

    Subclasses add fields whose values JSON can represent. They hold nothing about what is trained.
    """
