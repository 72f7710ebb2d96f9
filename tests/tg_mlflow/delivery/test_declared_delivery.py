import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.text_file import write_text
from tg.common.delivery.delivery import Package
from tg.common.delivery.sagemaker import SagemakerConfig
from tg_mlflow.delivery import job_python
from tg_mlflow.delivery.environment_cache import EnvironmentRecipe
from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings
from tg_mlflow.delivery.job_python import find_job_python
from tg_mlflow.delivery.project_delivery import build_delivery
from tg_mlflow.errors import ProjectError
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.project.declared_environment import read_declared_environment
from tg_mlflow.project.environments.declaration import DeclaredEnvironment
from tg_mlflow.project.project import Project, read_project
from tg_mlflow.project.script_command import ScriptCommand
from tg_mlflow.sweeps.delivery import deliver_from_package
from tg_mlflow.sweeps.member import SweepMember

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def describe(folder: Path, declared: str, config: PlaceConfig) -> SagemakerConfig:
    """Describes the delivery of a script."""
    write_text(folder / "MLproject", f"name: x\n{declared}\nentry_points: {{main: {{command: python train.py}}}}\n")
    write_text(folder / "train.py", "import click\n")
    project = read_project(folder)
    command = project.build_command("main", {})
    assert isinstance(command, ScriptCommand)
    return build_delivery(command.build_task(), project, config)


def describe_image(delivery: SagemakerConfig) -> tuple[str | None, str | None, bool, tuple[str, ...]]:
    image = delivery.containering
    indexes = image.build_options.pip_extra_index_urls
    return image.base_image, image.python_version, image.keeps_base_libraries, indexes


CONDA = "dependencies: [python=3.12, numpy=2.1, {pip: [--extra-index-url https://host/simple, tools]}]\n"


@pytest.mark.parametrize(
    ("keys", "image"),
    [
        ({}, (None, "3.12", False, ("https://host/simple",))),
        ({"python_version": "3.13"}, (None, "3.13", False, ("https://host/simple",))),
        ({"base_image": "mine"}, ("mine", "3.12", False, ("https://host/simple",))),
        (
            {"build": {"pip_extra_index_urls": ["https://own"]}},
            (None, "3.12", False, ("https://own", "https://host/simple")),
        ),
    ],
)
def test_a_declared_environment_describes_the_image(tmp_path: Path, keys: dict[str, Any], image: tuple[Any]) -> None:
    write_text(tmp_path / "conda.yaml", CONDA)
    delivery = describe(tmp_path, "conda_env: conda.yaml", LocalConfig.model_validate(keys))
    assert describe_image(delivery) == image
    package = delivery.packaging.make_package(tmp_path)
    assert package.requirements == ("numpy==2.1.*", "tools")


@pytest.mark.parametrize(
    ("keys", "image"),
    [
        ({}, ("company", None, True, ())),
        ({"python_version": "3.12"}, ("company", "3.12", True, ())),
        ({"base_image": "mine"}, ("mine", None, True, ())),
    ],
)
def test_docker_env_is_the_base_image_which_another_may_replace(
    tmp_path: Path, keys: dict[str, Any], image: tuple[Any]
) -> None:
    delivery = describe(tmp_path, "docker_env: {image: company}", LocalConfig.model_validate(keys))
    assert describe_image(delivery) == image
    assert delivery.packaging.make_package(tmp_path).requirements == ()


def test_requirements_of_the_configuration_are_installed_besides(tmp_path: Path) -> None:
    write_text(tmp_path / "requirements.txt", "numpy\n")
    delivery = describe(tmp_path, "", LocalConfig(requirements=["openpyxl"]))
    assert delivery.packaging.make_package(tmp_path).requirements == ("numpy", "openpyxl")


def test_without_a_declaration_an_image_has_what_the_code_imports(tmp_path: Path) -> None:
    delivery = describe(tmp_path, "", LocalConfig())
    assert describe_image(delivery) == (None, HERE, False, ())
    package = delivery.packaging.make_package(tmp_path)
    assert [each.partition("==")[0] for each in package.requirements] == ["click"]
    assert "environment" not in package.properties


