"""A path of this machine that means nothing in an image is said before a training starts."""

import logging
from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.delivery.staying_files import warn_of_staying_files
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project

LOCAL = LocalConfig()
DECLARE = "declare it in the MLproject with `type: path`, so that it travels"


def list_warnings(
    caplog: pytest.LogCaptureFixture,
    folder: Path,
    value: str,
    config: PlaceConfig = LOCAL,
    kind: str = "string",
    command: str = "python train.py --data {data}",
) -> list[str]:
    write_text(
        folder / "MLproject",
        f"name: x\nentry_points: {{main: {{parameters: {{data: {{type: {kind}}}}}, command: '{command}'}}}}",
    )
    command_of_project = read_project(folder).build_command("main", {"data": value})
    with caplog.at_level(logging.WARNING):
        warn_of_staying_files(command_of_project, config)
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_text(tmp_path / "data" / "wine.csv", "1,2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize("config", [LOCAL, RemoteConfig()])
def test_a_file_that_no_container_has(
    caplog: pytest.LogCaptureFixture, folder: Path, data: Path, config: PlaceConfig
) -> None:
    assert list_warnings(caplog, folder, str(data), config) == [
        f"parameter 'data' is '{data}', a path of this machine, which is not there where {config.place} trains; "
        f"{DECLARE}"
    ]


def test_a_folder_an_address_and_a_file_of_the_project_are_none_either(
    caplog: pytest.LogCaptureFixture, folder: Path, data: Path
) -> None:
    own = write_text(folder / "own.csv", "1")
    for value in (str(data.parent), data.as_uri(), str(own)):
        (said,) = list_warnings(caplog, folder, value)
        assert said.startswith(f"parameter 'data' is '{value}', a path of this machine")
        caplog.clear()


def test_what_the_command_itself_names(caplog: pytest.LogCaptureFixture, folder: Path, data: Path) -> None:
    assert list_warnings(caplog, folder, "x", command=f"python train.py {data} {{data}}") == [
        f"the command names '{data}', a path of this machine, which is not there where tg-local trains; make it a "
        "parameter with `type: path`, so that it travels"
    ]


def test_a_hyperparameter(caplog: pytest.LogCaptureFixture, folder: Path, data: Path) -> None:
    config = RemoteConfig(hyperparameters={"data": str(data), "rate": 0.5, "token": "/nowhere/else"})
    assert list_warnings(caplog, folder, "x", config) == [
        f"hyperparameter 'data' is '{data}', a path of this machine, which is not there where tg-sagemaker trains; "
        "name it in the key channels, so that it travels"
    ]


def test_the_value_of_a_secret_is_not_said(caplog: pytest.LogCaptureFixture, folder: Path, data: Path) -> None:
    (said,) = list_warnings(caplog, folder, "x", LocalConfig(hyperparameters={"api_token": str(data)}))
    assert said.startswith("hyperparameter 'api_token' is '***', a path of this machine")


@pytest.mark.parametrize(
    "value",
    [
        "data/wine.csv",
        "/no/such/file",
        "/tmp",
        "/usr/bin/env",
        "/opt/ml/model",
        "/",
        "",
        "/" + "x" * 9000,
        "/a/\0",
        "a=/b",
    ],
)
def test_what_is_no_file_of_this_machine_alone_is_not_said(
    caplog: pytest.LogCaptureFixture, folder: Path, value: str
) -> None:
    assert list_warnings(caplog, folder, value) == []


def test_what_travels_or_is_there_is_not_said(caplog: pytest.LogCaptureFixture, folder: Path, data: Path) -> None:
    assert list_warnings(caplog, folder, str(data), kind="path") == []
    assert list_warnings(caplog, folder, str(data), ProcessConfig()) == []
