"""Which files of a project a command finds where it runs."""

import os
from pathlib import Path, PurePosixPath

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery.code.project_tree import collect_project_tree

FILES = {
    "train.py": "import numpy\nimport helper\nfrom lib.deep import x",
    "helper.py": "import yaml",
    "lib/deep.py": "",
    "tests/test_it.py": "",
    "setup.py": "",
    "data/points.csv": "1",
    "conf/model.yaml": "",
    "old.py": "print 'Python 2'",
    "build/out.txt": "",
    # what stays out
    "secret.env": "",
    "keys/id_rsa": "",
    ".git/HEAD": "",
    "mlruns/0/meta.yaml": "",
    "mlflow.db": "",
    "mlflow.db-wal": "",
    "env/pyvenv.cfg": "",
    "env/lib/big.py": "",
    "lib/__pycache__/deep.pyc": "",
    "ignored/file.txt": "",
    "raw.bin": "",
    "notes.txt": "",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".gitignore").write_text("ignored/\n*.bin\n")
    (tmp_path / ".tgignore").write_text("notes.txt\n")
    return tmp_path


TAKEN = [
    ".gitignore",
    ".tgignore",
    "build/out.txt",
    "conf/model.yaml",
    "data/points.csv",
    "helper.py",
    "lib/deep.py",
    "old.py",
    "setup.py",
    "tests/test_it.py",
    "train.py",
]


def test_all_files_that_are_the_projects_own(folder: Path) -> None:
    tree = collect_project_tree(folder)
    assert [str(path) for path in tree.files] == TAKEN
    assert {str(path): reason for path, reason in tree.left_out.items()} == {
        ".git": "is a cache or an environment",
        "env": "is a cache or an environment",
        "ignored": "is named in .gitignore",
        "keys/id_rsa": "looks like a secret",
        "lib/__pycache__": "is a cache or an environment",
        "mlflow.db": "is where MLflow keeps runs",
        "mlflow.db-wal": "is where MLflow keeps runs",
        "mlruns": "is where MLflow keeps runs",
        "notes.txt": "is named in .tgignore",
        "raw.bin": "is named in .gitignore",
        "secret.env": "looks like a secret",
    }


def test_patterns_take_what_git_ignores_but_no_secret(folder: Path) -> None:
    tree = collect_project_tree(folder, ["*.bin", "ignored/**"])
    assert sorted(map(str, tree.files)) == sorted([*TAKEN, "raw.bin", "ignored/file.txt"])
    with pytest.raises(PackagingError, match=r"the data pattern '\*.env' matches no file in"):
        collect_project_tree(folder, ["*.env"])


def test_the_datasets_folder_is_not_looked_into(folder: Path) -> None:
    assert "data/points.csv" not in map(str, collect_project_tree(folder, skipped={folder / "data"}).files)


def test_a_project_that_is_too_large_names_its_largest_files(folder: Path) -> None:
    for name, count in {"a.csv": 3, "b.csv": 1, "c.csv": 2, "d.csv": 5}.items():
        (folder / "data" / name).write_bytes(bytes(count * 1_000_000))
    collect_project_tree(folder, limit_mb=11.1)
    with pytest.raises(PackagingError) as caught:
        collect_project_tree(folder, limit_mb=11)
    assert str(caught.value) == (
        "the project's files have 11 MB, more than 11; the largest: 'data/d.csv' (5 MB), 'data/a.csv' (3 MB), "
        "'data/c.csv' (2 MB). Name what the training does not need in .tgignore, give data as channels, or raise "
        "project_limit_mb"
    )


def test_what_the_code_imports_and_does_not_hold(folder: Path) -> None:
    tree = collect_project_tree(folder)
    assert tree.find_imported() == {"numpy", "yaml"}
    assert {"numpy", "PyYAML"} <= tree.find_distributions()


def test_links_that_lead_away_are_left_out(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "outside").symlink_to(tmp_path_factory.mktemp("outside"))
    (folder / "nothing").symlink_to("gone")
    (folder / "inside").symlink_to("lib")
    (folder / "file").symlink_to(__file__)
    tree = collect_project_tree(folder)
    assert {"inside", "file"} <= set(map(str, tree.files))
    assert {str(path): reason for path, reason in tree.left_out.items() if "link" in reason} == {
        "nothing": "is a link to nothing",
        "outside": "is a link to a folder outside of the project",
    }


def test_sockets_and_fifos_are_no_files(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "pipe" not in map(str, collect_project_tree(folder).files)


def test_a_users_own_word_takes_a_database_of_that_name(folder: Path) -> None:
    (folder / ".tgignore").write_text("notes.txt\n!mlflow.db\n")
    assert PurePosixPath("mlflow.db") in collect_project_tree(folder).files
    assert PurePosixPath("mlflow.db-wal") in collect_project_tree(folder, ["mlflow.db-wal"]).files
