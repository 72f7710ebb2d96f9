"""A comparison as text and as JSON."""

import json
from pathlib import Path

import pandas as pd

from tests.tg_mlflow.comparison.records import ENVIRONMENT, make_package, make_points, make_record
from tg_mlflow.comparison.report import format_json, format_text
from tg_mlflow.comparison.run_comparison import compare

HEAD = f"""\
--- {"1" * 32} calm-fox-1 (tg-process, FINISHED, 1970-01-01T00:00:00+00:00)
+++ {"1" * 32} calm-fox-1 (tg-process, FINISHED, 1970-01-01T00:00:00+00:00)

"""


def test_a_comparison_is_read_from_causes_to_outcomes(tmp_path: Path) -> None:
    for name, value in (("a", 0.5), ("b", 0.75)):
        pd.DataFrame({"predicted": [value, 1.0]}).to_parquet(tmp_path / name)
    first, second = (
        make_record(
            package=make_package({"tasks.py": f"C = {number}\n"}),
            params={"n": "1"} if number == 1 else {},
            metrics={"accuracy": make_points(0.5), "loss": make_points(0.5, 0.25 * number)},
            predictions={"runs/0/result_df.parquet": tmp_path / name},
        )
        for number, name in ((1, "a"), (2, "b"))
    )
    assert format_text(first, second, compare(first, second)) == HEAD + (
        "code\n"
        "  --- a/tasks.py\n"
        "  +++ b/tasks.py\n"
        "  @@ -1 +1 @@\n"
        "  -C = 1\n"
        "  +C = 2\n"
        "\n"
        "parameter\n"
        "  n: 1 -> not given\n"
        "\n"
        "metric\n"
        "  loss: 0.25 -> 0.5 at step 1; 1 of 2 points equal\n"
        "\n"
        "predictions\n"
        "  runs/0/result_df.parquet: 0.5 -> 0.75 in 'predicted' of row 0; 1 of 2 rows equal\n"
        "\n"
        "Equal to the last digit: 1 metric with 1 point\n"
        "The runs differ in code, parameter, metric, predictions"
    )


def test_identical_runs() -> None:
    record = make_record()
    assert format_text(record, record, compare(record, record)) == HEAD + (
        "Equal to the last digit: 1 metric with 2 points\nThe runs are identical"
    )


def test_what_is_not_recorded_is_never_called_equal() -> None:
    first, second = make_record(environment={**ENVIRONMENT, "cpu": None}), make_record(predictions=None)
    text = format_text(first, second, compare(first, second))
    assert "  CPU: not recorded -> Xeon\n" in text
    assert "  result archive: 0 files of predictions -> not recorded\n" in text
    unknown = make_record(predictions=None)
    assert format_text(unknown, unknown, compare(unknown, unknown)) == HEAD + (
        "Neither run has recorded: result archive\n"
        "Equal to the last digit: 1 metric with 2 points\n"
        "The runs are identical in all that they have recorded"
    )


def test_json_has_all_fields_of_each_difference() -> None:
    first, second = make_record(), make_record(metrics={"loss": make_points(0.5, 0.75)})
    written = json.loads(format_json(first, second, compare(first, second)))
    run = {"run_id": "1" * 32, "name": "calm-fox-1", "place": "tg-process", "status": "FINISHED"}
    assert written == {
        "first": {**run, "start_time": "1970-01-01T00:00:00+00:00"},
        "second": {**run, "start_time": "1970-01-01T00:00:00+00:00"},
        "identical": False,
        "equal_metrics": 0,
        "equal_points": 0,
        "differences": [
            {
                "kind": "metric",
                "name": "loss",
                "first": "0.25",
                "second": "0.75",
                "not_recorded": [],
                "step": 1,
                "equal_points": 1,
                "first_points": 2,
                "second_points": 2,
            }
        ],
    }


def test_of_very_many_changed_lines_the_first_ones_are_shown() -> None:
    first, second = (make_record(package=make_package({"data.csv": f"{number}\n" * 400})) for number in (1, 2))
    comparison = compare(first, second)
    shown = format_text(first, second, comparison).splitlines()
    assert shown[-5:-2] == ["  +2", "  … 303 more lines; --json has all", ""]
    assert format_json(first, second, comparison).count("+2\\n") == 400


def test_long_values_are_cut_and_stay_in_one_line() -> None:
    first, second = make_record(params={"note": "a\nb"}), make_record(params={"note": "c" * 1001})
    text = format_text(first, second, compare(first, second))
    assert f"\n  note: a\\nb -> {'c' * 300}… (1,001 characters)\n" in text
