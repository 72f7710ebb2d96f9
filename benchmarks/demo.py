"""How long `make demo` takes on a fresh machine, from a clone of this repository to a run that has finished.

Beside it, in the same run: what `uv` takes to make an environment with MLflow, SageMaker's SDK and scikit-learn alone.
Both read packages from the same cache, which is filled before.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import ROOT, Figure, Scale, measure_in_turns, run, time_command

PACKAGES = ("mlflow", "sagemaker", "scikit-learn")
# What this process has of its own environment, and what MLflow would read.
HIDDEN = ("MLFLOW_", "PYTHON", "TG_", "VIRTUAL_ENV", "MAKE")
PYTHON = Path(sys.base_prefix) / "bin" / "python3"


def make_demo(folder: Path) -> float:
    """Clones what is committed and returns how long `make demo` takes there; checks that it shows a finished run."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "clone")], check=True)
    variables = find_variables() | {"TG_JOBS_PATH": str(folder / "jobs")}
    log = folder / "demo.log"
    command = ["sh", "-c", f'make demo "PYTHON={PYTHON}" >"{log}" 2>&1 || {{ cat "{log}"; exit 1; }}']
    seconds = time_command(command, variables, folder / "clone")
    said = log.read_text(encoding="utf-8")
    if re.search(r"Run .+ FINISHED\n(?:.*\n)*? *roc_auc_score_test +0\.9\d+\n", said) is None:
        sys.exit(f"`make demo` has not shown the run that it has to show:\n{said}")
    return seconds


def install(folder: Path) -> float:
    """Returns how long uv takes to make an environment with the packages; checks that they are in it."""
    environment, uv = folder / "environment", [sys.executable, "-m", "uv"]
    python = environment / "bin" / "python"
    making = time_command([*uv, "venv", "--quiet", "--python", PYTHON, environment], find_variables())
    installing = time_command([*uv, "pip", "install", "--quiet", "--python", python, *PACKAGES], find_variables())
    check = "from importlib.metadata import version as v; print(v('mlflow'), v('sagemaker'), v('scikit-learn'))"
    time_command([python, "-c", check], find_variables())
    return making + installing


def find_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}


def in_new_folder(measure_there: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as name:
        return measure_there(Path(name))


def measure(scale: Scale) -> Iterator[Figure]:
    for each in (make_demo, install):  # fills the cache
        in_new_folder(each)
    seconds = measure_in_turns(
        scale.pick(2, 1), demo=lambda: in_new_folder(make_demo), installation=lambda: in_new_folder(install)
    )
    yield Figure.ratio(
        "demo.installation",
        "`make demo` from a fresh clone, all packages in the cache",
        f"`uv pip install {' '.join(PACKAGES)}` in a new environment",
        seconds["demo"],
        seconds["installation"],
        1.5,
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
