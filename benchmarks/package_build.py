"""How long the package of a project takes, when nothing has changed and when one module has, and how large it is.

The limit is Python's own tools, which do a part of that: they read the same files and write a ``.tar.gz`` of them with
the same compression, and pickle the same task. The process has packaged before, as in a notebook or a sweep; how long a
new process takes, such as that of each command, is told beside it.

The rest is about examples/breast_cancer: the size of its package, the time in a warm process, and how much longer it
takes with 20,000 images in the project's folder. Each package is loaded and checked before anything is timed.
"""

from __future__ import annotations

import gzip
import importlib
import random
import shutil
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import pathspec  # noqa: F401 - the product imports it late

from harness import ROOT, Figure, Scale, call_in_fork, measure_in_turns, run
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
from tg.common.delivery.sagemaker import SagemakerJob

EXAMPLE = ROOT / "examples" / "breast_cancer"
MODULES = 300
IMAGES = 20_000
FUNCTIONS_OF_MODULE = 12

# fmt: off
WORDS = [
    "factor", "offset", "total", "kept", "mean", "batch", "epoch", "weight", "label", "feature", "column",
    "score", "model", "error", "limit", "name", "index", "window", "rate", "first", "last", "count", "start",
    "width", "loss", "target", "frame", "table", "group", "split", "fold", "seed", "share", "level", "depth",
]
# fmt: on
FUNCTION = '''

def scale_{number}(values: np.ndarray, {a}: float = 1.0, {b}: float = 0.0) -> np.ndarray:
    """Scales the {c} by the {a} of each {d}, and adds the {b}; {e} that are no {c} become the {d} of the {f}."""
    if {a} == 0:
        raise ValueError(f"{a} is {{{a}}}; give the {c} a {d} other than {e}")
    {f} = np.where(np.isnan(values), np.nanmean(values), values)
    {c} = {{{d}: float({e}) for {d}, {e} in zip("{b}", {f}[:{number}], strict=False)}}
    return {f} * {a} + {b} + 0.0 * sum({c}.values()) / max(len({c}), {number} + 1)
'''


def write_project(folder: Path) -> None:
    """Writes a project of 300 modules of 5 kB in packages of 20, where each imports some others."""
    (folder / "MLproject").write_text("name: large\n")
    (folder / ".gitignore").write_text("*.log\n/data/\n")
    choice = random.Random(0)
    for number in range(MODULES):
        package = folder / f"part_{number // 20}"
        package.mkdir(exist_ok=True)
        others = [f"part_{other // 20}.module_{other}" for other in range(max(0, number - 40), number, 13)]
        lines = ["import math", "import os.path", "import numpy as np", "import pandas as pd"]
        lines += [f"from {other} import scale_{number % FUNCTIONS_OF_MODULE}" for other in others]
        if number % 20:
            lines.append(f"from .module_{number - 1} import scale_1 as scale_before")
        text = "\n".join(lines) + "\n" + "".join(format_function(each, choice) for each in range(FUNCTIONS_OF_MODULE))
        (package / f"module_{number}.py").write_text(text)
        (package / "__init__.py").touch()
    (folder / "tasks.py").write_text(
        "from tg.common.ml.training_core import AbstractTrainingTask\n"
        f"from part_{(MODULES - 1) // 20} import module_{MODULES - 1}\n\n\n"
        "class Task(AbstractTrainingTask):\n"
        "    def __init__(self, factor):\n"
        "        super().__init__()\n"
        "        self.factor = factor\n\n"
        "    def run_with_environment(self, data, environment):\n"
        f"        return module_{MODULES - 1}.scale_1(data, self.factor)\n"
    )


def format_function(number: int, choice: random.Random) -> str:
    return FUNCTION.format(number=number, **dict(zip("abcdef", choice.sample(WORDS, 6), strict=True)))


def build_packaging(project: Path, name: str, arguments: dict[str, float]) -> Packaging:
    sys.path.insert(0, str(project))
    sys.modules.pop("tasks", None)
    module = importlib.import_module("tasks")
    task = module.build_task(**arguments) if hasattr(module, "build_task") else module.Task(**arguments)
    packaging = Packaging(name, "0", {"job": SagemakerJob(task)})
    packaging.project_folder = project
    packaging.silent = True
    return packaging


def package_at_start(packaging: Packaging, folder: Path) -> None:
    """Does what the start of a training does: the version of the package is a digest of the project."""
    packaging.version = packaging.digest_project()[:8]
    packaging.make_package(folder)


def tar_and_pickle(files: dict[str, Path], task: object, path: Path) -> None:
    """Does a part of that, with what Python has for it."""
    with (
        gzip.GzipFile(path, mode="wb", compresslevel=6) as compressed,
        tarfile.open(mode="w", fileobj=compressed) as tar,
    ):
        for name, file in files.items():
            tar.add(file, name, recursive=False)
    path.with_suffix(".pkl").write_bytes(cloudpickle.dumps(task))


