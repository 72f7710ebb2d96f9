"""Opening an archive, asking for what is in it, and whether it is complete."""

import gc
import json
from pathlib import Path

import pytest

from tg.common import ResultArchiveError
from tg.common.delivery.sagemaker.archive.result_archive import (
    ARCHIVE_NAME,
    COMPLETION,
    HYPERPARAMETERS,
    PACKAGE,
    PROPERTIES,
    TASK,
    ArchiveLimits,
    ResultArchive,
    write_completion_marker,
    write_result_archive,
)
from tg.common.errors import StorageError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "runs" / "0").mkdir(parents=True)
    (folder / "runs" / "1").mkdir()
    (folder / "package.tag.gz").write_bytes(b"package")
    (folder / "runs" / "0" / "info.pkl").write_bytes(b"info")
    (folder / "runs" / "0" / "model.pkl").write_bytes(b"model")
    return folder


def pack(model: Path) -> Path:
    write_result_archive(model, model.parent / "model.tar.gz")
    return model.parent / "model.tar.gz"


def test_names_are_those_of_the_source_document() -> None:
    assert (ARCHIVE_NAME, PACKAGE, TASK, PROPERTIES, HYPERPARAMETERS, COMPLETION) == (
        "model.tar.gz",
        "package.tag.gz",
        "task.json",
        "package.json",
        "hyperparameters.json",
        "completed.json",
    )


def test_members_are_listed_and_shown(model: Path) -> None:
    archive = ResultArchive(pack(model))
    assert archive.list() == [
        "package.tag.gz",
        "runs/",
        "runs/0/",
        "runs/0/info.pkl",
        "runs/0/model.pkl",
        "runs/1/",
    ]
    assert repr(archive) == f"ResultArchive('{model.parent}/model.tar.gz', 6 members)"


def test_a_member_is_extracted_once_and_alone(model: Path, temporary: Path) -> None:
    path = pack(model)
    archive = ResultArchive(path)
    found = archive.get_path("runs/0/info.pkl")
    assert found.read_bytes() == b"info"
    assert found.name == "info.pkl"
    assert [each.name for each in found.parent.iterdir()] == ["info.pkl"]
    assert temporary in found.parents
    path.unlink()
    assert archive.get_path("runs/0/info.pkl") == found
    with pytest.raises(ResultArchiveError, match="cannot be read or extracted: No such file or directory"):
        archive.get_path("runs/0/model.pkl")


def test_a_member_that_has_gone_meanwhile_is_told(model: Path) -> None:
    archive = ResultArchive(pack(model))
    (model / "runs" / "0" / "info.pkl").unlink()
    pack(model)
    with pytest.raises(ResultArchiveError, match=r"is refused: there is no member 'runs/0/info\.pkl' in it any more"):
        archive.get_path("runs/0/info.pkl")
    assert archive.get_path("runs/0/model.pkl").read_bytes() == b"model"


