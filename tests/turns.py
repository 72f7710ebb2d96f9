"""In which order tests run, and which in one process, while the other processes run the rest."""

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parent.parent
# Fixtures that use the Docker daemon, of which there is one for all.
_DAEMON = ("docker_daemon", "docker_client", "base_image", "build_options")
# These import all libraries of learners, such as PyTorch and Keras: ten seconds of a core in each process that does.
_TRAINING = "tests/common/ml/single_frame_training"
_LEARNERS = (
    f"{_TRAINING}/learners/test_libraries.py",
    f"{_TRAINING}/learners/test_rankings.py",
    f"{_TRAINING}/test_feature_names.py",
    f"{_TRAINING}/test_native_categories.py",
    "tests/integration/test_learner_libraries.py",
)

Test = TypeVar("Test")


def fill(waiting: Sequence[Test], quick: Sequence[Test]) -> list[Test]:
    """Puts three quarters of the quick tests between those that wait, evenly, and the rest last.

    In the end, short ones keep all processes busy.
    """
    share = len(quick) * 3 // 4 / max(1, len(waiting))
    cuts = [round(number * share) for number in range(len(waiting) + 1)]
    between = [quick[start:end] for start, end in itertools.pairwise(cuts)]
    filled = [test for each, others in zip(waiting, between, strict=True) for test in (each, *others)]
    return [*filled, *quick[cuts[-1] :]]


class TurnScheduling(LoadScopeScheduling):
    """Gives the tests of a turn to one process in a row, the longest turn first, and all others one by one.

    Tests with Docker share the names of images, and some look at all that the daemon has: more processes would only
    stand and wait for it. (xdist's own groups do not work with pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return find_turn(nodeid.partition("::")[0]) or nodeid


@functools.cache
def find_turn(path: str) -> str | None:
    """Finds the turn of a file of tests; ``None`` if its tests may run at any time."""
    if path.startswith("tests/integration/docker/"):
        return "docker"
    if path.startswith("tests/integration/scripts/"):
        return "scripts"  # which compare with what is trained once
    if path.startswith("tests/integration/aws/"):
        text = (ROOT / path).read_text(encoding="utf-8")
        return "aws with docker" if any(name in text for name in _DAEMON) else None
    if path in _LEARNERS:
        return "learners"
    return "model check" if path.endswith("results/test_model_check.py") else None
