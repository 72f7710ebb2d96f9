"""Measures the package of examples/breast_cancer: its size, and how long a warm process takes to build it.

The package must load, with a task that has the example's settings, before anything is timed. The exit code is 1 if it
has 200 KB or more, or if building it takes 0.3 s or more.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
from tg.common.delivery.sagemaker import SagemakerJob

PROJECT = Path(__file__).parent.parent / "examples" / "breast_cancer"
MAX_BYTES = 200_000
MAX_SECONDS = 0.3


def build_packaging() -> Packaging:
    sys.path.insert(0, str(PROJECT))
    task = importlib.import_module("tasks").build_task(max_iter=500, C=0.5)
    packaging = Packaging("BreastCancer", "0", {"job": SagemakerJob(task)})
    packaging.project_folder = PROJECT
    packaging.silent = True
    return packaging


def check_package(path: Path) -> None:
    """Raises AssertionError unless the package loads and holds the task."""
    job = install_package_and_get_loader(path).load_resource("job")
    assert type(job).__module__ == "BreastCancer__0.tg.common.delivery.sagemaker.runtime.job", type(job)
    assert job.task.model_provider.constructor.kwargs == {"max_iter": 500, "C": 0.5}


def measure_seconds(packaging: Packaging, folder: Path) -> float:
    start = time.perf_counter()
    packaging.make_package(folder)
    return time.perf_counter() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        packaging = build_packaging()
        package = packaging.make_package(Path(name))
        check_package(package.path)
        size = package.path.stat().st_size
        seconds = statistics.median(measure_seconds(packaging, Path(name)) for _ in range(arguments.repeats))
    print(f"size:  {size:,} bytes, less than {MAX_BYTES:,} wanted")
    print(f"build: median {seconds:.3f} s of {arguments.repeats}, less than {MAX_SECONDS:.1f} s wanted")
    return 1 if size >= MAX_BYTES or seconds >= MAX_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
