from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.pyproject import read_pyproject

pytest.importorskip("tomllib")


def test_the_dependencies_of_a_project(tmp_path: Path) -> None:
    write_text(
        tmp_path / "pyproject.toml",
        """
        [project]
        name = "trainer"
        requires-python = ">=3.10"
        dependencies = ["mlflow>=2", "torch==2.1.0 ; sys_platform == 'linux'"]
        [build-system]
        requires = ["hatchling"]
        [project.optional-dependencies]
        gpu = ["cupy"]
        """,
    )
    known = ("mlflow>=2", "torch==2.1.0 ; sys_platform == 'linux'")
    assert read_pyproject(tmp_path) == Declaration(tmp_path / "pyproject.toml", ">=3.10", known, installs_itself=True)
    extended = read_pyproject(tmp_path, ["gpu", "none"])
    assert extended is not None
    assert extended.requirements == (*known, "cupy")


@pytest.mark.parametrize(
    ("version", "specifier"),
    [
        ('"^1.2.3"', "<2,>=1.2.3"),
        ('"^0.2.3"', "<0.3,>=0.2.3"),
        ('"^0.0.3"', "<0.0.4,>=0.0.3"),
        ('"~1.2.3"', "<1.3,>=1.2.3"),
        ('"~1"', "<2,>=1"),
        ('"1.2.*"', "==1.2.*"),
        ('"1.2.3"', "==1.2.3"),
        ('">=1.2, <2"', "<2,>=1.2"),
        ('"~=1.2"', "~=1.2"),
        ('"*"', ""),
        ('{version = "^1.2"}', "<2,>=1.2"),
        ('{version = "^1.2", extras = ["s3"]}', "[s3]<2,>=1.2"),
        ('{version = "1.2", markers = "python_version < \'3.12\'"}', "==1.2; python_version < '3.12'"),
        ('{git = "https://host/a.git", tag = "v1"}', " @ git+https://host/a.git@v1"),
    ],
)
def test_the_dependencies_of_poetry(tmp_path: Path, version: str, specifier: str) -> None:
    write_text(tmp_path / "pyproject.toml", f'[tool.poetry.dependencies]\npython = "^3.10"\na = {version}\n')
    assert read_pyproject(tmp_path) == Declaration(tmp_path / "pyproject.toml", "<4,>=3.10", (f"a{specifier}",))


def test_the_requirements_of_setup_cfg(tmp_path: Path) -> None:
    write_text(tmp_path / "pyproject.toml", '[build-system]\nrequires = ["setuptools"]\n')
    write_text(
        tmp_path / "setup.cfg", "[options]\npython_requires = >=3.9\ninstall_requires =\n    numpy\n    scipy>1\n"
    )
    assert read_pyproject(tmp_path) == Declaration(tmp_path / "setup.cfg", ">=3.9", ("numpy", "scipy>1"))


@pytest.mark.parametrize(
    ("requires", "found"),
    [
        ("['numpy', 'scipy>1']", ("numpy", "scipy>1")),
        ("'numpy'", ("numpy",)),
        ("'numpy\\nscipy>1\\n'", ("numpy", "scipy>1")),
        ("read('requirements.txt')", None),
        ("[", None),
    ],
)
def test_a_list_in_setup_py_is_read_and_a_program_is_not_run(
    tmp_path: Path, requires: str, found: tuple[str, ...] | None
) -> None:
    text = f"import sys\nfrom setuptools import setup\n\nsys.exit(1)\nsetup(name='a', install_requires={requires})\n"
    path = write_text(tmp_path / "setup.py", text)
    assert read_pyproject(tmp_path) == (None if found is None else Declaration(path, None, found))


@pytest.mark.parametrize(
    "text", ["[tool.black]\nline-length = 100\n", '[project]\nname = "a"\ndynamic = ["dependencies"]\n', ""]
)
def test_a_file_that_lists_no_dependencies_declares_nothing(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "pyproject.toml", text)
    assert read_pyproject(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project\n", "pyproject.toml is not TOML: "),
        ('[project]\ndependencies = ["numpy=1"]\n', "has the dependency 'numpy=1', which is no requirement: "),
        (
            '[tool.poetry.dependencies]\nnumpy = "^1 || ^2"\n',
            "pyproject.toml has the version '^1 || ^2', which pip cannot express; write it as '>=1.2,<2'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    write_text(tmp_path / "pyproject.toml", text)
    with pytest.raises(ProjectError) as caught:
        read_pyproject(tmp_path)
    assert message in str(caught.value)
