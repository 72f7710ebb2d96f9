"""Files of a new project, of which none replaces another."""

from pathlib import Path

import pytest

from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.new_project import NewProject, write_project

PROJECT = NewProject([("a", "b")], {"MLproject": "name: x\n", "tg.json": "{}\n"})


def test_a_folder_is_made(tmp_path: Path) -> None:
    assert write_project(tmp_path / "a" / "b", PROJECT) == ["MLproject", "tg.json"]
    assert (tmp_path / "a" / "b" / "tg.json").read_text() == "{}\n"


@pytest.mark.parametrize("name", ["tg.json", "MLproject", "mlproject", "MLProject"])
def test_nothing_is_replaced_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ProjectError) as caught:
        write_project(tmp_path, PROJECT)
    assert str(caught.value) == (
        f"'{name}' exists in '{tmp_path}' already, so nothing is written; move it away, or replace it with --force"
    )
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "mine")]


def test_a_link_to_nothing_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "tg.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match=r"^'tg\.json' exists in"):
        write_project(tmp_path, PROJECT)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("pass")
    with pytest.raises(ProjectError) as caught:
        write_project(tmp_path / "train.py", PROJECT)
    assert str(caught.value) == f"'{tmp_path}/train.py' is a file; give the folder that is to be the project"


def test_force_replaces(tmp_path: Path) -> None:
    (tmp_path / "tg.json").write_text("mine")
    write_project(tmp_path, PROJECT, force=True)
    assert (tmp_path / "tg.json").read_text() == "{}\n"


def test_data_are_not_replaced_either(tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_text("new")
    project = NewProject([], {"tg.json": "{}"}, {"datasets/p/x.csv": source})
    (tmp_path / "datasets" / "p").mkdir(parents=True)
    (tmp_path / "datasets" / "p" / "x.csv").write_text("old")
    with pytest.raises(ProjectError, match=r"^'datasets/p/x\.csv' exists in"):
        write_project(tmp_path, project)
    assert not (tmp_path / "tg.json").exists()
