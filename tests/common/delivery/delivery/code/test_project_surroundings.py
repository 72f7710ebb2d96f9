"""Files around a project that its scripts read."""

from pathlib import Path, PurePosixPath

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery.code.project_surroundings import find_named, find_patterned, lay_out
from tg.common.delivery.delivery.code.project_tree import collect_project_tree

FILES = ("data/a.csv", "data/deep/b.csv", "top.txt", "secret.env", "repo/src/train.py", "repo/data/c.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "repo" / "src"


def names(files: dict[PurePosixPath, Path]) -> dict[str, str]:
    return {str(path): file.read_text() for path, file in files.items()}


def test_files_that_patterns_match(folder: Path) -> None:
    assert names(find_patterned(folder, ["../../data/*.csv", "../data"])) == {
        "../../data/a.csv": "data/a.csv",
        "../data/c.csv": "repo/data/c.csv",
    }
    assert names(find_patterned(folder, ["../../data/**/*.csv"])) == {
        "../../data/a.csv": "data/a.csv",
        "../../data/deep/b.csv": "data/deep/b.csv",
    }


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("../no.csv", "the data pattern '../no.csv' matches no file around"),
        ("../../*.env", "data file '../../secret.env' looks like a secret, and packages hold none"),
    ],
)
def test_a_pattern_that_finds_nothing_or_a_secret_is_refused(folder: Path, pattern: str, message: str) -> None:
    with pytest.raises(PackagingError) as caught:
        find_patterned(folder, [pattern])
    assert message in str(caught.value)


def test_files_that_scripts_name(folder: Path) -> None:
    (folder / "train.py").write_text(
        """read("../data/c.csv"); read('../../top.txt'); read("../no.csv"); read("../../secret.env"); open("../data")
        # ../../data/a.csv is not in quotes, and "../src/train.py" is inside
        """
    )
    (folder / "notes.txt").write_text('"../../data/a.csv"')  # no script
    files = {PurePosixPath(name): folder / name for name in ("train.py", "notes.txt")}
    assert names(find_named(folder, files)) == {"../data/c.csv": "repo/data/c.csv", "../../top.txt": "top.txt"}


def test_they_are_found_with_the_project_and_lie_as_here(folder: Path) -> None:
    (folder / "train.py").write_text('open("../data/c.csv")')
    tree = collect_project_tree(folder, ["../../data/a.csv"])
    root, place, files = lay_out(folder, {**tree.files, **tree.around})
    assert (root, str(place)) == (folder.parents[1], "repo/src")
    assert names(files) == {
        "data/a.csv": "data/a.csv",
        "repo/data/c.csv": "repo/data/c.csv",
        "repo/src/train.py": 'open("../data/c.csv")',
    }
    with pytest.raises(PackagingError, match="more than 1e-06"):
        collect_project_tree(folder, limit_mb=1e-6)


def test_a_project_by_itself_is_the_whole(folder: Path) -> None:
    files = {PurePosixPath("train.py"): folder / "train.py"}
    assert lay_out(folder, files) == (folder, PurePosixPath("."), files)
