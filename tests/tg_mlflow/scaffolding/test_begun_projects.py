"""The command ``tg-mlflow init``, and projects that it writes: they train as they are."""

import os
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support import all_runs
from tests.text_file import write_text
from tg_mlflow.cli.init import init

QUICK = {"log": {"figures": False, "tables": False, "model": False}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def begin(*arguments: str) -> Result:
    return CliRunner().invoke(init, list(arguments))


def train(folder: Path, client: MlflowClient, place: str, **options: Any) -> Run:
    mlflow.projects.run(str(folder), backend=f"tg-{place}", **options)
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    return run


def test_it_says_what_it_has_guessed_and_what_to_do_next(folder: Path) -> None:
    write_text(folder / "train.py", "import argparse\nparser.add_argument('--rate', type=float, default=0.5)\n")
    result = begin("--from-script", "train.py")
    assert result.output.splitlines() == [
        "rate         float, 0.5",
        "metrics      none are recognized in what is printed; the key metric_regexes of tg.json can name some",
        "environment  none is declared, so what is installed here",
        "",
        "Written: MLproject",
        "Now: mlflow run . --backend tg-process",
    ]
    again = begin("--from-script", "train.py")
    assert (again.exit_code, again.output) == (
        1,
        f"Error: 'MLproject' exists in '{folder}' already, so nothing is written; move it away, or replace it with "
        "--force\n",
    )
    assert begin("--from-script", "train.py", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "'{folder}' has 'fit.py', 'other.py', 'x.csv'; give --from-script fit.py"),
        (["--from-script", "fit.py", "--data", "x.csv"], "--from-script and --data are two kinds of projects"),
        (["other", "--target", "y"], "--target 'y' is a column of a table; give the table with --data, too"),
        (["--target", "y"], "the dataset 'x.csv' cannot be read as CSV"),
        (["--from-script", "train.py"], "there is no script 'train.py'; '.' has 'fit.py', 'other.py'"),
        (["--data", "y.csv"], "there is no table 'y.csv'; correct --data"),
    ],
)
def test_what_is_no_beginning_is_said_in_one_line(folder: Path, arguments: list[str], message: str) -> None:
    write_text(folder / "fit.py", "pass")
    write_text(folder / "other.py", "pass")
    write_text(folder / "x.csv", "a,b")
    result = begin(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {message.format(folder=folder)}")
    assert result.output.count("\n") == 1
    assert sorted(os.listdir(folder)) == ["fit.py", "other.py", "x.csv"]


def test_the_only_script_or_table_needs_no_option(folder: Path) -> None:
    table = "size,Target\n" + "".join(f"{number / 7},{number % 2}\n" for number in range(40))
    write_text(folder / "x.csv", table)
    assert begin().output.splitlines()[:3] == [
        "table             x.csv, 40 rows, 1 columns to learn from",
        "target            'Target', by its name; --target names another",
        "task              a classification of two classes: 'Target' has 2 different whole numbers, at most 10",
    ]
    assert 'DataFrameLoader("Target")' in (folder / "tasks.py").read_text()
    for name in ("MLproject", "tasks.py"):
        (folder / name).unlink()
    for name in ("train.py", "setup.py", "test_train.py"):
        write_text(folder / name, "pass")
    assert begin(str(folder)).output.splitlines()[0] == "script       train.py, the only one here"
    assert "python train.py" in (folder / "MLproject").read_text()


@pytest.mark.usefixtures("jobs")
def test_the_example_trains(store: MlflowClient, tmp_path: Path) -> None:
    result = begin("rents")
    assert result.output.splitlines()[-1] == "Now: cd rents && mlflow run . --backend tg-process"
    run = train(tmp_path / "rents", store, "attached", backend_config=QUICK, parameters={"n_estimators": 10})
    assert run.data.params == {"n_estimators": "10", "max_depth": "10", "min_samples_leaf": "1"}
    assert run.data.metrics["r2_score_test"] == pytest.approx(0.95, abs=0.04)
    assert run.inputs is not None
    assert [each.dataset.name for each in run.inputs.dataset_inputs] == ["flats.csv"]


@pytest.mark.usefixtures("jobs")
def test_a_table_of_mixed_columns_trains(store: MlflowClient, folder: Path) -> None:
    pd.DataFrame(
        {
            "number": range(100),
            "size": [None, 1.5, 2.5, 3.5] * 25,
            "colour": ["red", None, "blue", "green", "red"] * 20,
            "day": ["2024-01-01", "2024-02-03"] * 50,
            "is new": [True, False] * 50,
            "sold?": ["no", "yes"] * 50,
        }
    ).to_csv("x.csv", index=False)
    assert begin("--data", "x.csv", "--target", "sold?").exit_code == 0
    run = train(folder, store, "attached", backend_config=QUICK, parameters={"n_estimators": 10})
    assert {name: run.data.metrics[name] for name in ("roc_auc_score_test", "accuracy_score_test")} == {
        "roc_auc_score_test": 1.0,
        "accuracy_score_test": 1.0,
    }


@pytest.mark.starts_process
@pytest.mark.usefixtures("jobs")
def test_a_script_trains_as_it_is(store: MlflowClient, folder: Path) -> None:
    write_text(
        folder / "train.py",
        """
        import argparse
        import sys

        parser = argparse.ArgumentParser()
        parser.add_argument("data")
        parser.add_argument("--learning-rate", type=float, default=1)
        parser.add_argument("--name", default="")
        parser.add_argument("--fast", action="store_true")
        parser.add_argument("--depth", default=3)
        args = parser.parse_args()
        assert (args.fast, args.depth, args.name, args.data) == (False, 3, "", "a {b} 'c"), sys.argv
        for epoch in range(5, 7):
            print(f"Epoch {epoch}: loss={args.learning_rate / epoch:.2f}, val loss={args.learning_rate * epoch}")
        """,
    )
    result = begin("--from-script", "train.py")
    assert result.output.splitlines()[-1] == "Now: mlflow run . --backend tg-process -P data=…"
    run = train(folder, store, "process", parameters={"data": "a {b} 'c"})
    assert run.data.params == {"data": "a {b} 'c", "learning_rate": "1.0", "name": ""}
    history = store.get_metric_history(run.info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(5, 0.2), (6, 0.17)]
    assert run.data.metrics == {"loss": 0.17, "val_loss": 6.0}