def measure(scale: Scale) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from measure_large(scale, folder)
        yield from measure_example(scale, folder)


def measure_large(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Measures a project of 300 modules."""
    project, made = folder / "large", folder / "made"
    project.mkdir()
    made.mkdir()
    write_project(project)
    packaging = build_packaging(project, "Large", {"factor": 0.5})
    changed = project / "part_7" / "module_150.py"
    text = changed.read_text()
    versions = iter(range(1_000_000))

    def package() -> float:
        changed.write_text(text)
        package_at_start(packaging, made)
        return time_it(lambda: package_at_start(packaging, made))

    def package_changed() -> float:
        changed.write_text(f"{text}\n\nVERSION = {next(versions)}\n")
        return time_it(lambda: package_at_start(packaging, made))

    def package_in_new_process() -> float:
        changed.write_text(text)
        call_in_fork(lambda: package_at_start(packaging, made))
        return float(call_in_fork(lambda: time_it(lambda: package_at_start(packaging, made))))

    with tempfile.TemporaryDirectory() as unpacked:
        files = check_large(packaging, Path(unpacked))
        task = packaging.payload["job"].task

        def tar() -> float:
            return time_it(lambda: tar_and_pickle(files, task, made / "plain.tar.gz"))

        new = measure_in_turns(scale.pick(5, 1), package=package_in_new_process)["package"]
        seconds = measure_in_turns(scale.pick(15, 5), package=package, changed=package_changed, tar=tar)
    against = "`tar` and `pickle` of the same files"
    what = f"package of a project of {MODULES} modules"
    yield Figure.ratio(
        "package.unchanged", f"{what}, nothing changed", against, seconds["package"], seconds["tar"], 1.5
    )
    yield Figure.ratio("package.changed", f"{what}, one changed", against, seconds["changed"], seconds["tar"], 2.0)
    yield Figure.ratio("package.new", f"{what}, nothing changed, in a new process", against, new, seconds["tar"], None)


def check_large(packaging: Packaging, folder: Path) -> dict[str, Path]:
    """Checks that a package holds the project and runs; returns where the same files lie, unpacked, by their names."""

    def load() -> None:
        package = packaging.make_package(folder)
        task = install_package_and_get_loader(package.path).load_resource("job").task
        assert type(task).__module__ == "Large__0.tasks", type(task)
        import numpy as np

        values = np.array([1.0, 2.0, 3.0, 4.0])
        assert task.run_with_environment(values, None).tolist() == [0.5, 1.0, 1.5, 2.0]

    call_in_fork(load)
    with tarfile.open(folder / "Large-0.tar.gz") as archive:
        archive.extractall(folder, filter="data")
        names = [each.name for each in archive]
    modules = [each for each in names if "/part_" in each and "/module_" in each]
    assert len(modules) == MODULES, len(modules)
    assert b"\nfrom Large__0.part_" in (folder / modules[-1]).read_bytes()
    return {each: folder / each for each in names}


def measure_example(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Measures the project of examples/breast_cancer."""
    repeats = scale.pick(21, 3)
    packaging = build_packaging(EXAMPLE, "BreastCancer", {"max_iter": 500, "C": 0.5})
    package = packaging.make_package(folder)
    job = install_package_and_get_loader(package.path).load_resource("job")
    assert type(job).__module__ == "BreastCancer__0.tg.common.delivery.sagemaker.runtime.job", type(job)
    assert job.task.model_provider.constructor.kwargs == {"max_iter": 500, "C": 0.5}
    what = "package of examples/breast_cancer"
    size = package.path.stat().st_size / 1000
    yield Figure(
        "package.size", f"size of the {what}", size, "kB", wanted=200, details=f"{len(package.modules)} modules"
    )
    seconds = [time_it(lambda: packaging.make_package(folder)) for _ in range(repeats)]
    details = f"median of {repeats}, in a warm process"
    yield Figure(
        "package.seconds", f"time for the {what}", statistics.median(seconds), "s", wanted=0.3, details=details
    )
    yield measure_images(packaging, folder, repeats)


def measure_images(packaging: Packaging, folder: Path, repeats: int) -> Figure:
    """Measures how much images add, which do not change the package."""
    project = shutil.copytree(EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("datasets"))
    packaging.project_folder = project

    def start() -> str:
        digest = packaging.digest_project()
        return digest + packaging.make_package(folder).sha256

    made = start()
    without = statistics.median(time_it(start) for _ in range(repeats))
    for number in range(IMAGES):
        place = project / "datasets" / "images" / f"class_{number % 100}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(b"image")
    assert start() == made
    added = statistics.median(time_it(start) for _ in range(repeats)) - without
    what = f"{IMAGES:,} images beside the code: how much longer a package and its digest take"
    return Figure("package.images", what, added, "s", wanted=1.0, details=f"medians of {repeats}")


def time_it(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


if __name__ == "__main__":
    run(measure, __doc__ or "")
