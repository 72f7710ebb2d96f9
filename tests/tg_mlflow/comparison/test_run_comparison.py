"""Each way in which two runs may differ is named, and only that."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tg_mlflow.comparison.records import ENVIRONMENT, make_package, make_points, make_record
from tg.common.secrets import SecretMask
from tg_mlflow.comparison.differences import Comparison, Difference, SourceDifference
from tg_mlflow.comparison.run_comparison import compare
from tg_mlflow.comparison.run_record import DatasetRecord, RunRecord

BOTH = ("first", "second")


def change_environment(**changes: Any) -> RunRecord:
    return make_record(environment={**ENVIRONMENT, **changes})


def make_dataset(name: str, digest: str, context: str = "training", by_metadata: bool = False) -> DatasetRecord:
    return DatasetRecord(name, digest, context, None, by_metadata)


def find(first: RunRecord, second: RunRecord) -> list[Difference]:
    return list(compare(first, second).differences)


def test_runs_that_remember_the_same_are_identical() -> None:
    comparison = compare(make_record(), make_record())
    assert comparison == Comparison((), equal_metrics=1, equal_points=2)
    assert comparison.is_identical


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (make_record(params={"C": "0.5", "n": "1"}), [("parameter", "C", "1.0", "0.5"), ("parameter", "n", None, "1")]),
        (make_record(config={}), [("config", "dataset", "points.parquet", None)]),
        (make_record({"tg.place": "tg-local"}), [("place", "place", "tg-process", "tg-local")]),
        (make_record(place_options={"docker_host": "ssh://a"}), [("place", "docker_host", None, "ssh://a")]),
        (make_record({"tg.version": "0.2.0"}), [("code", "tg-mlflow", "0.1.0", "0.2.0")]),
        (
            make_record(package=make_package(shipped={"tg/a.py": "a2", "tg/new.py": "n"})),
            [("code", "tg-mlflow", "0.1.0", "0.1.0 with changes in 1 of its modules")],
        ),
        (make_record(status="FAILED"), [("status", "status", "FINISHED", "FAILED")]),
        (make_record({"tg.instance_type": "ml.m5.large"}), [("machine", "instance type", None, "ml.m5.large")]),
        (change_environment(python="3.12.1"), [("python", "Python", "3.11.7", "3.12.1")]),
        (change_environment(cpu="EPYC", cpus=4), [("machine", "CPU", "Xeon", "EPYC"), ("machine", "CPUs", "2", "4")]),
        (change_environment(gpus=["T4", "T4"]), [("machine", "GPUs", "none", "T4, T4")]),
        (change_environment(threads={}), [("threads", "OMP_NUM_THREADS", "2", None)]),
        (change_environment(hash_seed=0), [("seed", "PYTHONHASHSEED", "random", "0")]),
        (
            change_environment(libraries={"NumPy": "2.2.0", "scikit_learn": "1.7.0"}),
            [("library", "numpy", "2.1.0", "2.2.0")],
        ),
    ],
)
def test_what_differs_is_named(second: RunRecord, expected: list[tuple[str, ...]]) -> None:
    assert find(make_record(), second) == [Difference(*each) for each in expected]


def test_a_changed_line_of_code_is_shown() -> None:
    (found,) = find(make_record(), make_record(package=make_package({"tasks.py": "C = 2\n"})))
    assert isinstance(found, SourceDifference)
    assert (found.kind, found.name, found.first) == ("code", "tasks.py", "6 bytes, 287d7f1b0769")
    assert found.unified_diff == "--- a/tasks.py\n+++ b/tasks.py\n@@ -1 +1 @@\n-C = 1\n+C = 2\n"


def test_files_that_are_no_text_are_named_only() -> None:
    (found,) = find(make_record(), make_record(package=make_package({"tasks.py": "C = 1\n", "net.bin": "\0"})))
    assert found == SourceDifference("code", "net.bin", None, "1 bytes, 6e340b9cffb3")


def test_causes_come_in_the_order_in_which_they_explain_and_outcomes_after_them() -> None:
    second = replace(
        change_environment(python="3.12.1"),
        params={"C": "2.0"},
        datasets=[make_dataset("points.parquet", "d2")],
        metrics={"loss": make_points(0.5, 0.3)},
    )
    comparison = compare(make_record(), second)
    assert [each.kind for each in comparison.causes] == ["data", "parameter", "python"]
    assert [each.kind for each in comparison.outcomes] == ["metric"]


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        ([make_dataset("renamed.parquet", "d1")], []),
        ([make_dataset("points.parquet", "d2")], [("points.parquet (training)", "d1, 60 rows", "d2")]),
        ([make_dataset("other.parquet", "d2")], [("points.parquet (training)", "d1, 60 rows", "d2")]),
        (
            [make_dataset("points.parquet", "d1", "test")],
            [("points.parquet (test)", None, "d1"), ("points.parquet (training)", "d1, 60 rows", None)],
        ),
        ([], [("points.parquet (training)", "d1, 60 rows", None)]),
    ],
)
def test_data_are_compared_by_their_digests(datasets: list[DatasetRecord], expected: list[tuple[str, ...]]) -> None:
    assert find(make_record(), make_record(datasets=datasets)) == [Difference("data", *each) for each in expected]


def test_a_digest_of_metadata_says_nothing_of_the_content() -> None:
    (found,) = find(make_record(), make_record(datasets=[make_dataset("points.parquet", "s3", by_metadata=True)]))
    assert found.not_recorded == ("second",)
    assert found.second == "s3 (of S3's metadata, not of the content)"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"train": "d1"}, {"train": "d1"}, []),
        ({"train": "d1", "test": "d1"}, {"train": "d2", "test": "d1"}, [("train", "d1", "d2")]),
        ({}, {"train": "d1"}, [("train", None, "d1")]),
        ({"train": None}, {"train": "d1"}, [("train", None, "d1", ("first",))]),
        ({"train": "d1"}, {"train": None}, [("train", "d1", None, ("second",))]),
        ({"train": None}, {"train": None}, [("train", None, None, BOTH)]),
    ],
)
def test_what_was_in_channels_is_compared_by_its_digest(
    first: dict[str, str | None], second: dict[str, str | None], expected: list[tuple[Any, ...]]
) -> None:
    differences = [Difference("data", f"content of channel {name}", *rest) for name, *rest in expected]
    assert find(make_record(channels=first), make_record(channels=second)) == differences


def test_a_parameter_that_is_part_of_the_task_is_named_once() -> None:
    second = make_record(params={"C": "0.5"}, task={"model.C": "0.5", "command.2": '"0.5"', "seed": "7"})
    assert find(make_record(task={"model.C": "1.0", "command.2": '"1.0"', "seed": "1"}), second) == [
        Difference("parameter", "C", "1.0", "0.5"),
        Difference("parameter", "task.seed", "1", "7"),
    ]


def test_a_task_that_differs_in_what_no_text_shows() -> None:
    second = make_record(package=make_package(objects={"resources/job.pkl": "b2"}))
    assert find(make_record(), second) == [Difference("code", "what resources/job.pkl holds", "a1", "b2")]
    assert [each.kind for each in find(make_record(), replace(second, params={}))] == ["parameter"]


NOTHING: "dict[str, Any]" = {
    name: None for name in ("config", "datasets", "package", "task", "environment", "predictions")
}


def test_what_neither_run_has_recorded_is_not_the_same() -> None:
    comparison = compare(make_record(**NOTHING), make_record(**NOTHING))
    assert not comparison.is_identical
    assert all(each.is_unknown for each in comparison.differences)
    assert [(each.kind, each.name) for each in comparison.differences] == [
        ("code", "package"),
        ("data", "dataset"),
        ("config", "configuration"),
        ("python", "Python"),
        ("library", "installed libraries"),
        ("machine", "CPU"),
        ("threads", "variables of threads"),
        ("seed", "PYTHONHASHSEED"),
        ("predictions", "result archive"),
    ]


def test_what_one_run_has_not_recorded_is_named_with_what_the_other_one_has() -> None:
    comparison = compare(make_record(), make_record(**NOTHING))
    assert {each.not_recorded for each in comparison.differences} == {("second",)}
    assert [each.first for each in comparison.differences] == [
        "Task__1a2b3c",
        "points.parquet d1, 60 rows",
        "1 key",
        "3.11.7",
        "2 versions",
        "Xeon",
        "OMP_NUM_THREADS=2",
        "random",
        "0 files of predictions",
    ]


def test_without_packages_their_commits_are_compared() -> None:
    first, second = (make_record({"mlflow.source.git.commit": each}, package=None) for each in ("a1", "b2"))
    assert Difference("code", "commit", "a1", "b2") in find(first, second)


def test_packages_tell_the_libraries_of_runs_without_an_environment() -> None:
    requirements = ["numpy==2.2.0", "pandas>=2,<3", "https://example.com/a.whl", "scikit-learn @ https://b"]
    newer = make_package(properties={"python_version": "3.12.1", "requirements": requirements})
    second = make_record(package=newer, environment=None)
    known = [each for each in find(make_record(environment=None), second) if not each.is_unknown]
    assert known == [
        Difference("python", "Python of the launcher", "3.11.7", "3.12.1"),
        Difference("library", "https://example.com/a.whl", None, "https://example.com/a.whl"),
        Difference("library", "numpy", "2.1.0", "2.2.0"),
        Difference("library", "pandas", None, "<3,>=2"),
        Difference("library", "scikit-learn", None, "https://b"),
    ]
    assert Difference("library", "numpy", "2.1.0", "2.2.0") in find(make_record(), second)
    assert not [each for each in find(make_record(), second) if each.name in ("pandas", "scikit-learn")]


def test_metrics_that_a_run_has_lost_are_not_the_same() -> None:
    first = make_record({"tg.missing_log": "the last 10 bytes"})
    assert find(first, make_record()) == [
        Difference("metric", "what is missing of the log", "not recorded", "nothing", ("first",))
    ]


def test_a_run_that_goes_on_is_not_compared_to_its_end() -> None:
    running = make_record(status="RUNNING")
    assert find(running, running) == [
        Difference("status", "status", "RUNNING (it goes on)", "RUNNING (it goes on)", BOTH)
    ]


def test_trainings_that_end_with_other_exit_codes_have_not_failed_alike() -> None:
    first, second = (make_record({"tg.exit_code": code}, "FAILED") for code in ("1", "137"))
    assert find(first, second) == [Difference("status", "exit code", "1", "137")]
    assert find(first, make_record(status="FAILED")) == []  # one that an earlier version has recorded


def test_secrets_are_masked_in_all_that_is_shown() -> None:
    first = make_record(params={"url": "hunter2-secret"})
    second = make_record(package=make_package({"tasks.py": 'KEY = "hunter2-secret"\n'}))
    comparison = compare(first, second).without_secrets(SecretMask(["hunter2-secret"]))
    assert "hunter2" not in repr(comparison)
    assert '+KEY = "***"' in repr(comparison)
