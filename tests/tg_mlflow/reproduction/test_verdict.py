import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run, RunData, RunInfo, RunTag

from tg_mlflow.comparison.metric_history import Point
from tg_mlflow.comparison.package_record import PackageRecord, SourceFile
from tg_mlflow.comparison.run_record import DatasetRecord, RunRecord
from tg_mlflow.reproduction.verdict import Verdict, judge

ENVIRONMENT = {
    "python": "3.11.7",
    "implementation": "CPython",
    "platform": "Linux",
    "machine": "x86_64",
    "memory_mb": 1000,
    "cpu": "Epyc",
    "cpus": 2,
    "threads": {},
    "libraries": {"numpy": "1.26.4"},
}


def record(
    run_id: str,
    status: str = "FINISHED",
    loss: tuple[float, ...] = (0.5, 0.25, 0.125),
    code: bytes = b"RATE = 1\n",
    digest: str = "d1",
    params: Mapping[str, str] | None = None,
    **environment: Any,
) -> RunRecord:
    info = RunInfo(run_id, "7", "me", status, 0, 1, "active", run_name=run_id)
    tags = [RunTag("tg.place", "tg-process")]
    return RunRecord(
        run=Run(info, RunData([], [], tags)),
        params=params or {},
        config={},
        place_options={},
        datasets=[DatasetRecord("points.parquet", digest, "training", 3, False)],
        channels={},
        package=PackageRecord("T__0", {}, {"tasks.py": SourceFile.of(code)}, {}, {}),
        task={},
        environment={**ENVIRONMENT, **environment},
        metrics={"loss": [Point(step, 7, value) for step, value in enumerate(loss)]} if loss else {},
        predictions={},
    )


def verdict(first: Mapping[str, Any], second: Mapping[str, Any]) -> Verdict:
    return judge(record("old", **first), record("new", **second))


def test_what_is_the_same_is_identical() -> None:
    found = verdict({}, {})
    assert found.is_identical
    assert found.summary == "identical to the last digit: 3 points of 1 metric"
    assert found.format_text() == ("Run new reproduces run old: identical to the last digit: 3 points of 1 metric")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"code": b"RATE = 2\n"}, "code tasks.py"),
        ({"digest": "d2"}, "data points.parquet (training): d1, 3 rows and d2, 3 rows"),
        ({"params": {"rate": "2"}}, "parameter rate: nothing and 2"),
        ({"python": "3.12.1"}, "python Python: 3.11.7 and 3.12.1"),
        ({"libraries": {"numpy": "2.0.0"}}, "library numpy: 1.26.4 and 2.0.0"),
        ({"cpu": "Xeon"}, "machine CPU: Epyc and Xeon"),
        ({"threads": {"OMP_NUM_THREADS": "1"}}, "threads OMP_NUM_THREADS: nothing and 1"),
        ({"hash_seed": "0"}, "seed PYTHONHASHSEED: not set and 0"),
    ],
)
def test_the_one_thing_that_was_changed_is_the_cause(change: Mapping[str, Any], cause: str) -> None:
    found = verdict({}, {"loss": (0.5, 0.26, 0.2), **change})
    assert not found.is_identical
    assert len(found.causes) == 1
    assert found.summary.startswith(f"differs first in loss at step 1: 0.25 and 0.26; what could explain it: {cause}")


def test_a_difference_without_a_cause_says_where_to_look() -> None:
    assert verdict({}, {"loss": (0.5, 0.25, 0.125000000001)}).summary == (
        "differs first in loss at step 2: 0.125 and 0.125000000001; nothing that both runs have recorded explains it: "
        "look for seeds, for the order of threads, and for data from elsewhere"
    )


def test_other_libraries_that_come_to_the_same_are_told() -> None:
    assert verdict({}, {"libraries": {"numpy": "2.0.0"}}).format_text() == (
        "Run new reproduces run old: identical to the last digit: 3 points of 1 metric\n"
        "  although these differ\n"
        "    library numpy: 1.26.4 and 2.0.0"
    )


def test_of_a_run_that_was_killed_all_counts_that_it_has() -> None:
    found = verdict({"status": "KILLED", "loss": (0.5, 0.25)}, {})
    assert found.is_identical
    assert found.summary == (
        "identical to the last digit: 2 points of 1 metric, which is all that the run has, as it is KILLED"
    )
    changed = verdict({"status": "KILLED", "loss": (0.5, 0.3)}, {})
    assert changed.summary.startswith("differs first in loss at step 1: 0.3 and 0.25;")


def test_a_training_that_fails_now_says_so_first() -> None:
    found = verdict({}, {"status": "FAILED", "loss": (0.5,)})
    assert [each.kind for each in found.outcomes] == ["status", "metric"]
    assert found.format_text().splitlines()[:4] == [
        "Run new does not reproduce run old",
        "  it differs in",
        "    status status: FINISHED and FAILED",
        "    loss at step 1: 0.25 and nothing",
    ]


def test_a_run_that_had_nothing_cannot_be_reproduced() -> None:
    found = verdict({"status": "KILLED", "loss": ()}, {})
    assert (found.is_identical, found.outcomes) == (False, ())
    assert found.summary == "nothing to compare: there are neither metrics nor predictions that both runs have"
    assert found.format_text().startswith("Run new and run old: nothing to compare: ")


def test_the_artifact_has_all_differences(tmp_path: Path) -> None:
    content = json.loads(verdict({}, {"loss": (1.5,), "digest": "d2"}).format_json())
    assert (content["reproduces"], content["run_id"], content["identical"]) == ("old", "new", False)
    assert (content["outcomes"][0]["name"], content["outcomes"][0]["first"]) == ("loss", "0.5")
    assert [each["kind"] for each in content["causes"]] == ["data"]
