"""What is known of the trainings of a sweep."""

import math
import sys
from typing import Any

from tg_mlflow.sweeps.report.table import (
    SweepChildResult,
    as_key,
    build_sweep_table,
    choose_metrics,
    describe_missing_metric,
    find_best,
    name_varying,
)


def child(
    name: str, status: str = "FINISHED", metrics: dict[str, float] | None = None, **parameters: Any
) -> SweepChildResult:
    run_id = None if status == "NOT STARTED" else f"run-{name}"
    seconds = None if status == "NOT STARTED" else 1.5
    return SweepChildResult(
        name, run_id, status, seconds, parameters, metrics or {}, "no memory" if status == "FAILED" else None
    )


def test_the_table() -> None:
    table = build_sweep_table(
        [
            child("A", "FINISHED", {"loss": 0.25, "accuracy": 1.0}, C=1, depth=None, layers=[8, 4], text="a,b"),
            child("B", "FAILED", {"loss": 2.0}, C=10, depth=3, layers=[], text="c"),
            child("D", "NOT STARTED", None, C=100, depth=3, layers=None, text="d", bootstrap=True),
        ]
    )
    assert table.to_csv(index=False) == (
        "name,status,seconds,run_id,params.C,params.depth,params.layers,params.text,params.bootstrap,"
        "metrics.accuracy,metrics.loss,failure\n"
        'A,FINISHED,1.5,run-A,1,,"[8, 4]","a,b",,1.0,0.25,\n'
        "B,FAILED,1.5,run-B,10,3,[],c,,,2.0,no memory\n"
        "D,NOT STARTED,,,100,3,,d,True,,,\n"
    )
    assert table["params.C"].dtype == "int64"
    assert table["params.layers"][0] == [8, 4]


def test_without_failures_there_is_no_column_for_them() -> None:
    assert list(build_sweep_table([child("A")]).columns) == ["name", "status", "seconds", "run_id"]
    assert list(build_sweep_table([]).columns) == ["name", "status", "seconds", "run_id"]


def test_the_best_one() -> None:
    children = [
        child("nan", metrics={"loss": math.nan}),
        child("failed", "FAILED", {"loss": -5.0}),
        child("killed", "KILLED", {"loss": 50.0}),
        child("infinite", metrics={"loss": math.inf}),
        child("infinite in MLflow", metrics={"loss": sys.float_info.max}),
        child("none", metrics={"other": 1.0}),
        child("first", metrics={"loss": 0.5}),
        child("second", metrics={"loss": 0.5}),
        child("high", metrics={"loss": 3.0}),
        child("as high", metrics={"loss": 3.0}),
    ]
    lowest, highest = find_best(children, "loss", "min"), find_best(children, "loss", "max")
    assert lowest is not None
    assert highest is not None
    assert (lowest.name, highest.name) == ("first", "high")
    assert find_best(children, None, "min") is None
    assert find_best(children[:5], "loss", "min") is None


def test_a_metric_that_no_finished_child_has_is_said_with_the_known_ones() -> None:
    children = [child("A", metrics={"accuracy": 1.0, "loss": math.nan}), child("B", "FAILED", {"recall": 1.0})]
    assert describe_missing_metric(children, "acuracy") == (
        "no finished training has a finite value of primary_metric 'acuracy'; did you mean 'accuracy'?"
    )
    assert describe_missing_metric(children, "loss") == (
        "no finished training has a finite value of primary_metric 'loss'; there is 'accuracy'"
    )
    assert describe_missing_metric([], "loss").endswith("; there is nothing")


def test_the_metrics_to_show() -> None:
    children = [child("A", metrics=dict.fromkeys("hgfedcba", 1.0) | {"a": math.nan}), child("B", "KILLED", {"_": 1.0})]
    assert choose_metrics(children, "g") == ["g"]
    assert choose_metrics(children, None) == ["b", "c", "d", "e", "f", "g"]


def test_parameters_that_vary_are_in_the_order_of_the_grid() -> None:
    children = [child("A", z=1, same=[1], y=1, x=True), child("B", z=1.0, same=[1], y=2, x=1, only_here=0)]
    assert name_varying(children, {"x": [1, True], "same": [1], "y": [1, 2]}) == ["x", "y", "only_here"]


def test_equal_values_and_no_others_have_equal_keys() -> None:
    assert as_key(1) == as_key(1.0)
    assert len({as_key(value) for value in (1, True, "1", None, "None", [1], 1.5)}) == 7
