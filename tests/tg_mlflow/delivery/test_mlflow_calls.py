import logging
from pathlib import Path, PurePosixPath

import pytest

from tg_mlflow.delivery.mlflow_calls import find_mlflow_calls, warn_of_mlflow_calls


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import mlflow\nmlflow.log_metric('a', 1)", [(2, "mlflow.log_metric")]),
        ("import mlflow as ml\ndef f():\n    ml.log_params({})", [(3, "mlflow.log_params")]),
        (
            "from mlflow import log_metric as lm, set_tag\nlm('a', 1)\nset_tag('a', 1)",
            [(2, "mlflow.log_metric"), (3, "mlflow.set_tag")],
        ),
        ("import mlflow.sklearn\nmlflow.sklearn.autolog()", [(2, "mlflow.sklearn.autolog")]),
        ("from mlflow import xgboost\nxgboost.log_model(1)", [(2, "mlflow.xgboost.log_model")]),
        (
            "from mlflow.tracking import MlflowClient\nMlflowClient().log_metric(1)",
            [(2, "mlflow.tracking.MlflowClient")],
        ),
        ("import mlflow\nwith mlflow.start_run(): pass", [(2, "mlflow.start_run")]),
        ("import mlflow\nlog = mlflow.log_artifact", [(2, "mlflow.log_artifact")]),
        ("def f():\n    import mlflow\n    mlflow.set_experiment('x')", [(3, "mlflow.set_experiment")]),
        ("import mlflow\nmlflow.log_metric('a', 1); mlflow.log_metric('b', 1)", [(2, "mlflow.log_metric")]),
        (
            "import mlflow\nif __name__ == '__main__':\n    mlflow.start_run()\nmlflow.log_metric('a', 1)",
            [(4, "mlflow.log_metric")],
        ),
        # What needs no run, or is not run.
        ('import mlflow\nif __name__ == "__main__":\n    mlflow.start_run()', []),
        ("import mlflow\nmlflow.sklearn.save_model(1, 'x')", []),
        ("import mlflow.pyfunc\nmlflow.pyfunc.load_model('x')", []),
        ("from mlflow.models import infer_signature\ninfer_signature(1)", []),
        ("import mlflow", []),
        ("from .mlflow import log_metric\nlog_metric(1)", []),
        ("import mlflowx\nmlflowx.log_metric(1)", []),
        ("text = 'mlflow.log_metric(1)'", []),
        ("self.mlflow.log_metric(1)", []),
        ("import math\nmath.log_metric(1)  # mlflow", []),
    ],
)
def test_what_writes_to_mlflow_is_found(source: str, expected: list[tuple[int, str]]) -> None:
    found = list(find_mlflow_calls(source, PurePosixPath("tasks.py")))
    assert sorted(each[:2] for each in found) == expected
    assert all(instead for _, _, instead in found)


def test_one_warning_names_module_line_and_what_to_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = "import mlflow\nmlflow.log_metric('a', 1)\nmlflow.autolog()\n"
    (tmp_path / "a.py").write_text(calls, encoding="utf-8")
    (tmp_path / "b.py").write_text("import mlflow\n" + "mlflow.log_text('a', 'b')\n" * 12, encoding="utf-8")
    modules = {PurePosixPath("pkg/b.py"): tmp_path / "b.py", PurePosixPath("a.py"): tmp_path / "a.py"}
    with caplog.at_level(logging.WARNING):
        warn_of_mlflow_calls(modules, "tg-process")
    [record] = caplog.records
    message = record.getMessage()
    assert "no run to write to where tg-process trains" in message
    assert "a.py line 2: mlflow.log_metric (use environment.output_metric); a.py line 3: mlflow.autolog (" in message
    assert "pkg/b.py line 2: mlflow.log_text (use environment.store_artifact)" in message
    assert message.endswith("; and 4 more")


def test_nothing_is_said_where_there_is_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.py").write_text("import mlflow", encoding="utf-8")
    warn_of_mlflow_calls({PurePosixPath("a.py"): tmp_path / "a.py"}, "tg-process")
    assert caplog.records == []
