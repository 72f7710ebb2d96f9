"""Metrics that are guessed from what a script prints, read from the lines that it would print."""

import ast

import pytest

from tg.common.delivery.sagemaker import MetricPoint
from tg_mlflow.recording.metric_patterns import MetricPatterns
from tg_mlflow.scaffolding.printed_metrics import guess_metric_regexes


def read(script: str, *lines: str) -> list[tuple[str, float, int]]:
    """Reads lines by the expressions that are guessed from a script: name, value and step of each metric."""
    patterns = MetricPatterns(guess_metric_regexes([ast.parse(script)]))
    points: list[MetricPoint] = patterns.feed("".join(f"{line}\n" for line in lines).encode(), 0)
    return [(each.name, each.value, each.step or 0) for each in points]


@pytest.mark.parametrize(
    ("script", "line", "name", "value"),
    [
        ('print(f"accuracy: {x}")', "accuracy: 0.5", "accuracy", 0.5),
        ('print("Accuracy:", x)', "Accuracy: 1e-05", "accuracy", 1e-05),
        ('print("  RMSE: %s" % x)', "  RMSE: 12.", "rmse", 12.0),
        ('print("val_loss = {:.3f}".format(x))', "val_loss = -0.125", "val_loss", -0.125),
        (
            'print("Final test F1-score is " + str(x) + ".")',
            "Final test F1-score is 0.75.",
            "final_test_f1_score",
            0.75,
        ),
        ('print(f"Mean squared error: {x:8.2f}")', "Mean squared error:    20.20", "mean_squared_error", 20.2),
        ('logger.info("epoch %d: loss %f", epoch, x)', "INFO:root:epoch 3: loss 0.5", "loss", 0.5),
        ('click.echo(f"auc={x}")', "auc=nan", "auc", None),
        ('print(f"\\nTest loss: {x}")', "Test loss: 0.25", "test_loss", 0.25),
        ('print(f"accuracy (5 folds): all\\nr2: {x}")', "r2: 0.25", "r2", 0.25),
    ],
)
def test_a_metric_is_found(script: str, line: str, name: str, value: float | None) -> None:
    [(found, read_value, _)] = read(script, line)
    assert found == name
    assert str(read_value) == "nan" if value is None else read_value == value


@pytest.mark.parametrize(
    "script",
    [
        'print(f"Error: {error}")',
        'print(f"epoch: {epoch}")',
        'print(f"Saving the loss to {path}")',
        'print(f"Accuracy: {right}/{total}")',
        'print(f"accuracy of the network on the test images: {x}")',
        'print("accuracy", *values)',
        'print("accuracy", x, sep=";")',
        'write(f"accuracy: {x}")',
        'logging.info(f"loss: {x}")\nlogging.info(f"val loss: {y}")\nlogging.info(f"train val loss: {y}")',
    ],
)
def test_nothing_is_guessed_that_may_be_something_else(script: str) -> None:
    assert "loss" not in guess_metric_regexes([ast.parse(script)])
    assert "accuracy" not in guess_metric_regexes([ast.parse(script)])
    assert "error" not in guess_metric_regexes([ast.parse(script)])


def test_metrics_of_one_line_are_told_apart_and_have_its_step() -> None:
    script = 'print(f"Epoch {epoch}/{count} loss={a:.4f} val loss={b:.4f} time={t}")'
    assert read(script, "Epoch 7/10 loss=0.5000 val loss=0.7500 time=3", "Epoch 8/10 loss=0.4 val loss=0.7 time=3") == [
        ("loss", 0.5, 7),
        ("val_loss", 0.75, 7),
        ("loss", 0.4, 8),
        ("val_loss", 0.7, 8),
    ]


def test_a_line_for_each_batch_counts_the_lines() -> None:
    script = 'print("Train Epoch: {} [{}/{} ({:.0f}%)]\\tLoss: {:.6f}".format(e, i, n, p, loss))'
    lines = ["Train Epoch: 3 [0/60 (0%)]\tLoss: 2.5", "Train Epoch: 3 [30/60 (50%)]\tLoss: 1.5"]
    assert read(script, *lines) == [("loss", 2.5, 0), ("loss", 1.5, 1)]


def test_the_same_metric_in_two_forms_is_taken_from_the_first() -> None:
    script = 'print(f"epoch {epoch} loss {x}")\nprint(f"done, loss {x}")'
    assert read(script, "epoch 1 loss 0.5", "done, loss 0.4") == [("loss", 0.5, 1)]
