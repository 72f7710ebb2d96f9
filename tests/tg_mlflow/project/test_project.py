import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from git.exc import GitCommandError
from mlflow import MlflowClient

from tg_mlflow.errors import ProjectError, describe_failure
from tg_mlflow.project.project import fetch_project, find_git_cause, read_project


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "MLproject").write_text(text, encoding="utf-8")
    return folder


def commit(repository: Path, *names: str) -> str:
    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *settings, *arguments], cwd=repository, check=True, capture_output=True, text=True
        ).stdout.strip()

    if not (repository / ".git").exists():
        git("init", "-q", "-b", "main")
    git("add", *names)
    git("commit", "-q", "-m", "change")
    return git("rev-parse", "HEAD")


PARAMETERS = """
name: p
entry_points:
  main:
    parameters:
      n: {default: 10}
      C: {type: float, default: 1.0}
      flag: {default: true}
      data: path
    command: "tg-mlflow train tasks:build n={n} C={C} flag={flag} data={data}"
  other:
    command: "tg-mlflow train tasks:other"
"""


def test_parameters_are_what_the_user_wrote_and_the_defaults(tmp_path: Path) -> None:
    project = read_project(write(tmp_path / "p", PARAMETERS))
    assert project.name == "p"
    assert project.resolve_parameters("main", {"C": "1e-1", "data": "a 'b'.csv"}) == {
        "n": "10",
        "C": "1e-1",
        "flag": "True",
        "data": "a 'b'.csv",
    }
    assert project.resolve_parameters("other", {}) == {}


