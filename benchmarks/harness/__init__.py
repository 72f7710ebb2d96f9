"""What benchmarks share: a figure, measuring in turns, the command line of a benchmark, and the table of results."""

import sys
from pathlib import Path

from .command import run
from .figure import Figure
from .fork import call_in_fork
from .turns import Scale, measure_in_turns, time_command

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks use the servers and emulators of the tests

__all__ = ["ROOT", "Figure", "Scale", "call_in_fork", "measure_in_turns", "run", "time_command"]
