import errno
import os
from pathlib import Path

import pytest

from tg.common.system.disk_errors import describe_full_folder, find_full, is_of_the_disk, naming_file


def error_of(number: int, path: object = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("number", "full", "is_the_disks"),
    [
        (errno.ENOSPC, "the disk is full", True),
        (errno.EDQUOT, "the disk quota is used up", True),
        (errno.EROFS, None, True),
        (errno.ENOENT, None, False),
        (errno.EPIPE, None, False),
    ],
)
def test_what_an_error_says_of_the_disk(number: int, full: str | None, is_the_disks: bool) -> None:
    assert (find_full(error_of(number)), is_of_the_disk(error_of(number))) == (full, is_the_disks)


def test_an_error_of_writing_gets_the_name_of_its_file() -> None:
    for number, given, named in (
        (errno.ENOSPC, None, "/data/a.tar.gz"),
        (errno.EIO, None, "/data/a.tar.gz"),
        (errno.ENOSPC, "/other", "/other"),
        (errno.EPIPE, None, None),  # not of a file at all
    ):
        with pytest.raises(OSError, match=os.strerror(number)) as caught, naming_file(Path("/data/a.tar.gz")):
            raise error_of(number, given)
        assert (caught.value.errno, caught.value.filename) == (number, named)


def test_a_full_folder_for_temporary_files_is_named_with_what_to_do(temporary: Path) -> None:
    said = f"temporary files cannot be written to '{temporary}': %s; free space there, or set TMPDIR to another folder"
    assert describe_full_folder(error_of(errno.ENOSPC, f"{temporary}/tg-1/a.tar.gz")) == said % "the disk is full"
    assert describe_full_folder(error_of(errno.EDQUOT, str(temporary))) == said % "the disk quota is used up"
    assert describe_full_folder(error_of(errno.EIO, str(temporary))) is None
    assert describe_full_folder(error_of(errno.ENOSPC, "/data/of/the/project")) is None
    assert describe_full_folder(error_of(errno.ENOSPC)) is None
