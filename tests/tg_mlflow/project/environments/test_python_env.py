from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.python_env import read_python_env


def read(folder: Path, text: str) -> Declaration:
    return read_python_env(write_text(folder / "python_env.yaml", text))


def test_what_mlflow_writes_for_a_model(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        python: 3.10.13
        build_dependencies:
        - pip==23.3.1
        - setuptools==68.2.2
        - wheel==0.41.3
        dependencies:
        - -r requirements.txt
        """,
    )
    lines = ("pip==23.3.1", "setuptools==68.2.2", "wheel==0.41.3", "-r requirements.txt")
    assert found == Declaration(tmp_path / "python_env.yaml", "==3.10.13", lines=lines)


@pytest.mark.parametrize(
    ("python", "specifier"),
    [("3.10", "==3.10"), ('"3.10"', "==3.10"), ("3.8", "==3.8"), ("'>=3.9'", ">=3.9"), ("==3.11.*", "==3.11.*")],
)
def test_a_version_is_no_number(tmp_path: Path, python: str, specifier: str) -> None:
    assert read(tmp_path, f"python: {python}\n").python == specifier


def test_an_empty_file_and_empty_keys_declare_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing yet\n") == Declaration(tmp_path / "python_env.yaml")
    assert read(tmp_path, "python:\ndependencies:\n") == Declaration(tmp_path / "python_env.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("python: latest", "python_env.yaml has python: 'latest'; give a version, such as 3.12"),
        ("dependecies: [numpy]", "python_env.yaml has the unknown key 'dependecies'; did you mean 'dependencies'?"),
        ("dependencies: {numpy: 2}", "python_env.yaml has {'numpy': '2'} under dependencies; give a list"),
        ("dependencies: [{pip: [numpy]}]", "has [{'pip': ['numpy']}] under dependencies; give a list of requirements"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
