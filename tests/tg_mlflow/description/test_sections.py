"""What a description says of a run."""

import json
import math
from typing import Any

import pytest
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)

from tg_mlflow.description.facts import RunFacts
from tg_mlflow.description.failure_trace import FailureTrace
from tg_mlflow.description.progress import Progress
from tg_mlflow.description.writing import build_description

START = 1_796_058_000_000  # 2026-11-30, 17:00 UTC
PAGE = "#/experiments/7/runs/r1/artifacts"


def make_run(
    tags: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    datasets: list[Dataset] | None = None,
    models: list[str] | None = None,
) -> Run:
    info = RunInfo("r1", "7", "somebody", "RUNNING", START, None, "active", run_name="points")
    given = {"tg.place": "tg-process", "tg.job_id": "job-1", **(tags or {})}
    data = RunData(
        [Metric(name, value, START, 0) for name, value in (metrics or {}).items()],
        [],
        [RunTag(name, value) for name, value in given.items()],
    )
    context = [InputTag("mlflow.data.context", "channel words")]
    inputs = RunInputs(
        dataset_inputs=[DatasetInput(each, context if each.name == "words" else []) for each in datasets or []]
    )
    return Run(info, data, inputs, RunOutputs([LoggedModelOutput(each, 0) for each in models or []]))


def describe(run: Run, status: str = "FINISHED", **facts: Any) -> str:
    return build_description(RunFacts(run, status, START + 200_000, **facts))


def test_a_training_that_has_ended_well() -> None:
    run = make_run(
        {"tg.package_sha256": "ab"},
        {
            "fold_auc_test": 0.5,
            "auc_test": 0.7,
            "fold_auc_train": 0.9,
            "auc_train": 0.9,
            "fold_0_validation_loss": 3,
            "tg.training_seconds": 8,
            "system/cpu": 1,
        },
        [
            Dataset(
                "points.parquet",
                "d1",
                "local",
                "{}",
                json.dumps({"mlflow_colspec": [{}, {}, {}]}),
                json.dumps({"num_rows": 1234, "num_elements": 3702}),
            )
        ],
        ["m-1"],
    )
    folds = {"auc_test": [0.9, 0.7, 0.5], "auc_train": [0.9]}
    pictures = ["figures/0/roc_curve.png", "a plot.svg"]
    assert describe(run, progress=Progress(3, 3, "fold", START), folds=folds, pictures=pictures) == (
        "**Finished** at tg-process after 3 min 20 s.\n"
        "\n"
        "| metric&emsp; | mean&emsp; | standard deviation&emsp; | folds |\n"
        "| --- | --- | --- | --- |\n"
        "| auc_test&emsp; | 0.7&emsp; | 0.2&emsp; | 3 |\n"
        "| auc_train&emsp; | 0.9&emsp; | &emsp; | 1 |\n"
        "\n"
        "Trained on **points.parquet** (1,234 rows, 3 columns, digest d1).\n"
        "\n"
        f"Figures: [0/roc_curve]({PAGE}/figures/0/roc_curve.png), [a plot]({PAGE}/a%20plot.svg).\n"
        "\n"
        "Load the model with `import mlflow` and:\n"
        "\n"
        '```python\nmlflow.pyfunc.load_model("models:/m-1")\n```\n'
        "\n"
        "Train it again, and compare:\n"
        "\n"
        "```\ntg-mlflow reproduce r1\n```"
    )


def test_a_training_that_has_failed() -> None:
    run = make_run(
        {"tg.failure_reason": "job job-1 has failed: KeyError: 'b_*'", "tg.state": '{"dataset": "/data/points.csv"}'}
    )
    trace = FailureTrace("The traceback", '  File "a.py", line 1, in f\n    x = """\n```\nKeyError: \'b\'')
    assert describe(run, "FAILED", trace=trace, progress=Progress(2, 10, "epoch", START)) == (
        "**Failed** at tg-process after 3 min 20 s, when epoch 2 of 10 was done: KeyError: 'b\\_\\*'\n"
        "\n"
        f"The traceback ([logs/train.log]({PAGE}/logs/train.log) has all):\n"
        "\n"
        '````\n  File "a.py", line 1, in f\n    x = """\n```\nKeyError: \'b\'\n````\n'
        "\n"
        "Trained on **points.csv**."
    )
    assert describe(run, "KILLED", trace=trace).startswith("**Killed** at tg-process after 3 min 20 s.\n\nTrained on")


def test_what_is_known_of_its_job() -> None:
    tags = {"tg.attempts": "3", "tg.exit_code": "137", "tg.signal": "SIGKILL", "tg.advice": "memory was nearly full"}
    run = make_run(tags, {"tg.lost_seconds": 300, "tg.cost_usd": 1.2345})
    assert describe(run, "FAILED").split("\n\n")[1] == (
        "Its job was started 3 times, which has cost 5 min. Exit code: 137, SIGKILL. Cost: 1.23 USD. "
        "Advice: memory was nearly full."
    )
    differing = '{"count": 2, "metric": "loss", "step": 3, "first": "0.5", "again": "0.4", "attempt": 2}'
    assert describe(make_run({"tg.differing_metrics": differing}), "FINISHED").split("\n\n")[1] == (
        "Values that another attempt has said otherwise: 2, the first of loss at step 3."
    )
    assert describe(make_run({}, {"tg.cost_usd": 1}), "RUNNING").split("\n\n")[1] == "Cost so far: 1.00 USD."
    killed = make_run({"tg.stop_reason": "cancelled by ann", "tg.failure_reason": "an old one", "tg.exit_code": "143"})
    assert describe(killed, "KILLED") == "**Killed** at tg-process after 3 min 20 s: cancelled by ann"


