"""What of a training's results no archive can keep is left out and named; all else is kept."""

import json
import os
import socket
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker import ResultArchive
from tg.common.delivery.sagemaker.archive import write_completion_marker, write_result_archive
from tg.common.delivery.sagemaker.archive.unkept import remove_unkept


@pytest.fixture
def model(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights").write_text("weights")
    return model


def test_what_can_be_kept_stays_as_it_is(model: Path) -> None:
    (model / "latest").symlink_to("deep/weights")
    (model / "folder").symlink_to("deep")
    assert remove_unkept(model) == {}
    assert os.readlink(model / "latest") == "deep/weights"
    assert os.readlink(model / "folder") == "deep"


def test_an_absolute_link_that_stays_inside_is_kept(model: Path, tmp_path: Path) -> None:
    (model / "deep" / "again").symlink_to(model / "deep" / "weights")
    (tmp_path / "other").symlink_to(model)
    (model / "latest").symlink_to(tmp_path / "other" / "deep")
    assert remove_unkept(model) == {}
    assert os.readlink(model / "deep" / "again") == "weights"
    assert os.readlink(model / "latest") == "deep"
    assert (model / "latest" / "again").read_text() == "weights"


def test_what_cannot_be_kept_is_removed_and_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside").write_text("outside")
    os.mkfifo(model / "fifo")
    monkeypatch.chdir(model / "deep")  # as a socket's path has at most 108 bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    (model / "out").symlink_to(tmp_path / "outside")
    (model / "up").symlink_to("../outside")
    (model / "nothing").symlink_to("missing")
    (model / "loop").symlink_to("loop")
    (model / "to-fifo").symlink_to("fifo")
    assert remove_unkept(model) == {
        "fifo": "a FIFO",
        "deep/socket": "a socket",
        "out": f"a link to {str(tmp_path / 'outside')!r}, outside",
        "up": f"a link to {str(tmp_path / 'outside')!r}, outside",
        "nothing": "a link to 'missing', which is not there",
        "loop": "a link to 'loop', which is not there",
        "to-fifo": "a link to 'fifo', which is not there",
    }
    assert sorted(path.relative_to(model).as_posix() for path in model.rglob("*")) == ["deep", "deep/weights"]
    assert (tmp_path / "outside").read_text() == "outside"


def test_an_archive_says_what_was_left_out(model: Path, tmp_path: Path) -> None:
    write_completion_marker(model, {"fifo": "a FIFO"})
    assert json.loads((model / "completed.json").read_text())["left_out"] == {"fifo": "a FIFO"}
    write_result_archive(model, tmp_path / "model.tar.gz")
    with ResultArchive.open_complete(tmp_path / "model.tar.gz") as archive:
        assert archive.left_out == {"fifo": "a FIFO"}
    write_completion_marker(model)
    assert "left_out" not in json.loads((model / "completed.json").read_text())
