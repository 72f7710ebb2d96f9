import logging
from pathlib import Path
from typing import Any

import pytest

from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

HERE = "; the project runs with the Python and the libraries that are installed here"


@pytest.mark.parametrize(
    ("declared", "options", "config", "message"),
    [
        (
            "python_env: env.yaml",
            {},
            ProcessConfig(),
            f"tg-process ignores python_env of the MLproject (env.yaml){HERE}",
        ),
        (
            "conda_env: env.yaml",
            {},
            AttachedConfig(),
            f"tg-attached ignores conda_env of the MLproject (env.yaml){HERE}",
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
        ("", {"ENV_MANAGER": "conda"}, ProcessConfig(), f"tg-process ignores --env-manager conda{HERE}"),
        ("", {"DOCKER_ARGS": {"gpus": "all"}}, ProcessConfig(), f"tg-process ignores --docker-args{HERE}"),
        ("", {"ENV_MANAGER": "local", "DOCKER_ARGS": {}, "build_image": False}, ProcessConfig(), None),
        ("", {}, ProcessConfig(), None),
    ],
)
def test_what_is_not_heeded_is_said_once(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    declared: str,
    options: dict[str, Any],
    config: PlaceConfig,
    message: str | None,
) -> None:
    command = "entry_points: {main: {command: tg-mlflow train tasks:build}}"
    (tmp_path / "MLproject").write_text(f"name: x\n{declared}\n{command}\n", encoding="utf-8")
    (tmp_path / "env.yaml").write_text("name: x\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        warn_of_ignored_settings(read_project(tmp_path), config, options)
    messages = [record.getMessage() for record in caplog.records]
    assert [each[: len(message or "")] for each in messages] == ([] if message is None else [message])


def test_a_file_that_mlflow_finds_by_its_name_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "MLproject").write_text(
        "entry_points: {main: {command: tg-mlflow train tasks:build}}", encoding="utf-8"
    )
    (tmp_path / "python_env.yaml").write_text("python: 3.12", encoding="utf-8")
    warn_of_ignored_settings(read_project(tmp_path), ProcessConfig(), {})
    [record] = caplog.records
    assert "tg-process ignores python_env of the MLproject (python_env.yaml); " in record.getMessage()
