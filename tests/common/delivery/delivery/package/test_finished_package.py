import dataclasses
from pathlib import Path

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.finished_package import read_finished_package


def test_a_package_is_described_as_when_it_was_made(tmp_path: Path) -> None:
    packaging = Packaging("Demo", "1.2", {"job": "a job"})
    packaging.silent = True
    made = packaging.make_package(tmp_path)
    found = read_finished_package(made.path)
    assert (found.name, found.module_name, found.sha256) == ("Demo", "Demo__1_2", made.sha256)
    assert dataclasses.asdict(found) == {**dataclasses.asdict(made), "properties": found.properties}


@pytest.mark.parametrize("content", [None, b"no archive", b""])
def test_what_is_no_package_is_said_in_a_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.tar.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PackagingError, match=r"x.tar.gz' cannot be read as a package: (No such file|it is damaged)"):
        read_finished_package(path)
