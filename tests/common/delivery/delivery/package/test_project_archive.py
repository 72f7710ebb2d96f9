"""A project's files in one file of its package."""

import io
import os
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery.package.project_archive import build_project_archive


def pack(folder: Path, *names: str) -> bytes:
    return build_project_archive(folder, {PurePosixPath(name): folder / name for name in names})


def list_members(content: bytes) -> dict[str, tuple[bool, int, str]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {each.name: (each.issym(), each.mode, each.linkname) for each in archive}


def test_names_modes_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("echo")
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "größe 1.txt").write_text("x")
    (tmp_path / "link").symlink_to("run.sh")
    (tmp_path / "outside").symlink_to(__file__)
    (tmp_path / "left out.py").write_text("left out")
    (tmp_path / "to left out").symlink_to("left out.py")
    names = ("run.sh", "größe 1.txt", "link", "outside", "to left out")
    content = pack(tmp_path, *names)
    assert list_members(content) == {
        "größe 1.txt": (False, 0o644, ""),
        "link": (True, 0o644, "run.sh"),
        "outside": (False, 0o644, ""),
        "run.sh": (False, 0o755, ""),
        "to left out": (False, 0o644, ""),
    }
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = archive.extractfile("to left out")
        assert file is not None
        assert file.read() == b"left out"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    before = pack(tmp_path, "a")
    os.utime(tmp_path / "a", (0, 1_000_000_000))
    (tmp_path / "a").chmod(0o600)
    assert pack(tmp_path, "a") == before
    (tmp_path / "a").write_text("2")
    assert pack(tmp_path, "a") != before


def test_a_name_that_is_not_utf8_and_a_file_that_is_gone_are_named(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9")
    (tmp_path / odd).write_text("")
    with pytest.raises(PackagingError, match="has a name that is not UTF-8; rename it"):
        pack(tmp_path, odd)
    (tmp_path / "nothing").symlink_to("gone")
    with pytest.raises(PackagingError, match=r"file 'nothing' of the project cannot be read \(No such file"):
        pack(tmp_path, "nothing")
