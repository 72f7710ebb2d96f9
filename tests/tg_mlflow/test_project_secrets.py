"""What is known to be secret, wherever a project says it."""

import pytest

from tests.support import ProjectFolder
from tg_mlflow.backend_config import ProcessConfig
from tg_mlflow.project import read_project
from tg_mlflow.project_secrets import find_secrets
from tg_mlflow.train_command import parse_train_words


def test_secrets_are_found_wherever_they_are_said(project: ProjectFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", "from-process")
    project.write("environment.env", "DB_PASSWORD=from-file")
    command = parse_train_words("tasks:build_task", ["api_key=from-argument", "user=somebody"])
    config = ProcessConfig(
        environment={"SOME_SECRET": "from-config"}, hyperparameters={"a.token": "from-hyper", "b": 1}, secrets=["pin"]
    )
    mask = find_secrets({"password": "from-param", "pin": "7"}, read_project(project.path), command, config)
    text = "from-process from-file from-argument from-config from-hyper from-param 7 somebody"
    assert mask.mask(text) == "*** *** *** *** *** *** *** somebody"
