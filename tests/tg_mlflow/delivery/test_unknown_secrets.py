"""What nobody has named as secret, in each form and at each place where a run may show it."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import ExecutionException
from pydantic import SecretBytes, SecretStr

from tests.support import ProjectFolder, all_runs

FORMS = {
    "postgresql://me:hunter01@host/db": "postgresql://me:***@host/db",
    "https://host/x.csv?token=hunter02&n=1": "https://host/x.csv?token=***&n=1",
    "https://b.s3.amazonaws.com/k?X-Amz-Signature=hunter03&n=1": "https://b.s3.amazonaws.com/k?X-Amz-Signature=***&n=1",
    "/data/token=hunter04/x.csv": "/data/token=***/x.csv",
    "Settings(password='hunter05', user='me')": "Settings(password='***', user='me')",
    "{'password': b'hunter06'}": "{'password': b'***'}",
    "Authorization: Basic hunter07": "Authorization: Basic ***",
    "X-Api-Key: hunter08": "X-Api-Key: ***",
    "token_count=5 max_tokens=7 tokenizer=bert": "token_count=5 max_tokens=7 tokenizer=bert",
}
TASKS = """
    import warnings

    from tg.common.ml.training_core import AbstractTrainingTask


    class Talker(AbstractTrainingTask):
        def __init__(self, text, mode):
            super().__init__()
            self.text = text
            self.mode = mode
            self.inner = {"text": text, "other": None}

        def run_with_environment(self, data, environment):
            environment.log(self.text)
            environment.output_metric("password_strength", 1)
            if self.mode == "fail":
                try:
                    raise ValueError(f"cause {self.text}")
                except ValueError as cause:
                    error = RuntimeError(f"failed {self.text}")
                    error.__notes__ = [f"note {self.text}"]
                    raise error from cause


    def build_task(text: str, mode: str = "train"):
        return Talker(text, mode)
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {text: string, mode: {default: train}}
        command: "tg-mlflow train tasks:build_task text={text} mode={mode}"
"""


@pytest.fixture
def talker(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    return project


# The variable that pytest sets must not make them known.
@pytest.mark.parametrize(("text", "masked"), FORMS.items(), ids=range(len(FORMS)))
@pytest.mark.parametrize("mode", ["train", "fail"])
def test_it_is_masked_wherever_a_run_shows_it(
    talker: ProjectFolder,
    store: MlflowClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    text: str,
    masked: str,
) -> None:
    config = {"tags": {"mlflow.note.content": f"about {text}"}, "hyperparameters": {"inner.other": json.dumps([text])}}
    run = mlflow.projects.run(
        str(talker.path),
        backend="tg-attached",
        parameters={"text": text, "mode": mode},
        backend_config=config,
        synchronous=False,
    )
    (recorded,) = all_runs(store)
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.run_id, dst_path=str(tmp_path / "artifacts")))
    log = (folder / "logs" / "train.log").read_text()
    assert recorded.data.params["text"] == masked
    assert json.loads(recorded.data.params["inner.other"]) == [masked]
    assert recorded.data.tags["mlflow.note.content"] == f"about {masked}"
    assert f" INFO: {masked}\n" in log
    assert recorded.data.metrics == {"password_strength": 1.0}
    warned = [each.getMessage() for each in caplog.records if each.name == "mlflow.tg_mlflow"]
    shown = [recorded.to_dictionary(), log, warned]
    if mode == "train":
        task = (folder / "task.json").read_text()
        assert json.loads(task)["inner"] == {"text": masked, "other": [masked]}
        shown.append(task)
    else:
        assert recorded.data.tags["tg.failure_reason"] == f"RuntimeError: failed {masked}"
        assert all(f"{line} {masked}" in log for line in ("cause", "failed", "note"))
        assert any(f"note {masked}" in each for each in warned)
    assert "hunter" not in str(shown)


@pytest.mark.parametrize(
    ("hidden", "plain"), [(SecretStr("a+b"), "a+b"), (SecretBytes(b"c d e"), "c d e"), (SecretStr("12"), "12")]
)
def test_a_value_that_hides_itself_reaches_the_training_and_no_run(
    talker: ProjectFolder, store: MlflowClient, tmp_path: Path, hidden: Any, plain: str
) -> None:
    config = {"hyperparameters": {"inner.other": {"x": hidden}}, "tags": {"where": hidden}}
    talker.write("tasks.py", TASKS.replace("environment.log(self.text)", f"assert self.text == {plain!r}"))
    run = mlflow.projects.run(
        str(talker.path), backend="tg-attached", parameters={"text": hidden}, backend_config=config
    )
    (recorded,) = all_runs(store)
    assert recorded.info.status == "FINISHED"
    assert recorded.data.params == {"text": "***", "mode": "train", "inner.other": '{"x": "***"}'}
    assert recorded.data.tags["where"] == "***"
    assert json.loads(recorded.data.tags["tg.state"])["config"]["secrets"] == ["inner.other.x", "where", "text"]
    task = json.loads(mlflow.artifacts.load_text(f"runs:/{run.run_id}/task.json"))
    assert (task["text"], task["inner"]) == ("***", {"text": "***", "other": {"x": "***"}})


def test_a_refusal_shows_no_secret_nor_does_its_cause(talker: ProjectFolder) -> None:
    talker.write("tg.json", '{"max_parallel": "postgresql://me:hunter01@host/db"}')
    with pytest.raises(ExecutionException, match=r"'max_parallel' = \"postgresql://me:\*\*\*@host/db\"") as raised:
        mlflow.projects.run(str(talker.path), backend="tg-attached", parameters={"text": "x"})
    assert "hunter" not in str([raised.value.__cause__, raised.value.__context__])
