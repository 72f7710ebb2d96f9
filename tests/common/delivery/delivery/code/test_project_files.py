import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery import collect_project_files
from tg.common.delivery.delivery.code import ProjectIgnore


class Folder:
    """A project on disk, in a git repository of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".git").mkdir(parents=True)

    def write_all(self, files: "dict[str, str]") -> None:
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def touch(self, *names: str) -> None:
        self.write_all(dict.fromkeys(names, ""))

    def modules(self, below: str = ".") -> list[str]:
        return [str(path) for path in collect_project_files(self.path / below).modules]

    def data(self, *patterns: str) -> list[str]:
        return [str(path) for path in collect_project_files(self.path, patterns).data]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "project")


def test_modules_are_what_can_be_imported(folder: Folder) -> None:
    folder.touch("tasks.py", "pkg/__init__.py", "pkg/__main__.py", "pkg/setup.py", "spaces/deep/m.py", "größe.py")
    folder.touch("my-script.py", "my-folder/m.py", "readme.md", "data.csv", "pkg/model.pkl", "2nd.py")
    assert folder.modules() == [
        "größe.py",
        "pkg/__init__.py",
        "pkg/__main__.py",
        "pkg/setup.py",
        "spaces/deep/m.py",
        "tasks.py",
    ]


def test_tests_environments_caches_and_builds_stay_out(folder: Folder) -> None:
    folder.touch("tasks.py", "pkg/env/world.py", "pkg/build/plan.py", "latest.py", "contest.py")
    folder.touch("tests/m.py", "pkg/tests/m.py", "test/m.py", "test_tasks.py", "pkg/tasks_test.py", "conftest.py")
    folder.touch("__pycache__/tasks.py", ".ipynb_checkpoints/tasks.py", ".venv/m.py", "x.egg-info/m.py")
    folder.touch("node_modules/m.py", "mlruns/0/m.py", "mlartifacts/m.py", "lib/site-packages/m.py")
    folder.touch("myenv/pyvenv.cfg", "myenv/bin/m.py", "conda/conda-meta/history", "conda/m.py")
    folder.touch("build/lib/m.py", "dist/m.py", "setup.py", "noxfile.py", "__init__.py", "__main__.py")
    assert folder.modules() == ["contest.py", "latest.py", "pkg/build/plan.py", "pkg/env/world.py", "tasks.py"]


def test_ignored_files_stay_out_as_git_has_it(folder: Folder) -> None:
    folder.touch("tasks.py", "old/a.py", "old/keep.py", "pkg/a.py", "pkg/draft_1.py", "pkg/draft_2.py", "pkg/sub/a.py")
    folder.write_all(
        {
            ".gitignore": "# comment\n\nold/\n!old/keep.py\ndraft_*.py\n",
            "pkg/.gitignore": "!draft_2.py\n/a.py\n",
        }
    )
    # What is in an ignored folder cannot be taken back; a rule nearer to the file comes after one farther away.
    assert folder.modules() == ["pkg/draft_2.py", "pkg/sub/a.py", "tasks.py"]


def test_a_whole_project_can_be_ignored_but_for_some(folder: Folder) -> None:
    folder.touch("tasks.py", "other.py", "pkg/m.py", "test_tasks.py")
    folder.write_all({".gitignore": "/*\n!/tasks.py\n!test_tasks.py\n"})
    assert folder.modules() == ["tasks.py"]


def test_rules_above_the_project_count_up_to_the_repository(tmp_path: Path) -> None:
    repository = Folder(tmp_path / "repository")
    (tmp_path / ".gitignore").write_text("*.py\n")
    repository.touch("work/titanic/tasks.py", "work/titanic/draft.py", "work/titanic/local.py", "work/titanic/mine.py")
    repository.write_all(
        {".gitignore": "draft.py\nlocal.py\n", "work/.gitignore": "!local.py\n/titanic/mine.py\n"},
    )
    assert repository.modules("work/titanic") == ["local.py", "tasks.py"]


def test_without_a_repository_nothing_above_the_project_counts(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.py\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "tasks.py").touch()
    assert [str(path) for path in collect_project_files(tmp_path / "project").modules] == ["tasks.py"]


def test_a_project_in_an_ignored_folder_is_meant_all_the_same(folder: Folder) -> None:
    folder.touch("temp/titanic/tasks.py", "temp/titanic/draft.py")
    folder.write_all({".gitignore": "temp/\n", "temp/titanic/.gitignore": "draft.py\n"})
    assert folder.modules("temp/titanic") == ["tasks.py"]


def test_tgignore_has_the_last_word(folder: Folder) -> None:
    folder.touch("tasks.py", "notes.py", "test_data.py", "build/plan.py", "_version.py", "pkg/big.py")
    folder.write_all({".gitignore": "_version.py\n", "pkg/.gitignore": "!big.py\n"})
    folder.write_all({".tgignore": "notes.py\n!test_data.py\n!build/\n!_version.py\nbig.py\n"})
    assert folder.modules() == ["_version.py", "build/plan.py", "tasks.py", "test_data.py"]


def test_ignore_files_of_any_encoding_are_read(folder: Folder) -> None:
    folder.touch("tasks.py", "draft.py")
    (folder.path / ".gitignore").write_bytes(b"# caf\xe9\r\ndraft.py\r\n")
    assert folder.modules() == ["tasks.py"]


def test_a_pattern_that_is_none_is_named(folder: Folder) -> None:
    folder.write_all({"tasks.py": "", ".gitignore": "!\n"})
    with pytest.raises(
        PackagingError, match=r"^/.*/\.gitignore holds a pattern that git does not know: .*; correct it$"
    ):
        folder.modules()


def test_folders_that_are_links_are_not_followed(folder: Folder, tmp_path: Path) -> None:
    folder.touch("tasks.py", "real.py")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "m.py").touch()
    (folder.path / "linked").symlink_to(tmp_path / "elsewhere")
    (folder.path / "loop").symlink_to(folder.path)
    (folder.path / "alias.py").symlink_to(folder.path / "real.py")
    (folder.path / "gone.py").symlink_to(folder.path / "nowhere.py")
    os.mkfifo(folder.path / "pipe.py")
    assert folder.modules() == ["alias.py", "real.py", "tasks.py"]


def test_data_files_are_taken_where_a_pattern_names_them(folder: Folder) -> None:
    folder.touch("tasks.py", "words/a.txt", "words/b.txt", "words/c.csv", "pkg/m.py", "pkg/x.json", "tests/in.json")
    folder.touch(".venv/pyvenv.cfg", ".venv/x.json", "mlruns/0/x.json", "my-script.py")
    folder.write_all({".gitignore": "*.txt\n"})
    assert folder.data() == []
    assert folder.data("words/*.txt") == ["words/a.txt", "words/b.txt"]
    assert folder.data("*.json", "words/") == [
        "pkg/x.json",
        "tests/in.json",
        "words/a.txt",
        "words/b.txt",
        "words/c.csv",
    ]
    assert folder.data("*.py") == ["my-script.py"]


@pytest.mark.parametrize(
    "name",
    ["environment.env", ".env", ".env.local", "conf/server.pem", "x.key", "id_rsa", ".netrc", "my_credentials.json"],
)
def test_secrets_are_never_taken(folder: Folder, name: str) -> None:
    folder.touch("tasks.py", name)
    folder.write_all({".tgignore": f"!{name}\n"})
    assert folder.data("*.py") == []
    for pattern in (name, "*"):
        with pytest.raises(PackagingError) as caught:
            folder.data(pattern)
        assert str(caught.value) == (
            f"data file '{name}' looks like a secret, and packages hold none; change '{pattern}', and pass secrets "
            "through the environment"
        )


@pytest.mark.parametrize("name", ["x\udcff.csv", "\udcff/x.csv"])
def test_a_data_file_whose_name_is_not_utf_8_is_told_where_it_is_asked_for(folder: Folder, name: str) -> None:
    folder.write_all({"tasks.py": "", name: "a"})
    assert collect_project_files(folder.path, []).data == {}
    with pytest.raises(PackagingError) as caught:
        collect_project_files(folder.path, ["*.csv"])
    assert str(caught.value) == f"data file {name!r} has a name that is not UTF-8; rename it, or change '*.csv'"


def test_a_module_that_looks_like_a_secret_stays_out(folder: Folder) -> None:
    folder.touch("tasks.py", "credentials.py", ".aws/m.py")
    folder.write_all({".tgignore": "!credentials.py\n"})
    assert folder.modules() == ["tasks.py"]


def test_a_pattern_without_a_file_is_named(folder: Folder) -> None:
    folder.touch("tasks.py", ".git/config")
    for pattern in ("*.txt", ".git/config"):
        with pytest.raises(PackagingError) as caught:
            folder.data(pattern)
        assert str(caught.value) == (
            f"the data pattern '{pattern}' matches no file in '{folder.path}'; correct or remove it"
        )
    with pytest.raises(PackagingError, match=r"the data pattern '!' is not a pattern of .gitignore"):
        folder.data("!")


def test_a_large_file_is_named_with_its_size(folder: Folder) -> None:
    folder.write_all({"tasks.py": "x" * 1000, "words.txt": "x" * 1001})
    assert collect_project_files(folder.path, (), 1000).modules
    with pytest.raises(PackagingError) as caught:
        collect_project_files(folder.path, ["words.txt"], 1000)
    assert str(caught.value) == (
        "file 'words.txt' has 1,001 bytes, more than the limit of 1,000 for one file; make it part of the dataset, "
        "or name it in .tgignore"
    )
    # Whether a module is too large matters only if something needs it.
    assert collect_project_files(folder.path, (), 999).modules


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match=r"^folder '/.*/missing' cannot be read: No such file or directory$"):
        collect_project_files(tmp_path / "missing")
    (tmp_path / "file").touch()
    with pytest.raises(PackagingError, match=r"^folder '/.*/file' cannot be read: Not a directory$"):
        collect_project_files(tmp_path / "file")


def test_rules_are_asked_for_folders_and_modules_alone(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.touch("tasks.py", "pkg/m.py", "notes.txt", "datasets/x.parquet", *(f"data/a/{n}.png" for n in range(100)))
    (folder.path / "data" / "a" / "linked.png").symlink_to(folder.path / "notes.txt")  # as DVC and git-annex keep them
    asked = list[str]()
    why_left_out = ProjectIgnore.why_left_out

    def note(rules: ProjectIgnore, path: PurePosixPath, is_folder: bool = False) -> "str | None":
        asked.append(f"{path}/" if is_folder else str(path))
        return why_left_out(rules, path, is_folder)

    monkeypatch.setattr(ProjectIgnore, "why_left_out", note)
    assert folder.modules() == ["pkg/m.py", "tasks.py"]
    assert asked == [".git/", "data/", "data/a/", "datasets/", "pkg/", "pkg/m.py", "tasks.py"]
    assert folder.data("*.txt", "data/a/7.png", "linked.png") == ["data/a/7.png", "data/a/linked.png", "notes.txt"]
    assert len(asked) == 14  # not once more for data files


def test_each_folder_is_read_once_and_ignored_ones_are_not(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.touch("tasks.py", "data/a/0.png", "images/0.png", "images/b/0.png", "mine/a/m.py", ".venv/a/m.py", "x/m.py")
    folder.write_all({".gitignore": "images/\n", ".tgignore": "mine/\n", "data/.gitignore": "*\n"})
    read, scandir = list[str](), os.scandir

    def note(place: Path) -> Iterator[os.DirEntry[str]]:
        read.append(place.relative_to(folder.path).as_posix())
        return scandir(place)

    monkeypatch.setattr(os, "scandir", note)
    assert folder.modules() == ["tasks.py", "x/m.py"]
    assert read == [".", "data", "x"]


def test_ignore_files_are_looked_for_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.touch("a/tasks.py", *(f"a/b/m{number}.py" for number in range(100)), *(f"a/b/c{n}/m.py" for n in range(3)))
    folder.write_all({".gitignore": "m2*.py\n", "a/b/.gitignore": "!m22.py\nc*/\n"})
    looked_for, is_file = list[str](), Path.is_file

    def note(path: Path) -> bool:
        if path.name in (".gitignore", ".tgignore"):
            looked_for.append(path.relative_to(folder.path).as_posix())
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", note)
    assert len(folder.modules("a")) == 91
    assert sorted(looked_for) == [  # none of those in the three folders that are left out
        ".gitignore",
        ".tgignore",
        "a/.gitignore",
        "a/.tgignore",
        "a/b/.gitignore",
        "a/b/.tgignore",
    ]


def test_the_folder_may_be_relative(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.touch("project/tasks.py", "project/draft.py")
    folder.write_all({".gitignore": "draft.py\n"})
    monkeypatch.chdir(folder.path / "project")
    assert [str(path) for path in collect_project_files(Path(".")).modules] == ["tasks.py"]
