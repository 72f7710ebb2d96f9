"""Colours of the words that say how something has gone, where a terminal shows them."""

import os
import re
from collections.abc import Mapping
from typing import TextIO

from click import style

# MLflow's statuses and ours, and what each says: it went well, badly, was given up, or goes on.
STATES: Mapping[str, str] = {
    "FINISHED": "green",
    "FAILED": "red",
    "KILLED": "yellow",
    "PRUNED": "yellow",
    "NOT STARTED": "yellow",
    "RUNNING": "cyan",
    "SCHEDULED": "cyan",
}
OUTCOMES: Mapping[str, str] = {"ok": "green", "warning": "yellow", "problem": "red", "skipped": "cyan"}


def shows_colours(stream: TextIO) -> bool:
    """Whether a stream goes to a terminal that shows colours; https://no-color.org says how users refuse them."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream goes to a terminal on which what is written can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour_states(text: str, stream: TextIO) -> str:
    """Returns a text with the states of runs in colours if the stream shows them, and otherwise unchanged."""
    return _colour(r"(?<!\w)(?:{})(?!\w)", STATES, text, stream)


def colour_outcomes(text: str, stream: TextIO) -> str:
    """Does so with the outcome of a check, which its line begins with."""
    return _colour(r"(?m:^  (?:{}) )", OUTCOMES, text, stream)


def _colour(pattern: str, colours: Mapping[str, str], text: str, stream: TextIO) -> str:
    if not shows_colours(stream):
        return text
    words = pattern.format("|".join(map(re.escape, colours)))
    return re.sub(words, lambda found: style(found[0], fg=colours[found[0].strip()]), text)