def test_what_it_goes_on_from_and_how_to_go_on_from_it() -> None:
    tags = {"tg.resumed_from": "r0", "tg.resumed_from_step": "40", "tg.checkpoints": "/state/walk"}
    goes_on = "It goes on from run [r0](#/experiments/7/runs/r0), from step 40."
    assert describe(make_run(tags)).split("\n\n")[1:] == [goes_on]
    assert describe(make_run(tags), "KILLED").split("\n\n")[1:] == [
        goes_on,
        "Its checkpoints are kept in /state/walk. Go on from the last one:",
        "```\ntg-mlflow resume r1\n```",
    ]
    restarted = describe(make_run({"tg.resumed_from_step": "8"}), "RUNNING")
    assert restarted.split("\n\n")[1:] == ["Its job went on from the checkpoint of step 8."]


def test_what_has_become_of_it_afterwards() -> None:
    tags = {
        "tg.registered": "version 3 of points",
        "tg.reproduces": "r0",
        "tg.verdict": "identical to the last digit",
        "tg.reproduced_by": "r2: differs first in metric auc: 0.5",
    }
    assert describe(make_run(tags)).split("\n\n")[1:] == [
        "Registry: version 3 of points.",
        "It trains run [r0](#/experiments/7/runs/r0) again: identical to the last digit.",
        "Trained again by run [r2](#/experiments/7/runs/r2): differs first in metric auc: 0.5.",
    ]


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (None, ""),
        (Progress(0, 10, "fold", START), ""),
        (Progress(2, 10, "fold", START + 60_000), " By 17:01 UTC, fold 2 of 10 was done."),
        (
            Progress(2, 10, "fold", START + 60_000, 240),
            " By 17:01 UTC, fold 2 of 10 was done; the rest takes about 4 min, until 17:05 UTC.",
        ),
        (
            Progress(1500, 2000, "step", START + 60_000, 86_400),
            " By 17:01 UTC, step 1,500 of 2,000 was done; the rest takes about 24 h, until 2026-12-01 17:01 UTC.",
        ),
    ],
)
@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
def test_a_training_that_goes_on(status: str, progress: Progress | None, told: str) -> None:
    text = describe(make_run({"tg.package_sha256": "ab"}), status, progress=progress)
    assert text == f"**In progress** at tg-process since 2026-11-30 17:00 UTC.{told}"


def test_the_metrics_of_a_script_are_shown_as_they_are() -> None:
    metrics = {f"m{number:02}": number / 3 for number in range(12)}
    metrics |= {"fold_auc": 0.5, "auc": math.inf, "loss_train": math.nan, "low": -1.7976931348623157e308}
    table = describe(make_run(metrics=metrics)).split("\n\n")
    assert table[1].splitlines()[2:6] == [
        "| auc&emsp; | inf |",
        "| fold_auc&emsp; | 0.5 |",
        "| low&emsp; | -inf |",
        "| m00&emsp; | 0 |",
    ]
    assert len(table[1].splitlines()) == 14
    assert table[2] == "4 more are among the metrics."


def test_folds_without_a_number_have_no_deviation() -> None:
    run = make_run(metrics={"fold_auc": 0.5})
    text = describe(run, progress=Progress(2, 2, "fold", START), folds={"auc": [0.5, math.nan]})
    assert "| auc&emsp; | nan&emsp; | &emsp; | 2 |" in text


def test_several_models_and_datasets_are_counted() -> None:
    datasets = [Dataset(f"d{number}", "x", "local", "{}", profile="no json") for number in range(5)]
    parts = describe(make_run(datasets=datasets, models=["m-1", "m-2", "m-3", "m-4", "m-4"])).split("\n\n")
    assert parts[1] == "Trained on **d0** (digest x); **d1** (digest x); **d2** (digest x), and 2 more."
    assert parts[2:4] == [
        "Load the last 3 of 4 models with `import mlflow` and:",
        '```python\nmlflow.pyfunc.load_model("models:/m-2")\nmlflow.pyfunc.load_model("models:/m-3")\n'
        'mlflow.pyfunc.load_model("models:/m-4")\n```',
    ]


def test_what_the_run_lacks_is_said() -> None:
    tags = {"tg.not_uploaded": "no room", "tg.missing": "figures/0/roc_curve", "tg.missing_log": "3 of its 9 bytes"}
    assert describe(make_run(tags)).split("\n\n")[1:] == [
        "Not complete: no room",
        "The log is not whole: 3 of its 9 bytes",
        "Could not be drawn or logged: figures/0/roc_curve",
    ]


def test_a_description_is_no_longer_than_a_tag() -> None:
    run = make_run(
        {"tg.failure_reason": "*" * 9000, "tg.missing": "*" * 9000, "tg.not_uploaded": ":a:" * 900},
        {"&" * 60 + f"{number}": number for number in range(30)},
        models=["m-1"],
    )
    text = describe(run, "FAILED", trace=FailureTrace("The traceback", "x" * 3000))
    assert len(text) <= 8000
    assert text.startswith("**Failed** at tg-process after 3 min 20 s: \\*\\*")
    assert "x" * 3000 in text
    assert text.count("```") % 2 == 0


@pytest.mark.parametrize(
    ("datasets", "text"),
    [
        (["words"], "**points.csv**; **words** (digest d1)."),
        (["words", "points.csv"], "**points.csv** (digest d1); **words** (digest d1)."),
    ],
)
def test_a_dataset_is_named_before_channels_also_if_it_is_not_logged_yet(datasets: list[str], text: str) -> None:
    known = [Dataset(name, "d1", "local", "{}") for name in datasets]
    parts = describe(make_run({"tg.state": '{"dataset": "/data/points.csv"}'}, datasets=known)).split("\n\n")
    assert parts[1] == f"Trained on {text}"