@pytest.mark.parametrize(
    ("declared", "config", "is_made"),
    [
        ("conda_env: conda.yaml", ProcessConfig(), True),
        ("conda_env: conda.yaml", ProcessConfig(env_manager="local"), False),
        ("conda_env: conda.yaml", AttachedConfig(), False),
        ("conda_env: conda.yaml", LocalConfig(), False),
        ("docker_env: {image: company}", ProcessConfig(), False),
    ],
)
def test_an_environment_is_made_here_of_what_the_package_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, config: PlaceConfig, is_made: bool
) -> None:
    write_text(tmp_path / "conda.yaml", CONDA)
    made: list[EnvironmentRecipe] = []
    monkeypatch.setattr(job_python, "make_environment", lambda recipe: made.append(recipe) or Path("/python"))
    package = describe(tmp_path, declared, config).packaging.make_package(tmp_path)
    assert find_job_python(package, config) == (Path("/python") if is_made else None)
    recipe = EnvironmentRecipe("conda.yaml", ("numpy==2.1.*", "tools"), "3.12", ["https://host/simple"])
    assert made == ([recipe] if is_made else [])


def test_what_a_project_declares_is_read_once(tmp_path: Path) -> None:
    write_text(tmp_path / "MLproject", "name: x\nconda_env: conda.yaml\nentry_points: {main: {command: python t.py}}")
    write_text(tmp_path / "conda.yaml", CONDA)
    project = read_project(tmp_path)
    command = project.build_command("main", {})
    assert isinstance(command, ScriptCommand)
    warn_of_ignored_settings(project, command, ProcessConfig(), {})
    write_text(tmp_path / "conda.yaml", "dependencies: [scipy=1.14]")
    delivery = build_delivery(command.build_task(), project, ProcessConfig())
    assert delivery.packaging.make_package(tmp_path).requirements == ("numpy==2.1.*", "tools")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("python_env.yaml", "- a list", "holds a list; give names and values"),
        ("python_env.yaml", "python: [3", "is not YAML"),
        ("python_env.yaml", "python: [3, 12]", "give a version, such as 3.12"),
        ("python_env.yaml", "dependencies: numpy", "give a list of requirements"),
        ("python_env.yaml", "dependencies: [{numpy: 2}]", "give a list of requirements"),
        ("python_env.yaml", "pyhton: 3.12", "did you mean 'python'?"),
        ("python_env.yaml", "python: \0", "is not YAML"),
        ("conda.yaml", "dependencies: {numpy: 2.1}", "give a list"),
        ("conda.yaml", "dependencies: [[numpy]]", "give a text such as 'numpy=2.1'"),
        ("conda.yaml", "variables: [A]", "under variables; give names and values"),
        ("pyproject.toml", "[project]\nname = x", "is not TOML"),
        ("pyproject.toml", "[project]\ndependencies = ['numpy ==']", "which is no requirement"),
        ("setup.cfg", "install_requires = numpy", "cannot be read"),
        ("requirements.txt", "numpy=>2", "requirement"),
    ],
)
def test_a_file_that_cannot_be_read_matters_to_those_who_need_it(
    tmp_path: Path, name: str, text: str, problem: str
) -> None:
    write_text(tmp_path / "MLproject", "name: x\nentry_points: {main: {command: python train.py}}")
    write_text(tmp_path / name, text)
    project = read_project(tmp_path)
    assert read_declared_environment(project, is_needed=False) == DeclaredEnvironment()
    with pytest.raises(ProjectError, match=re.escape(name)) as caught:
        read_declared_environment(project)
    assert problem in str(caught.value)


def test_a_package_of_an_earlier_version_runs_with_this_python(tmp_path: Path) -> None:
    package = Package(tmp_path / "x.tar.gz", "x", "0", "x__0", "", properties={})
    assert find_job_python(package, ProcessConfig()) is None
    assert find_job_python(replace(package, properties={"environment": None}), ProcessConfig()) is None


def test_a_sweep_that_is_resumed_without_its_project_has_the_same_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_python, "make_environment", lambda recipe: Path("/environments", recipe.source, "python"))
    write_text(tmp_path / "conda.yaml", CONDA)
    package = describe(tmp_path, "conda_env: conda.yaml", ProcessConfig()).packaging.make_package(tmp_path)
    elsewhere = Project("gone", None, tmp_path / "gone", "gone", None)
    member = SweepMember("one", {}, {}, ProcessConfig(), lambda: None)  # type: ignore[arg-type,return-value]
    (delivery,) = deliver_from_package(package.path, ["job"], elsewhere, [member], ProcessConfig()).deliveries
    assert delivery.python == Path("/environments/conda.yaml/python")