@pytest.mark.parametrize(("number", "kind"), [(5, StorageError), (13, StorageError), (21, ResultArchiveError)])
def test_what_the_disk_does_not_give_is_not_the_archives_fault(
    model: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(number, "it is refused")

    write_completion_marker(model)
    with ResultArchive(pack(model)) as archive:
        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(kind, match=r"cannot be read: it is refused$"):
            archive.check_complete()


def test_the_limits_hold_when_a_member_is_extracted(model: Path) -> None:
    archive = ResultArchive(pack(model), ArchiveLimits(size_bytes=20_000, ratio=1))
    (model / "alpha.bin").write_bytes(bytes(100_000))
    pack(model)
    with pytest.raises(ResultArchiveError, match=r"it has more than 20,000 bytes uncompressed"):
        archive.get_path("runs/0/model.pkl")


def test_a_folder_comes_with_what_is_below(model: Path) -> None:
    (model / "runs" / "0.txt").touch()
    path = pack(model)
    archive = ResultArchive(path)
    folder = archive.get_path("runs/0/")
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == {"info.pkl": b"info", "model.pkl": b"model"}
    assert [each.name for each in folder.parent.iterdir()] == ["0"]
    path.unlink()  # no second extraction
    assert archive.get_path("runs/0") == folder
    assert archive.get_path("./runs/0/info.pkl") == folder / "info.pkl"


@pytest.mark.parametrize("name", ["package.tag.gz", "package.tar.gz"])
def test_the_package_is_found_under_both_names(name: str, model: Path) -> None:
    (model / "package.tag.gz").rename(model / name)
    archive = ResultArchive(pack(model))
    assert archive.list()[0] == name
    assert archive.get_path("package.tag.gz").read_bytes() == b"package"
    assert archive.get_path("package.tar.gz") == archive.get_path("package.tag.gz")
    assert archive.get_path("package.tar.gz").name == name


def test_what_is_not_there_is_answered_with_what_is(model: Path) -> None:
    archive = ResultArchive(pack(model))
    with pytest.raises(ResultArchiveError) as caught:
        archive.get_path("runs/0/infos.pkl")
    assert str(caught.value) == (
        f"the archive '{archive.path}' has no member 'runs/0/infos.pkl'; did you mean 'runs/0/info.pkl'?"
    )
    with pytest.raises(ResultArchiveError, match=r"has no member 'zzz'; there is 'package.tag.gz', 'runs/', 'runs/0/'"):
        archive.get_path("zzz")
    for name in ("../model/package.tag.gz", "/etc/passwd", "", "runs/0/inf"):
        with pytest.raises(ResultArchiveError, match="has no member"):
            archive.get_path(name)


def test_the_extracted_files_go_with_the_archive(model: Path, temporary: Path) -> None:
    with ResultArchive(pack(model)) as archive:
        folder = next(temporary.iterdir())
        assert folder.stat().st_mode & 0o777 == 0o700
        assert archive.get_path("package.tag.gz").is_relative_to(folder)
    assert list(temporary.iterdir()) == []
    archive.close()
    with pytest.raises(ResultArchiveError, match=r"the archive '.*model\.tar\.gz' is closed; open it again"):
        archive.get_path("package.tag.gz")

    archive = ResultArchive(archive.path)
    archive.get_path("package.tag.gz")
    assert len(list(temporary.iterdir())) == 1
    del archive
    gc.collect()
    assert list(temporary.iterdir()) == []


def test_a_refused_archive_leaves_no_folder(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(ResultArchiveError):
        ResultArchive(tmp_path / "absent.tar.gz")
    assert list(temporary.iterdir()) == []


def test_an_archive_is_complete_when_all_that_the_marker_lists_is_there(model: Path) -> None:
    write_completion_marker(model)
    (model / "written later").touch()
    archive = ResultArchive(pack(model))
    assert archive.is_complete
    archive.check_complete()


def fails_with(model: Path, message: str) -> None:
    archive = ResultArchive(pack(model))
    assert not archive.is_complete
    with pytest.raises(ResultArchiveError) as caught:
        archive.check_complete()
    assert str(caught.value) == f"the archive '{archive.path}' is incomplete: {message}"


def test_an_archive_without_a_marker_is_incomplete(model: Path) -> None:
    fails_with(model, "it has no completed.json, so the training did not run to its end")


def test_a_missing_file_makes_it_incomplete(model: Path) -> None:
    write_completion_marker(model)
    (model / "runs" / "0" / "info.pkl").unlink()
    fails_with(model, "the file 'runs/0/info.pkl' is missing")
    (model / "runs" / "0" / "info.pkl").mkdir()
    fails_with(model, "the file 'runs/0/info.pkl' is missing")


@pytest.mark.parametrize(("content", "size"), [("inf", 3), ("info!", 5), ("", 0)])
def test_another_size_makes_it_incomplete(content: str, size: int, model: Path) -> None:
    write_completion_marker(model)
    (model / "runs" / "0" / "info.pkl").write_text(content)
    fails_with(model, f"'runs/0/info.pkl' has {size} bytes instead of 4")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
        ("[]", "TypeError('list indices must be integers or slices, not str')"),
        ("{}", "KeyError('state')"),
        ('{"state": "failed", "members": []}', "ValueError(\"its state is 'failed'\")"),
        ('{"state": "completed"}', "KeyError('members')"),
        ('{"state": "completed", "members": [{"name": "a"}]}', "KeyError('size')"),
    ],
)
def test_a_damaged_marker_makes_it_incomplete(content: str, reason: str, model: Path) -> None:
    (model / "completed.json").write_text(content)
    fails_with(model, f"completed.json is damaged ({reason})")


def test_a_marker_that_is_too_deep_is_damaged(model: Path) -> None:
    (model / "completed.json").write_text("[" * 100_000)
    assert not ResultArchive(pack(model)).is_complete
    (model / "completed.json").unlink()
    (model / "completed.json").mkdir()
    assert not ResultArchive(pack(model)).is_complete


def test_the_marker_is_read_with_any_names(model: Path) -> None:
    (model / "Öl und \n Wasser").write_bytes(b"12")
    write_completion_marker(model)
    assert "Öl und \n Wasser" in [
        each["name"] for each in json.loads((model / "completed.json").read_text())["members"]
    ]
    assert ResultArchive(pack(model)).is_complete
