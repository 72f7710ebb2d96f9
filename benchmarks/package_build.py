"""Measures the package of examples/breast_cancer: its size, and how long a warm process takes to build it.

The package must load, with a task that has the example's settings, before anything is timed. The exit code is 1 if it
has 200 KB or more, if building it takes 0.3 s or more, or if a digest of the project and the package take 1 s longer
with 20,000 images in the project's folder.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
from tg.common.delivery.sagemaker import SagemakerJob
from tg_mlflow.delivery.project_delivery import digest_project

PROJECT = Path(__file__).parent.parent / "examples" / "breast_cancer"
MAX_BYTES = 200_000
MAX_SECONDS = 0.3
IMAGES = 20_000
MAX_SECONDS_FOR_IMAGES = 1.0


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


def measure_start_seconds(packaging: Packaging, project: Path, folder: Path) -> float:
    """Times what the start of a training reads of a project: for the package's version, and for the package."""
    start = time.perf_counter()
    digest_project(project, ())
    packaging.make_package(folder)
    return time.perf_counter() - start


def add_images(project: Path) -> None:
    for number in range(IMAGES):
        place = project / "datasets" / "images" / f"class_{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(b"image")


def measure_images(packaging: Packaging, folder: Path, repeats: int) -> float:
    """Returns the seconds that images add, which do not change the package."""
    project = shutil.copytree(PROJECT, folder / "project", ignore=shutil.ignore_patterns("datasets"))
    packaging.project_folder = project
    package, digest = packaging.make_package(folder), digest_project(project, ())
    without = statistics.median(measure_start_seconds(packaging, project, folder) for _ in range(repeats))
    add_images(project)
    assert (packaging.make_package(folder).sha256, digest_project(project, ())) == (package.sha256, digest)
    return statistics.median(measure_start_seconds(packaging, project, folder) for _ in range(repeats)) - without


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
        added = measure_images(packaging, Path(name), arguments.repeats)
    print(f"size:  {size:,} bytes, less than {MAX_BYTES:,} wanted")
    print(f"build: median {seconds:.3f} s of {arguments.repeats}, less than {MAX_SECONDS:.1f} s wanted")
    print(f"{IMAGES:,} images: {added:.3f} s longer, less than {MAX_SECONDS_FOR_IMAGES:.1f} s wanted")
    return 1 if size >= MAX_BYTES or seconds >= MAX_SECONDS or added >= MAX_SECONDS_FOR_IMAGES else 0


if __name__ == "__main__":
    sys.exit(main())