@pytest.mark.parametrize(
    ("entry_point", "given", "message"),
    [
        ("mian", {}, "no entry point 'mian'; did you mean 'main'?"),
        (
            "main",
            {"datta": "x"},
            "parameter 'datta' is unknown to entry point 'main'; did you mean 'data'?",
        ),
        ("other", {"x": 1}, "parameter 'x' is unknown to entry point 'other'; there is nothing"),
        ("main", {}, "entry point 'main' lacks values for 'data'; give each as -P name=value"),
        ("main", {"data": "x", "C": "much"}, "parameter 'C' is 'much', not the float that the MLproject declares"),
    ],
)
def test_parameters_are_checked(tmp_path: Path, entry_point: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_project(write(tmp_path / "p", PARAMETERS)).resolve_parameters(entry_point, given)
    assert message in str(caught.value)


def test_a_path_becomes_absolute(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.csv").touch()
    monkeypatch.chdir(tmp_path)
    project = read_project(write(tmp_path / "p", PARAMETERS))
    command = project.build_command("main", project.resolve_parameters("main", {"data": "data.csv"}))
    assert command.arguments["data"] == str(tmp_path / "data.csv")
    assert list(temporary.iterdir()) == []


def test_what_a_path_names_elsewhere_is_downloaded(tmp_path: Path, temporary: Path, store: MlflowClient) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    store.log_text(run_id, "1,2", "data.csv")
    project = read_project(write(tmp_path / "p", PARAMETERS))
    command = project.build_command("main", project.resolve_parameters("main", {"data": f"runs:/{run_id}/data.csv"}))
    assert Path(command.arguments["data"]).read_text() == "1,2"
    with pytest.raises(ProjectError, match=r"^parameter 'data' is 'runs:/\S+/none.csv', which cannot be used: "):
        project.build_command("main", project.resolve_parameters("main", {"data": f"runs:/{run_id}/none.csv"}))
    assert len(list(temporary.iterdir())) == 1  # of what was found


def test_a_path_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    project = read_project(write(tmp_path / "p", PARAMETERS))
    with pytest.raises(ProjectError, match=r"parameter 'data' is 'nowhere\.csv', which cannot be used"):
        project.build_command("main", project.resolve_parameters("main", {"data": "nowhere.csv"}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is not YAML"),
        ("- a\n- b", "does not have the form of an MLproject"),
        ("", "does not have the form of an MLproject"),
        ("name: x\nentry_points: [1]", "does not have the form of an MLproject"),
        ("name: x\nconda_env: a.yaml\npython_env: b.yaml", "cannot be used"),
    ],
)
def test_an_unusable_mlproject_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read_project(write(tmp_path / "p", text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_entry_point_without_a_command_is_refused(tmp_path: Path) -> None:
    project = read_project(write(tmp_path / "p", "name: x\nentry_points: {main: {parameters: {}}}"))
    with pytest.raises(ProjectError, match="entry point 'main' has no command"):
        project.build_command("main", {})


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("./nope", "folder"),
        ("nope", "folder"),
        ("/nowhere/nope#sub", "folder"),
        ("file:///nowhere/nope.git", "folder"),
        ("nope.zip", "file"),
    ],
)
def test_a_path_of_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError) as caught:
        fetch_project(uri)
    assert str(caught.value) == f"project {uri!r} does not exist: there is no such {kind}; correct the path"


def test_a_file_is_no_project(tmp_path: Path) -> None:
    path = write(tmp_path / "p", PARAMETERS) / "MLproject"
    with pytest.raises(ProjectError) as caught:
        fetch_project(str(path))
    assert str(caught.value) == f"project {str(path)!r} is a file; give the folder that has the MLproject"


def test_a_repository_that_cannot_be_reached_is_told_as_git_says_it() -> None:
    with pytest.raises(ProjectError) as caught:
        fetch_project("https://me:pw@127.0.0.1:1/nope.git")
    assert str(caught.value).startswith("project 'https://me:pw@127.0.0.1:1/nope.git' cannot be fetched: unable to acc")
    assert str(caught.value).endswith("; correct the address, or give a folder")
    assert "\n" not in str(caught.value)
    assert "me:pw" not in describe_failure(caught.value)


@pytest.mark.parametrize(
    ("stderr", "cause"),
    [
        (
            "fatal: '/x' does not appear to be a git repository\nfatal: Could not read",
            "'/x' does not appear to be a git repository",
        ),
        (
            "Warning: Permanently added 'h'.\ngit@h: Permission denied (publickey).\nfatal: Could not read",
            "git@h: Permission denied (publickey)",
        ),
        ("remote: Repository not found.\nfatal: repository 'u' not found", "remote: Repository not found"),
    ],
)
def test_the_line_of_git_that_tells_the_cause(stderr: str, cause: str) -> None:
    advice = "Please make sure you have the correct access rights\nand the repository exists."
    error = GitCommandError("git fetch", 128, f"{stderr}\n\n{advice}")
    assert find_git_cause(error) == cause


@contextmanager
def git_server(folder: Path) -> Iterator[str]:
    """Serves the repositories in ``folder`` and yields the address that their names follow."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["git", "daemon", "--export-all", f"--base-path={folder}", "--listen=127.0.0.1", f"--port={port}", "--verbose"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        assert "Ready to rumble" in server.stderr.readline()
        yield f"git://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()


@pytest.mark.starts_process
def test_a_project_comes_from_a_folder_a_sub_folder_and_git(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    write(repository / "deep" / "project", PARAMETERS)
    first = commit(repository, "deep")
    assert fetch_project(str(repository / "deep" / "project")).folder == repository / "deep" / "project"
    assert fetch_project(f"{repository}#deep/project").folder == repository / "deep" / "project"
    write(repository / "deep" / "project", PARAMETERS.replace("name: p", "name: second"))
    commit(repository, "deep")

    with git_server(tmp_path) as address:
        uri = f"{address}/repository#deep/project"
        assert fetch_project(uri).name == "second"
        old = fetch_project(uri, first)
    assert (old.name, old.uri, old.version) == ("p", uri, first)
    assert not old.folder.is_relative_to(tmp_path / "repository")


def test_a_version_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    repository = write(tmp_path / "repository", PARAMETERS)
    commit(repository, "MLproject")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repository), str(clone)], check=True)
    with pytest.raises(ProjectError, match="cannot be fetched: Unable to checkout version 'nonsense'"):
        fetch_project(str(clone), "nonsense")
