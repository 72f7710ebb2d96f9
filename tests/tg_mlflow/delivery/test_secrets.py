"""What is known to be secret, wherever a project says it."""

from pathlib import Path

import pytest

from tests.support import ProjectFolder
from tg_mlflow.delivery.secrets import find_config_secrets, find_secrets
from tg_mlflow.places.image_config import BuildConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.project.project import read_project
from tg_mlflow.project.train_command import parse_train_words


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


def test_a_configuration_without_a_project_has_secrets_as_well(tmp_path: Path) -> None:
    (tmp_path / "environment.env").write_text("HF_TOKEN=from-the-file\n", encoding="utf-8")
    config = ProcessConfig(
        hyperparameters={"loader.api_key": "in-hyperparameters", "C": 0.5},
        environment={"DB_PASSWORD": "in-environment"},
        secrets=["plain"],
    )
    mask = find_config_secrets(tmp_path, config, {"plain": "abc"})
    assert mask.mask("from-the-file in-hyperparameters in-environment abc 0.5") == "*** *** *** *** 0.5"


def test_each_part_of_a_configuration_may_have_secrets(tmp_path: Path) -> None:
    config = LocalConfig(
        hyperparameters={"options": {"login": {"password": "in-a-part"}}, "db.password:str": "with-type", "pin": 4711},
        sweep={"token": ["first-value", "second-value"]},
        tags={"api_token": "in-a-tag"},
        build=BuildConfig(
            args={"PIP_TOKEN": "in-an-argument"},
            proxies={"https": "http://me:of-a-proxy@host"},
            pip_index_url="https://me:of-an-index@host/simple",
            pip_extra_index_urls=["https://me:of-another@host/simple"],
        ),
        docker_host="ssh://me:of-a-daemon@host",
        secrets=["pin"],
    )
    text = (
        "in-a-part with-type 4711 first-value second-value in-a-tag in-an-argument of-a-proxy of-an-index of-another "
        "of-a-daemon"
    )
    assert find_config_secrets(tmp_path, config).mask(text) == " ".join(11 * ["***"])
