"""The options by which the jobs of a place are reached."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceOptions:
    """The options of a place that hold for all its jobs, also for those that another process has started.

    Subclasses add fields whose values JSON can represent. They hold nothing about what is trained.
    """
