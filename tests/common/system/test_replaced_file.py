"""A file is there as a whole, or it is as it was."""

import os
from pathlib import Path
from typing import IO

import pytest

from tg.common.system.replaced_file import replacing_file


def test_a_file_is_replaced_when_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "notes"
    target.write_bytes(b"old")
    with replacing_file(target) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o644
    assert os.listdir(tmp_path) == ["notes"]


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path) -> None:
    def write_half(file: IO[bytes]) -> None:
        file.write(b"ne")
        raise ValueError("no more")

    target = tmp_path / "notes"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match="no more"), replacing_file(target) as file:
        write_half(file)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["notes"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path: Path) -> None:
    def fill(file: IO[bytes]) -> None:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, file.fileno())
        os.close(full)
        file.write(b"new")

    target = tmp_path / "notes"
    with pytest.raises(OSError, match="No space left on device") as error, replacing_file(target) as file:
        fill(file)
    assert error.value.filename == str(target)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("is_done", [False, True])
def test_the_error_of_the_disk_is_raised_and_not_that_of_cleaning_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    replace, target = os.replace, tmp_path / "notes"

    def fail(source: str, destination: Path) -> None:
        if is_done:
            replace(source, destination)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="Input/output error"), replacing_file(target) as file:
        file.write(b"new")
    assert os.listdir(tmp_path) == (["notes"] if is_done else [])
