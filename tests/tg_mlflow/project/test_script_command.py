"""Commands that are not ours: what becomes of parameters, and when a shell is needed."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.sagemaker.command import CommandTask
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.project import Project, read_project
from tg_mlflow.project.script_command import ScriptCommand, build_script_command, needs_shell

NO_FILES: dict[str, Path] = {}


def build(template: str, parameters: dict[str, str] | None = None, **others: str) -> list[str] | str:
    return build_script_command(template, parameters or {}, NO_FILES, Path("/project"), others).build_task().command


@pytest.mark.parametrize(
    ("template", "parameters", "command"),
    [
        ("python train.py", {}, ["python", "train.py"]),
        ("python train.py --alpha {alpha}", {"alpha": "0.5"}, ["python", "train.py", "--alpha", "0.5"]),
        ("python train.py {text}", {"text": "two words; rm -rf 'x'"}, ["python", "train.py", "two words; rm -rf 'x'"]),
        ("python train.py --x={x}", {"x": "a b"}, ["python", "train.py", "--x=a b"]),
        ("python train.py '{x}'", {"x": "plain"}, ["python", "train.py", "plain"]),
        ("python  train.py\t-v \n", {}, ["python", "train.py", "-v"]),
        ("python -c 'print(1 > 0)'", {}, ["python", "-c", "print(1 > 0)"]),
        (r"python a\ b.py", {}, ["python", "a b.py"]),
        ("Rscript train.R {{x}}", {}, "Rscript train.R {x}"),
        ("python a.py && python b.py", {}, "python a.py && python b.py"),
        ("python a.py | tee log.txt", {}, "python a.py | tee log.txt"),
        ("python a.py\npython b.py\n", {}, "python a.py\npython b.py"),
        ('python a.py "$HOME"', {}, 'python a.py "$HOME"'),
        ("python a.py *.csv", {}, "python a.py *.csv"),
        ("X=1 python a.py", {}, "X=1 python a.py"),
        ("cd src", {}, "cd src"),
        ("python a.py \\\n  --x {x}", {"x": "a b"}, "python a.py \\\n  --x 'a b'"),
        ("python a.py > {x}", {"x": "$(reboot)"}, "python a.py > '$(reboot)'"),
        ("python a.py 'open", {}, "python a.py 'open"),
    ],
)
def test_a_shell_runs_what_only_a_shell_understands(
    template: str, parameters: dict[str, str], command: list[str] | str
) -> None:
    assert build(template, parameters) == command


def test_parameters_that_are_not_declared_follow_as_options() -> None:
    command = build_script_command("python a.py {x}", {"x": "1"}, NO_FILES, Path("/project"), {"rate": "0.1 0.2"})
    task = command.build_task()
    assert task.command == ["python", "a.py", "1", "--rate", "0.1 0.2"]
    assert task.parameters == {"x": "1", "rate": "0.1 0.2"}


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_no_value_is_ever_more_than_one_word_of_a_plain_command(value: str) -> None:
    assert build("python train.py --name {name} end", {"name": value}) == ["python", "train.py", "--name", value, "end"]


@given(st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8), min_size=1))
def test_what_needs_no_shell_means_its_quoted_words(words: list[str]) -> None:
    command = shlex.join(["program", *words])
    assert not needs_shell(command)
    assert ScriptCommand(command, {}).build_task().command == ["program", *words]


def test_a_placeholder_without_a_parameter_is_refused() -> None:
    with pytest.raises(ProjectError, match=r"'python a.py \{x\}' has a placeholder that no parameter fills: 'x'"):
        build("python a.py {x}")


def test_files_of_parameters_lie_where_the_project_is_copied_to(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside.csv"
    (project / "data").mkdir(parents=True)
    (project / "data" / "in.csv").write_text("1")
    outside.write_text("2")
    files = {"own": project / "data" / "in.csv", "other": outside}
    values = {name: str(path) for name, path in files.items()}
    task = build_script_command("python a.py {own} {other}", values, files, project, {}).build_task()
    # The first 16 characters of the SHA-256 of b"outside.csv\x001\x002".
    there = ".tg-inputs/acbc8971da409527/outside.csv"
    folder = "__TG_PROJECT_FOLDER__"
    assert task.command[2:] == [f"{folder}/data/in.csv", f"{folder}/{there}"]
    assert task.files == {there: outside}
    assert task.parameters == values  # as the user wrote them


def test_a_file_around_the_project_travels_to_where_a_script_reads_it(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "a.csv").write_text("")
    values = {"data": "../a.csv", "folder": "../src", "other": "../no.csv"}
    (tmp_path / "run.py").write_text("")
    task = build_script_command("python ../run.py {data}", values, NO_FILES, tmp_path / "src", {}).build_task()
    assert task.command == ["python", "../run.py", "../a.csv"]
    assert task.files == {name: tmp_path / "src" / name for name in ("../a.csv", "../run.py")}


MLPROJECT = """
name: scripts
entry_points:
  main:
    parameters:
      data: {type: path, default: data.csv}
      alpha: {type: float, default: 1}
    command: "python train.py {data} {alpha}"
  ours:
    command: "tg-mlflow train tasks:build"
"""


@pytest.fixture
def scripts(tmp_path: Path) -> Project:
    (tmp_path / "MLproject").write_text(MLPROJECT)
    (tmp_path / "data.csv").write_text("x")
    (tmp_path / "train.py").write_text("")
    return read_project(tmp_path)


def read_command(project: Project, entry_point: str, **given: object) -> object:
    command = project.build_command(entry_point, project.resolve_parameters(entry_point, given))
    assert isinstance(command, ScriptCommand)
    task = command.build_task()
    assert isinstance(task, CommandTask)
    return task.command


def test_a_path_that_is_not_here_is_a_file_of_the_project(scripts: Project) -> None:
    assert read_command(scripts, "main", alpha=2) == ["python", "train.py", "__TG_PROJECT_FOLDER__/data.csv", "2"]


def test_a_script_is_an_entry_point(scripts: Project) -> None:
    assert read_command(scripts, "train.py", rate=0.1) == ["python", "train.py", "--rate", "0.1"]


@pytest.mark.parametrize(
    ("entry_point", "given", "message"),
    [
        ("other.py", {}, "entry point 'other.py' is no file of the project"),
        ("mian", {}, "the MLproject has no entry point 'mian'; did you mean 'main'?"),
        ("main", {"alpha": "x"}, "parameter 'alpha' is 'x', not the float that the MLproject declares"),
        ("main", {"data": "no.csv"}, "parameter 'data' is 'no.csv', which cannot be used"),
        ("ours", {"rate": 1}, "parameter 'rate' is unknown to entry point 'ours'"),
    ],
)
def test_what_a_script_cannot_be_given(
    scripts: Project, entry_point: str, given: dict[str, object], message: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        read_command(scripts, entry_point, **given)
    assert message in str(caught.value)


def test_a_folder_without_an_mlproject_has_scripts(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    project = read_project(tmp_path)
    assert read_command(project, "train.py") == ["python", "train.py"]
    with pytest.raises(ProjectError, match=r"there is no MLproject in .*; write one with 'main' and its command"):
        project.resolve_parameters("main", {})
