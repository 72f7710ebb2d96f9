"""What is in an archive, in which order, and that it appears whole or not at all."""

import gzip
import io
import json
import os
import socket
import tarfile
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common import ResultArchiveError
from tg.common.delivery.sagemaker.archive.result_archive import (
    ResultArchive,
    write_completion_marker,
    write_result_archive,
    write_result_archive_from_tar,
)
from tg.common.errors import StorageError

FILES = {
    "task.json": b"{}",
    "runs/0/training_task.pkl": b"1",
    "runs/0/info.pkl": b"22",
    "runs/0/result_df.parquet": b"333",
    "package.tag.gz": b"4444",
    "package.json": b"{ }",
    "hyperparameters.json": b"55555",
    "alpha.txt": b"666666",
}

# The source document's listing, with what it does not have: hyperparameters, another file and the marker.
LISTING = [
    "package.tag.gz",
    "task.json",
    "package.json",
    "hyperparameters.json",
    "alpha.txt",
    "runs/",
    "runs/0/",
    "runs/0/info.pkl",
    "runs/0/result_df.parquet",
    "runs/0/training_task.pkl",
    "completed.json",
]


def make_folder(path: Path, files: dict[str, bytes]) -> Path:
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "model", FILES)


def container_stream(folder: Path) -> bytes:
    """The folder as Docker gives it: below ``model/``, in the order of the names, with the container's owner."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in [folder, *sorted(folder.rglob("*"))]:
            info = archive.gettarinfo(path, f"model/{path.relative_to(folder)}" if path != folder else "model")
            info.uid, info.gid, info.uname, info.gname = 0, 0, "root", "root"
            if path.is_file():
                with path.open("rb") as file:
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return buffer.getvalue()


def chunks(content: bytes, size: int = 1000) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_listing_is_that_of_the_source_document(model: Path, tmp_path: Path) -> None:
    write_completion_marker(model)
    write_result_archive(model, tmp_path / "model.tar.gz")
    archive = ResultArchive(tmp_path / "model.tar.gz")
    assert archive.list() == LISTING
    assert {name: archive.get_path(name).read_bytes() for name in FILES} == FILES
    assert archive.is_complete


def test_a_container_gives_the_same_archive(model: Path, tmp_path: Path) -> None:
    write_completion_marker(model)
    for name in ("runs/0", "runs", "alpha.txt"):
        os.utime(model / name, (1_700_000_000, 1_700_000_000))
    write_result_archive(model, tmp_path / "folder.tar.gz")
    write_result_archive_from_tar(chunks(container_stream(model)), tmp_path / "model.tar.gz")
    written = [(tmp_path / name).read_bytes() for name in ("folder.tar.gz", "model.tar.gz")]
    assert gzip.decompress(written[0]) == gzip.decompress(written[1])
    assert names(tmp_path) == {"folder.tar.gz", "model.tar.gz", "model"}


def test_owners_and_rights_are_left_out(model: Path, tmp_path: Path) -> None:
    (model / "alpha.txt").chmod(0o4777)
    (model / "task.json").chmod(0o600)
    os.utime(model / "task.json", (1_700_000_000.75, 1_700_000_000.75))
    (model / "runs").chmod(0o700)
    write_result_archive(model, tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz", "r:gz") as archive:
        members = {info.name: info for info in archive}
    assert {(each.uid, each.gid, each.uname, each.gname) for each in members.values()} == {(0, 0, "", "")}
    modes = {name: members[name].mode for name in ("alpha.txt", "task.json", "runs")}
    assert modes == {"alpha.txt": 0o755, "task.json": 0o644, "runs": 0o755}
    assert members["task.json"].mtime == 1_700_000_000
    assert (tmp_path / "model.tar.gz").read_bytes()[:9] == b"\x1f\x8b\x08\x00\0\0\0\0\x04"  # no name, no time, level 1
    assert (tmp_path / "model.tar.gz").stat().st_mode & 0o777 == 0o644


def test_the_marker_lists_what_is_there(model: Path) -> None:
    (model / "link").symlink_to("task.json")
    before = datetime.now(timezone.utc)
    write_completion_marker(model)
    content = json.loads((model / "completed.json").read_bytes())
    moment = datetime.fromisoformat(content.pop("time"))
    assert moment.utcoffset() == timedelta(0)
    assert before <= moment <= datetime.now(timezone.utc)
    expected = {
        "state": "completed",
        "members": [
            {"name": "alpha.txt", "size": 6},
            {"name": "hyperparameters.json", "size": 5},
            {"name": "package.json", "size": 3},
            {"name": "package.tag.gz", "size": 4},
            {"name": "runs/0/info.pkl", "size": 2},
            {"name": "runs/0/result_df.parquet", "size": 3},
            {"name": "runs/0/training_task.pkl", "size": 1},
            {"name": "task.json", "size": 2},
        ],
    }
    assert content == expected
    write_completion_marker(model)  # it does not count itself
    assert json.loads((model / "completed.json").read_bytes())["members"] == expected["members"]
    assert names(model) == {*(name.partition("/")[0] for name in FILES), "link", "completed.json"}


def test_a_marker_is_there_whole_or_not_at_all(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match=r"the completion marker in .* cannot be written: No space left"):
        write_completion_marker(model)
    assert names(model) == {name.partition("/")[0] for name in FILES}


def test_a_failure_leaves_the_archive_that_was_there(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.tar.gz"
    target.write_bytes(b"before")
    stream = container_stream(model)
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match=rf"the archive '{target}' cannot be written: No space left on device"):
        write_result_archive(model, target)
    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        write_result_archive_from_tar([stream], target)
    with pytest.raises(ResultArchiveError, match="the tar stream of 'model' is truncated"):
        write_result_archive_from_tar([stream[:2000]], target)
    assert target.read_bytes() == b"before"
    assert names(tmp_path) == {"model.tar.gz", "model"}


def test_an_error_of_the_stream_comes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b""
        raise LookupError("the connection is gone")

    with pytest.raises(LookupError, match="the connection is gone"):
        write_result_archive_from_tar(broken(), tmp_path / "model.tar.gz")
    assert names(tmp_path) == set()


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ResultArchiveError, match=rf"cannot be written: No such file or directory \({tmp_path}/absent\)"
    ):
        write_result_archive(tmp_path / "absent", tmp_path / "model.tar.gz")
    with pytest.raises(ResultArchiveError, match=r"cannot be written: No such file or directory"):
        write_result_archive_from_tar([], tmp_path / "absent" / "model.tar.gz")
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "write", [write_completion_marker, lambda model: write_result_archive(model, model.parent / "t")]
)
def test_links_that_lead_out_are_refused(write: object, model: Path, tmp_path: Path) -> None:
    assert callable(write)
    (tmp_path / "model-secret").write_text("secret")
    for target in ("../../model-secret", str(tmp_path / "model-secret"), "../runs/../../model-secret", "../.."):
        (model / "runs" / "link").symlink_to(target)
        with pytest.raises(
            ResultArchiveError, match=r"'runs/link' in '.*' is a link to '.*', which is not in the folder"
        ):
            write(model)
        (model / "runs" / "link").unlink()
    for target in ("nothing", "link"):
        (model / "runs" / "link").symlink_to(target)
        with pytest.raises(ResultArchiveError, match=r"'runs/link' in '.*' is a link to nothing; remove it"):
            write(model)
        (model / "runs" / "link").unlink()
    assert names(tmp_path) == {"model", "model-secret"}


def test_links_within_stay_links(model: Path, tmp_path: Path) -> None:
    (model / "runs" / "latest").symlink_to("0")
    (model / "runs" / "0" / "absolute").symlink_to(model / "task.json")
    (model / "chained").symlink_to("runs/latest/../0/info.pkl")
    os.link(model / "alpha.txt", model / "beta.txt")
    write_completion_marker(model)
    write_result_archive(model, tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz", "r:gz") as archive:
        links = {info.name: info.linkname for info in archive if not info.isreg() and not info.isdir()}
    assert links == {"runs/latest": "0", "runs/0/absolute": "../../task.json", "chained": "runs/0/info.pkl"}
    archive_ = ResultArchive(tmp_path / "model.tar.gz")
    assert archive_.is_complete
    assert archive_.get_path("chained").read_bytes() == b"22"
    assert archive_.get_path("beta.txt").read_bytes() == b"666666"
    assert (archive_.get_path("runs") / "latest" / "absolute").read_bytes() == b"{}"


def test_only_files_and_folders_are_archived(model: Path, tmp_path: Path) -> None:
    os.mkfifo(model / "runs" / "fifo")
    with pytest.raises(ResultArchiveError, match=r"'runs/fifo' in '.*' is neither a file nor a folder; remove it"):
        write_result_archive(model, tmp_path / "model.tar.gz")
    (model / "runs" / "fifo").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(model / "socket"))
        with pytest.raises(ResultArchiveError, match=r"'socket' in '.*' is neither a file nor a folder"):
            write_completion_marker(model)


def test_a_folder_that_cannot_be_read_is_told(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "runs":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StorageError, match=rf"cannot be written: Permission denied \({model}/runs\)"):
        write_result_archive(model, tmp_path / "model.tar.gz")
    assert names(tmp_path) == {"model"}


def test_a_folder_stands_right_before_what_is_in_it(tmp_path: Path) -> None:
    files = {"runs/1": b"", "runs-2/x": b"", "runs.txt": b"", "completed.json": b"", "runs/completed.json": b""}
    write_result_archive(make_folder(tmp_path / "model", files), tmp_path / "model.tar.gz")
    assert ResultArchive(tmp_path / "model.tar.gz").list() == [
        "runs/",
        "runs/1",
        "runs/completed.json",
        "runs-2/",
        "runs-2/x",
        "runs.txt",
        "completed.json",
    ]


def test_an_empty_folder_is_an_archive(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    write_result_archive(tmp_path / "model", tmp_path / "model.tar.gz")
    assert ResultArchive(tmp_path / "model.tar.gz").list() == []


PART = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\0"), min_size=1, max_size=30).filter(
    lambda part: part not in (".", "..") and len(part.encode()) < 120
)
TREES = st.recursive(
    st.binary(max_size=2000), lambda children: st.dictionaries(PART, children, max_size=4), max_leaves=12
).filter(lambda tree: isinstance(tree, dict))


def write_tree(folder: Path, tree: dict[str, object]) -> Iterator[tuple[str, bytes | None]]:
    folder.mkdir()
    for name, content in tree.items():
        if isinstance(content, dict):
            yield name, None
            yield from ((f"{name}/{below}", each) for below, each in write_tree(folder / name, content))
        else:
            assert isinstance(content, bytes)
            (folder / name).write_bytes(content)
            yield name, content


@settings(max_examples=60)
@given(TREES, st.integers(1, 5000))
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, object], size: int) -> None:
    folder = tmp_path_factory.mktemp("tree")
    expected = dict(write_tree(folder / "model", tree))
    write_result_archive(folder / "model", folder / "model.tar.gz")
    write_result_archive_from_tar(chunks(container_stream(folder / "model"), size), folder / "container.tar.gz")
    for name in ("model.tar.gz", "container.tar.gz"):
        with ResultArchive(folder / name) as archive:
            listed = archive.list()
            assert len(listed) == len(expected)
            assert set(listed) == {name if content is not None else f"{name}/" for name, content in expected.items()}
            found = {}
            for each in listed:
                path = archive.get_path(each)
                found[each.removesuffix("/")] = None if path.is_dir() else path.read_bytes()
            assert found == expected


def test_a_stream_does_not_fill_the_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("model/large.bin")
    block = os.urandom(1 << 10) + bytes(63 << 10)
    info.size = 1024 * len(block)

    def stream() -> Iterator[bytes]:
        yield info.tobuf(tarfile.GNU_FORMAT)
        yield from (block for _ in range(1024))
        yield bytes(1024)

    tracemalloc.start()
    try:
        write_result_archive_from_tar(stream(), tmp_path / "model.tar.gz")
        with ResultArchive(tmp_path / "model.tar.gz") as archive:
            assert archive.get_path("large.bin").stat().st_size == 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_marker_of_a_stream_is_returned_where_there_is_one(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "a.txt").write_text("a")
    assert write_result_archive_from_tar(chunks(container_stream(model)), tmp_path / "first.tar.gz") is None
    (model / "completed.json").write_text('{"state": "completed"}')
    marker = write_result_archive_from_tar(chunks(container_stream(model)), tmp_path / "second.tar.gz")
    assert marker == b'{"state": "completed"}'
