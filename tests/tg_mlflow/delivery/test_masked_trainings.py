"""What is secret reaches nothing that is recorded or shown."""

import json
import os
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from tests import warm
from tests.support import ProjectFolder, all_runs

BIN = Path(sys.executable).parent
VARIABLE, LISTED, IN_FILE, PARAMETER, NESTED = "tok-4f5e6d", "4711", "pw-from-file", "key-in-param", "s3cr3t-in-task"
INNER, TYPED, OWN = "s3cr3t-in-a-part", "s3cr3t-with-a-type", "s3cr3t-of-its-own"
LINES = ("0123abcd", "4567efgh")

TASKS = """
    import os

    from tg.common.ml.training_core import AbstractTrainingTask


    class Talker(AbstractTrainingTask):
        def __init__(self, api_key, user):
            super().__init__()
            self.api_key = api_key
            self.user = user
            self.copied = os.environ.get("HUB_TOKEN")
            self.options = {"password": "none", "pwd": "none", "logins": {}}
            self.own = {"hub_secret": "s3cr3t-of-its-own"}

        def run_with_environment(self, data, environment):
            print("token", self.copied, "key", self.api_key, "pin", self.user, flush=True)
            print("half of it: tok-4f", end="", flush=True)
            print("5e6d", self.options["password"], os.environ.get("DB_PASSWORD"), flush=True)
            for line in os.environ["SIGNING_KEY"].splitlines():
                print("line", line, flush=True)
            print("all", self.options, flush=True)
            environment.output_metric("loss", 0.5)
            environment.output_metric(f"loss {self.copied}", 0.5)
            if self.user == "fails":
                raise ValueError(f"{self.options} {os.environ['SIGNING_KEY']} no access with {self.copied}")


    def build_task(api_key: str, user: str = "4711"):
        return Talker(api_key, user)
"""

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {api_key: {default: none}, user: {default: "4711"}}
        command: "tg-mlflow train tasks:build_task api_key={api_key} user={user}"
"""


@pytest.mark.starts_process
@pytest.mark.parametrize("place", ["attached", "process"])
@pytest.mark.parametrize("user", ["4711", "fails"])
def test_secrets_are_masked_everywhere(
    project: ProjectFolder, store: MlflowClient, tmp_path: Path, place: str, user: str
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", "{}")
    project.write("environment.env", f"DB_PASSWORD={IN_FILE}")
    config = {
        "secrets": ["PIN"],
        "hyperparameters": {
            "options.password": NESTED,
            "options.pwd:str": TYPED,
            "options.logins": {"db": {"password": INNER}},
        },
        "tags": {"where": f"https://me:{IN_FILE}@host"},
    }
    result = warm.run(
        [
            str(BIN / "mlflow"),
            "run",
            str(project.path),
            f"--backend=tg-{place}",
            f"--backend-config={json.dumps(config)}",
            f"-Papi_key={PARAMETER}",
            f"-Puser={user}",
        ],
        env={
            **os.environ,
            "HUB_TOKEN": VARIABLE,
            "PIN": LISTED,
            "SIGNING_KEY": "\n".join(LINES),
            "TG_JOBS_PATH": str(tmp_path / "jobs"),
        },
    )
    assert result.returncode == (0 if user == "4711" else 1), result.stderr
    (run,) = all_runs(store)
    assert run.data.params == {
        "api_key": "***",
        "user": "***" if user == "4711" else "fails",
        "options.password": "***",
        "options.pwd:str": "***",
        "options.logins": '{"db": {"password": "***"}}',
    }
    assert run.data.metrics == {"loss": 0.5, "loss ___": 0.5}
    assert run.data.tags["where"] == "https://me:***@host"
    assert json.loads(run.data.tags["tg.state"])["config"] == {
        "secrets": ["PIN"],
        "hyperparameters": {
            "options.password": "***",
            "options.pwd:str": "***",
            "options.logins": {"db": {"password": "***"}},
        },
        "tags": {"where": "https://me:***@host"},
    }
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "artifacts")))
    log = (folder / "logs" / "train.log").read_text()
    if place == "process":  # elsewhere, what a task prints goes to the terminal itself
        assert f"token *** key *** pin {'***' if user == '4711' else 'fails'}\n" in log
        assert "half of it: *** *** " in log
        assert "line ***\nline ***\n" in log
    if user == "fails":
        options = {"password": "***", "pwd": "***", "logins": {"db": {"password": "***"}}}
        assert run.data.tags["tg.failure_reason"].endswith(f"ValueError: {options} *** no access with ***")
    else:
        task = json.loads((folder / "task.json").read_text())
        assert (task["api_key"], task["user"], task["copied"]) == ("***", "***", "***")
        assert task["options"] == {"password": "***", "pwd": "***", "logins": {"db": {"password": "***"}}}
        assert task["own"] == {"hub_secret": "***"}
    written = [run.to_dictionary(), log, (folder / "task.json").read_text() if user == "4711" else "", result.stderr]
    shown = "" if place == "attached" else result.stdout  # there, the task writes to the terminal itself
    for secret in (VARIABLE, IN_FILE, PARAMETER, NESTED, INNER, TYPED, OWN, *LINES):
        assert secret not in f"{written}{shown}", secret
