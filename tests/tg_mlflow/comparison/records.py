"""What runs remember, for tests: all of it is the same unless a test says otherwise."""

from typing import Any

from mlflow.entities import Run, RunData, RunInfo, RunTag

from tg_mlflow.comparison.metric_history import Point
from tg_mlflow.comparison.package_record import PackageRecord, SourceFile
from tg_mlflow.comparison.run_record import DatasetRecord, RunRecord

ENVIRONMENT = {
    "python": "3.11.7",
    "implementation": "CPython",
    "platform": "Linux-6.1-x86_64",
    "machine": "x86_64",
    "cpu": "Xeon",
    "cpus": 2,
    "memory_mb": 8000,
    "threads": {"OMP_NUM_THREADS": "2"},
    "hash_seed": "random",
    "libraries": {"numpy": "2.1.0", "scikit-learn": "1.7.0"},
}
TAGS = {"tg.version": "0.1.0", "tg.place": "tg-process"}


def make_record(tags: "dict[str, str] | None" = None, status: str = "FINISHED", **changes: Any) -> RunRecord:
    """Makes the record of a run with one file, one parameter, one dataset and one metric of two points."""
    info = RunInfo("1" * 32, "7", "somebody", status, 0, None, "active", run_name="calm-fox-1")
    data = RunData(tags=[RunTag(name, value) for name, value in {**TAGS, **(tags or {})}.items()])
    given: dict[str, Any] = {
        "params": {"C": "1.0"},
        "config": {"dataset": "points.parquet"},
        "place_options": {},
        "datasets": [DatasetRecord("points.parquet", "d1", "training", 60, False)],
        "channels": {},
        "package": make_package(),
        "task": {"model.C": "1.0"},
        "environment": ENVIRONMENT,
        "metrics": {"loss": make_points(0.5, 0.25)},
        "predictions": {},
    }
    return RunRecord(run=Run(info, data), **{**given, **changes})


def make_package(
    sources: "dict[str, str] | None" = None, shipped: "dict[str, str] | None" = None, **changes: Any
) -> PackageRecord:
    """Makes the record of a package."""
    files = {"tasks.py": "C = 1\n"} if sources is None else sources
    given: dict[str, Any] = {
        "root": "Task__1a2b3c4d",
        "properties": {"python_version": "3.11.7", "library_versions": {"numpy": "2.1.0"}},
        "objects": {"resources/job.pkl": "a1"},
    }
    return PackageRecord(
        sources={name: SourceFile.of(text.encode()) for name, text in files.items()},
        shipped={"tg/a.py": "a1"} if shipped is None else shipped,
        **{**given, **changes},
    )


def make_points(*values: float) -> list[Point]:
    """Makes points of consecutive steps."""
    return [Point(step, 1000 + step, value) for step, value in enumerate(values)]
