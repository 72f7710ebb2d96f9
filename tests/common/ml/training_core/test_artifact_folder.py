"""Which names artifacts may have, and what is in the way of which."""

from pathlib import Path

import pytest

from tg.common import TaskDefinitionError
from tg.common.ml.training_core.artifact_folder import ArtifactFolder, check_artifact_name


@pytest.mark.parametrize(
    "name",
    [
        "roc.png",
        "plots/roc.png",
        "figures/roc.png",
        "figures/0.png",
        "tables/scores.json",
        "models/a.bin",
        "log/a.txt",
        "outputs.csv",
        ".hidden",
        "a..b",
        "ROC (test), α=0.5 + β.png",
        "é" * 100,
    ],
)
def test_names_that_are_taken(name: str) -> None:
    assert check_artifact_name(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "which is empty"),
        ("/tmp/a.png", "which is absolute"),
        ("../a.png", "which leads out of the run"),
        ("a/../../b.png", "which leads out of the run"),
        ("a//b.png", "of which a part is no name, or begins or ends with a space"),
        ("./a.png", "of which a part is no name, or begins or ends with a space"),
        ("plots/", "of which a part is no name, or begins or ends with a space"),
        (" a.png", "of which a part is no name, or begins or ends with a space"),
        ("a\\b.png", r"which contains '\\'"),
        ("a#1.png", "which contains '#'"),
        ("50%.png", "which contains '%'"),
        ("C:/a.png", "which contains ':'"),
        ("a\nb.png", "which contains characters that cannot be shown"),
        ("a\udcff.png", "which contains characters that cannot be shown"),
        ("a" * 201, "which is longer than 200 bytes"),
        ("é" * 101, "which is longer than 200 bytes"),
        ("logs/train.log", "but the run has its own 'logs'"),
        ("Result/a.bin", "but the run has its own 'Result'"),
        ("task.json", "but the run has its own 'task.json'"),
        ("environment.json", "but the run has its own 'environment.json'"),
        ("output/a.txt", "but the run has its own 'output'"),
        ("model/a.bin", "but the run has its own 'model'"),
        ("figures", "but the run has its own 'figures'"),
        ("figures/0/roc.png", "but the run has its own 'figures/0'"),
        ("figures/12", "but the run has its own 'figures/12'"),
        ("tables/result_df.json", "but the run has its own 'tables/result_df.json'"),
    ],
)
def test_names_that_are_refused_in_one_line(name: str, reason: str) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        check_artifact_name(name)
    assert str(caught.value) == f"the artifact's name is {name!r}, {reason}; give one such as 'plots/roc.png'"


@pytest.mark.parametrize("name", [None, 5, b"a.png", Path("a.png")])
def test_a_name_is_a_text(name: object) -> None:
    with pytest.raises(TaskDefinitionError) as caught:
        check_artifact_name(name)
    assert str(caught.value) == f"the artifact's name is {name!r}; give a text such as 'plots/roc.png'"


def test_an_artifact_is_written_anew_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path / "logged")
    source = tmp_path / "source"
    source.write_bytes(b"second")
    assert folder.write("plots/a.txt", b"first").read_bytes() == b"first"
    assert folder.write("plots/a.txt", source).read_bytes() == b"second"
    assert folder.write("a.json", b"{}", is_table=True) == tmp_path / "logged" / "tables" / "a.json"
    found = sorted(path.relative_to(tmp_path / "logged").as_posix() for path in tmp_path.rglob("logged/**/*"))
    assert [name for name in found if "." in name] == ["files/plots/a.txt", "tables/a.json"]


def test_a_file_that_cannot_be_read_leaves_what_was_there(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path)
    file = folder.write("a.txt", b"first")
    with pytest.raises(OSError, match="missing"):
        folder.write("a.txt", tmp_path / "missing")
    assert file.read_bytes() == b"first"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "is_table", "other"),
    [
        ("a/b/c.json", False, "the artifact 'a/b'"),
        ("a/b/c.json", True, "the artifact 'a/b'"),
        ("a", True, "artifacts below 'a'"),
        ("a/b", True, "the file of this name"),
        ("t.json", False, "the table of this name"),
    ],
)
def test_what_is_in_the_way_is_said(tmp_path: Path, name: str, is_table: bool, other: str) -> None:
    folder = ArtifactFolder(tmp_path)
    folder.write("a/b", b"")
    folder.write("t.json", b"", is_table=True)
    with pytest.raises(TaskDefinitionError) as caught:
        folder.write(name, b"", is_table)
    assert str(caught.value) == (
        f"the artifact {name!r} cannot be logged beside {other}, which has been logged; choose another name"
    )
