"""Measuring two things in turns, so that whatever else the machine does meanwhile falls on both."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scale:
    """How much a benchmark does: all of it, or a short form that tells a decline within seconds."""

    short: bool = False

    def pick(self, full: int, short: int) -> int:
        """Returns how often, or how much of, something is measured."""
        return short if self.short else full


def measure_in_turns(rounds: int, **measures: Callable[[], float]) -> dict[str, list[float]]:
    """Calls each of ``measures`` once a round, every other round in reverse order; returns what each has returned."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        for name in list(measures)[:: -1 if number % 2 else 1]:
            found[name].append(measures[name]())
    return found


def time_command(
    command: Sequence[str | Path], variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> float:
    """Returns the seconds from the start of a command to its end; ends the benchmark with its output if it fails.

    ``variables`` is its whole environment, or this process's if it is None.
    """
    start = time.perf_counter()
    ended = subprocess.run(
        [str(part) for part in command],
        env=variables,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    seconds = time.perf_counter() - start
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} has ended with exit code {ended.returncode}:\n{ended.stdout}")
    return seconds
