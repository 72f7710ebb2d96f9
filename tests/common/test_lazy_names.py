"""Packages whose names are imported when they are first used."""

import ast
import importlib
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path

import pytest

import tg.common.delivery.sagemaker as sagemaker

ROOT = Path(__file__).parents[2]
LAZY = [
    "tg.common.delivery.delivery",
    "tg.common.delivery.delivery.package",
    "tg.common.delivery.sagemaker",
    "tg.common.delivery.sagemaker.archive",
    "tg.common.delivery.sagemaker.command",
    "tg.common.delivery.sagemaker.runtime",
    "tg.common.ml.incremental_training",
    "tg.common.ml.training_core",
    "tg_mlflow",
    "tg_mlflow.backend",
    "tg_mlflow.comparison",
    "tg_mlflow.cost",
    "tg_mlflow.delivery",
    "tg_mlflow.description",
    "tg_mlflow.diagnosis",
    "tg_mlflow.figures",
    "tg_mlflow.listing",
    "tg_mlflow.notebook",
    "tg_mlflow.places",
    "tg_mlflow.project",
    "tg_mlflow.project.arguments",
    "tg_mlflow.recording",
    "tg_mlflow.registration",
    "tg_mlflow.replay",
    "tg_mlflow.reproduction",
    "tg_mlflow.results",
    "tg_mlflow.scaffolding",
    "tg_mlflow.sweeps",
    "tg_mlflow.sweeps.report",
    "tg_mlflow.takeover",
    "tg_mlflow.tracking",
    "tg_mlflow.training",
    "tg_mlflow.usage",
]


@pytest.mark.parametrize("name", LAZY)
def test_what_is_listed_is_what_type_checkers_see_and_can_be_imported(name: str) -> None:
    package = importlib.import_module(name)
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: resolve_name("." * each.level + (each.module or ""), name)
        for each in checked.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert seen == {each: resolve_name(home, name) for each, home in package._HOMES.items()}
    assert package.__all__ == list(package._HOMES)
    assert set(package.__all__) <= set(dir(package))
    assert [each for each in package.__all__ if not hasattr(package, each)] == []


def test_every_package_with_such_names_is_checked_here() -> None:
    files = [*ROOT.joinpath("src").rglob("__init__.py"), *ROOT.joinpath("mlflow_plugins").rglob("__init__.py")]
    found = [file.parent.relative_to(ROOT).parts[1:] for file in files if "lazy_names(" in file.read_text("utf-8")]
    assert sorted(".".join(parts) for parts in found) == LAZY


def test_a_name_that_is_not_there_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match=r"^module 'tg\.common\.delivery\.sagemaker' has no attribute 'Job'$"):
        getattr(sagemaker, "Job")  # noqa: B009 - mypy knows that there is none


@pytest.mark.starts_process
def test_a_name_is_imported_when_it_is_first_used() -> None:
    script = (
        "import sys, tg.common.delivery.sagemaker as rooms\n"
        "before = 'tg.common.delivery.sagemaker.remote' in sys.modules, 'Pacing' in vars(rooms)\n"
        "rooms.Pacing\n"
        "print(*before, 'tg.common.delivery.sagemaker.remote' in sys.modules, 'Pacing' in vars(rooms))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False", "True", "True"]
