import logging
from pathlib import Path
from typing import Any

import pytest

from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings
from tg_mlflow.errors import ProjectError
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

HERE = "runs with the Python and the libraries that are installed here"


def list_warnings(
    caplog: pytest.LogCaptureFixture,
    folder: Path,
    command: str,
    declared: str,
    options: dict[str, Any],
    config: PlaceConfig,
) -> list[str]:
    (folder / "MLproject").write_text(f"name: x\n{declared}\nentry_points: {{main: {{command: {command}}}}}\n")
    project = read_project(folder)
    with caplog.at_level(logging.WARNING):
        warn_of_ignored_settings(project, project.build_command("main", {}), config, options)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("declared", "options", "config", "message"),
    [
        (
            "python_env: env.yaml",
            {},
            ProcessConfig(),
            f"tg-process ignores python_env of the MLproject (env.yaml); the project {HERE}",
        ),
        (
            "conda_env: env.yaml",
            {},
            AttachedConfig(),
            f"tg-attached ignores conda_env of the MLproject (env.yaml); the project {HERE}",
        ),
        (
            "docker_env: {image: mine}",
            {},
            LocalConfig(),
            "tg-local ignores docker_env in the MLproject (image 'mine'); the project runs in an image with ",
        ),
        (
            "conda_env: env.yaml",
            {},
            RemoteConfig(image_uri="registry/image:1"),
            "tg-sagemaker ignores conda_env of the MLproject (env.yaml); the project runs in the image that ",
        ),
        (
            "",
            {"ENV_MANAGER": "conda"},
            ProcessConfig(),
            f"tg-process ignores --env-manager conda; the project {HERE}",
        ),
        (
            "",
            {"DOCKER_ARGS": {"gpus": "all"}},
            ProcessConfig(),
            f"tg-process ignores --docker-args; the project {HERE}",
        ),
        ("", {"ENV_MANAGER": "local", "DOCKER_ARGS": {}, "build_image": False}, ProcessConfig(), None),
        ("", {}, ProcessConfig(), None),
    ],
)
def test_a_task_ignores_what_is_declared_and_says_so_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    declared: str,
    options: dict[str, Any],
    config: PlaceConfig,
    message: str | None,
) -> None:
    (tmp_path / "env.yaml").write_text("dependencies: [numpy]\n")
    said = list_warnings(caplog, tmp_path, "tg-mlflow train tasks:build", declared, options, config)
    assert [each[: len(message or "")] for each in said] == ([] if message is None else [message])


def test_a_file_that_mlflow_finds_by_its_name_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "python_env.yaml").write_text("python: 3.12")
    [said] = list_warnings(caplog, tmp_path, "tg-mlflow train tasks:build", "", {}, ProcessConfig())
    assert "tg-process ignores python_env of the MLproject (python_env.yaml); " in said


DOCKER = "docker_env: {image: mine, volumes: ['/data:/data']}"
CONDA = "conda_env: env.yaml"
NOTE = (
    "env.yaml has gcc, which pip cannot install; in an image, apt_packages of the key build installs packages of Debian"
)


@pytest.mark.parametrize(
    ("declared", "options", "config", "messages"),
    [
        (CONDA, {}, ProcessConfig(), [NOTE]),
        (CONDA, {}, LocalConfig(), [NOTE]),
        (CONDA, {"ENV_MANAGER": "local"}, ProcessConfig(env_manager="local"), []),
        (CONDA, {}, AttachedConfig(), [f"tg-attached ignores env.yaml; the command {HERE}"]),
        (
            CONDA,
            {},
            RemoteConfig(image_uri="registry/image:1"),
            [f"{NOTE}; of env.yaml, what the image of image_uri lacks is installed when the job starts, and no more"],
        ),
        (
            "docker_env: {image: mine}",
            {},
            RemoteConfig(image_uri="registry/image:1"),
            [
                "tg-sagemaker ignores docker_env in the MLproject (image 'mine'); the command runs in the image that "
                "image_uri names"
            ],
        ),
        (
            CONDA,
            {"ENV_MANAGER": "conda"},
            ProcessConfig(),
            [f"{NOTE}; the environment of env.yaml is made with uv, not with conda"],
        ),
        (
            CONDA,
            {"ENV_MANAGER": "virtualenv"},
            LocalConfig(),
            [f"{NOTE}; the environment of env.yaml is made with an image, not with virtualenv"],
        ),
        (
            CONDA,
            {"ENV_MANAGER": "conda", "build_image": True},
            AttachedConfig(),
            [f"tg-attached ignores env.yaml and --env-manager conda and --build-image; the command {HERE}"],
        ),
        (
            DOCKER,
            {},
            ProcessConfig(),
            [f"tg-process ignores docker_env in the MLproject (image 'mine'); the command {HERE}"],
        ),
        (
            DOCKER,
            {"DOCKER_ARGS": {"gpus": "all"}},
            LocalConfig(),
            [
                "tg-local ignores --docker-args; the command runs in an image with the libraries that the project "
                "declares, or else imports",
                "the volumes of docker_env (/data:/data) are not mounted; name data in the key dataset",
            ],
        ),
        (
            "docker_env: {image: mine}",
            {},
            LocalConfig(base_image="other"),
            [],
        ),
        ("", {}, ProcessConfig(), []),
        ("", {}, LocalConfig(), []),
        ("", {"ENV_MANAGER": "uv"}, ProcessConfig(), [f"tg-process ignores --env-manager uv; the command {HERE}"]),
    ],
)
def test_a_script_gets_what_is_declared_where_it_can_and_the_rest_is_said(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    declared: str,
    options: dict[str, Any],
    config: PlaceConfig,
    messages: list[str],
) -> None:
    (tmp_path / "env.yaml").write_text("dependencies: [numpy, gcc]\n")
    assert list_warnings(caplog, tmp_path, "python train.py", declared, options, config) == messages


def test_a_file_that_cannot_be_read_is_an_error_before_there_is_a_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "env.yaml").write_text("dependencies: numpy\n")
    with pytest.raises(ProjectError, match=r"env\.yaml has 'numpy' under dependencies; give a list$"):
        list_warnings(caplog, tmp_path, "python train.py", CONDA, {}, ProcessConfig())
