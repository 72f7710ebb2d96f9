"""Archives that would do harm, or that something has happened to, are refused, and nothing is left of them."""

import gzip
import io
import os
import stat
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common import ResultArchiveError
from tg.common.delivery.sagemaker.archive.result_archive import ArchiveLimits, ResultArchive
from tg.common.delivery.sagemaker.archive.safe_extraction import extract_archive, extract_tar_stream, scan_archive
from tg.common.delivery.sagemaker.archive.writer import write_result_archive_from_tar
from tg.common.errors import StorageError


def member(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", link: str = "", mode: int = 0o644) -> bytes:
    """One member as it stands in a tar, with whatever name."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, link, mode, len(content)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.GNU_FORMAT) + content + padding


def tar(*members: bytes) -> bytes:
    return b"".join(members) + bytes(1024)


def symlink(name: str, target: str) -> bytes:
    return member(name, tarfile.SYMTYPE, link=target)


def hardlink(name: str, target: str) -> bytes:
    return member(name, tarfile.LNKTYPE, link=target)


SAFE = member("a.txt", content=b"first")

# What follows "is refused: ", for each archive that is.
HOSTILE: dict[str, tuple[bytes, str]] = {
    "escape": (tar(SAFE, member("../evil", content=b"x")), "member '../evil' has the path '../evil', which leads out"),
    "escape below": (tar(member("a/../../evil")), "member 'a/../../evil' has the path 'a/../../evil', which leads out"),
    "escape that comes back": (tar(member("a/../b")), "member 'a/../b' has the path 'a/../b', which leads out"),
    "absolute": (tar(SAFE, member("/tmp/evil")), "member '/tmp/evil' has the absolute path '/tmp/evil'"),
    "absolute folder": (tar(member("//evil", tarfile.DIRTYPE)), "member '//evil' has the absolute path '//evil'"),
    "symlink out": (tar(SAFE, symlink("s", "../evil")), "member 's' is a link to '../evil', which leads out"),
    "symlink out below": (tar(symlink("a/s", "../../x")), "member 'a/s' is a link to '../../x', which leads out"),
    "absolute symlink": (tar(symlink("s", "/etc/passwd")), "member 's' is a link to '/etc/passwd', which leads out"),
    "symlink to nothing": (tar(symlink("s", "")), "member 's' is a link to '', which leads out"),
    "symlink out through another": (
        tar(member("d", tarfile.DIRTYPE), symlink("here", "."), symlink("s", "here/../evil")),
        "member 's' is a link to 'here/../evil', which leads out",
    ),
    "file below a symlink": (
        tar(symlink("s", "d"), member("s/f")),
        "member 's/f' lies below 's', which is a link",
    ),
    "file below a file": (tar(SAFE, member("a.txt/f")), "member 'a.txt/f' lies below 'a.txt', which is a file"),
    "hard link out": (tar(hardlink("h", "../evil")), "member 'h' has the path '../evil', which leads out"),
    "absolute hard link": (tar(hardlink("h", "/etc/passwd")), "member 'h' has the absolute path '/etc/passwd'"),
    "hard link to what is not there": (
        tar(hardlink("h", "a.txt"), SAFE),
        "member 'h' is a hard link to 'a.txt', which is not a file before it",
    ),
    "hard link to a link": (
        tar(SAFE, symlink("s", "a.txt"), hardlink("h", "s")),
        "member 'h' is a hard link to 's', which is not a file before it",
    ),
    "fifo": (
        tar(SAFE, member("p", tarfile.FIFOTYPE)),
        "member 'p' is a fifo; only files, folders and links within are taken",
    ),
    "character device": (
        tar(member("null", tarfile.CHRTYPE)),
        "member 'null' is a device; only files, folders and links within are taken",
    ),
    "block device": (
        tar(member("sda", tarfile.BLKTYPE)),
        "member 'sda' is a device; only files, folders and links within are taken",
    ),
    "unknown type": (
        tar(member("u", b"Z")),
        "member 'u' is of the unknown type b'Z'; only files, folders and links within are taken",
    ),
    "sparse file": (
        tar(member("s", tarfile.GNUTYPE_SPARSE)),
        "member 's' is a sparse file; only files, folders and links within are taken",
    ),
    "file, then folder": (
        tar(SAFE, member("a.txt", tarfile.DIRTYPE)),
        "member 'a.txt' is there twice, as a file and as a folder",
    ),
    "file, then link": (tar(SAFE, symlink("a.txt", "b")), "member 'a.txt' is there twice, as a file and as a link"),
    "folder, then link": (
        tar(member("d/f"), symlink("d", "e")),
        "member 'd' is there twice, as a folder and as a link",
    ),
    "file twice": (tar(SAFE, member("./a.txt")), "member 'a.txt' is there twice, as a file and as a file"),
    "link twice": (tar(symlink("s", "a"), symlink("s", "b")), "member 's' is there twice, as a link and as a link"),
    "a link for the root": (tar(symlink("./", "a")), "member './' is a link in place of the root folder"),
    "long name": (tar(member("n" * 5000)), f"member '{'n' * 100}…' has a name that no file can have"),
    "large header": (tar(member("n" * 2_000_000)), "a header in it has 2,000,384 bytes"),
}  # fmt: skip


# From 3.12 on, every Python has it.
PYTHONS = ["data filter"] if sys.version_info >= (3, 12) else ["data filter", "no data filter"]


@pytest.fixture(autouse=True, params=PYTHONS)
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds on a Python whose tarfile has no data filter, such as Debian 12's, too."""
    if request.param == "no data filter":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder in which an archive and its target are; nothing else in it changes."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "witness").write_text("untouched")
    yield folder
    assert (folder / "witness").read_text() == "untouched"
    assert {path.name for path in folder.iterdir()} <= {"sub", "witness", "model.tar.gz"}
    assert {path.name for path in (folder / "sub").iterdir()} <= {"target"}


def write(folder: Path, content: bytes) -> Path:
    path = folder / "model.tar.gz"
    path.write_bytes(gzip.compress(content, 1))
    return path


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_archive_is_refused(content: bytes, reason: str, outside: Path) -> None:
    path = write(outside, content)
    message = f"the archive {str(path)!r} is refused: {reason}"
    actions: list[Callable[[], object]] = [
        lambda: scan_archive(path),
        lambda: extract_archive(path, outside / "sub" / "target"),
        lambda: ResultArchive(path),
    ]
    for action in actions:
        with pytest.raises(ResultArchiveError) as caught:
            action()
        assert str(caught.value) == message
    assert list((outside / "sub").iterdir()) == []


# In a stream from a container everything is below a folder.
IN_A_FOLDER: dict[str, tuple[bytes, str]] = {
    "beside": (tar(member("model/f"), member("other/evil")), "member 'other/evil' is not below 'model'"),
    "escape": (tar(member("model/../evil")), "member 'model/../evil' has the path 'model/../evil', which leads out"),
    "a name that only begins alike": (tar(member("models/evil")), "member 'models/evil' is not below 'model'"),
    "symlink out": (tar(symlink("model/s", "../evil")), "member 'model/s' is a link to '../evil', which leads out"),
    "hard link out": (tar(hardlink("model/h", "etc/passwd")), "member 'model/h' is not below 'model'"),
    "the folder is a link": (tar(symlink("model", "evil")), "member 'model' is a link in place of the root folder"),
    "device": (
        tar(member("model/d", tarfile.BLKTYPE)),
        "member 'model/d' is a device; only files, folders and links within are taken",
    ),
}


@pytest.mark.parametrize(("content", "reason"), IN_A_FOLDER.values(), ids=list(IN_A_FOLDER))
def test_a_hostile_container_is_refused(content: bytes, reason: str, outside: Path) -> None:
    if "is a link to" in reason:
        reason = reason.replace("'model/s'", "'s'")  # the name without the container's folder
    with pytest.raises(ResultArchiveError) as caught:
        extract_tar_stream([content], outside / "sub" / "target", "model")
    assert str(caught.value) == f"the tar stream of 'model' is refused: {reason}"
    with pytest.raises(ResultArchiveError, match="is refused"):
        write_result_archive_from_tar([content], outside / "sub" / "model.tar.gz")
    assert list((outside / "sub").iterdir()) == []


def test_links_within_are_taken(outside: Path) -> None:
    path = write(
        outside,
        tar(
            member("runs/0/model.pkl", content=b"model"),
            symlink("runs/latest", "0"),
            symlink("runs/0/up", "../../runs/0/model.pkl"),
            symlink("last.pkl", "runs/latest/model.pkl"),
            hardlink("same.pkl", "runs/0/model.pkl"),
        ),
    )
    target = outside / "sub" / "target"
    extract_archive(path, target)
    for name in ("runs/0/model.pkl", "runs/latest/model.pkl", "runs/0/up", "last.pkl", "same.pkl"):
        assert (target / name).read_bytes() == b"model"
    assert os.readlink(target / "runs/latest") == "0"
    with ResultArchive(path) as archive:
        for name in ("runs/latest", "same.pkl", "last.pkl"):
            found = archive.get_path(name)
            assert (found / "model.pkl" if name == "runs/latest" else found).read_bytes() == b"model"


def test_names_are_taken_as_tar_writes_them_with_a_dot(outside: Path) -> None:
    path = write(outside, tar(member("./", tarfile.DIRTYPE), member("./runs/", tarfile.DIRTYPE), member("./runs//i")))
    assert ResultArchive(path).list() == ["runs/", "runs/i"]


def test_a_folder_may_be_named_twice(outside: Path) -> None:
    path = write(outside, tar(member("d/f"), member("d", tarfile.DIRTYPE), member("d", tarfile.DIRTYPE)))
    assert [each.name for each in scan_archive(path)] == ["d/f", "d", "d"]
    assert ResultArchive(path).list() == ["d/f", "d/"]


def test_dangerous_rights_are_not_extracted(outside: Path) -> None:
    path = write(outside, tar(member("f", mode=0o6777), member("d", tarfile.DIRTYPE, mode=0), member("d/g", mode=0)))
    extract_archive(path, outside / "sub" / "target")
    assert stat.S_IMODE((outside / "sub" / "target" / "f").stat().st_mode) == 0o755
    assert (outside / "sub" / "target" / "d" / "g").stat().st_mode & 0o600 == 0o600
    assert (outside / "sub" / "target" / "f").stat().st_uid == os.getuid()


def test_a_bomb_is_refused_by_what_it_becomes(outside: Path) -> None:
    path = write(outside, tar(member("zeros", content=bytes(1_000_000))))
    compressed = path.stat().st_size
    assert 200 * compressed < 1_000_000 < 1000 * compressed
    with pytest.raises(ResultArchiveError, match=rf"it has more than {200 * compressed:,} bytes uncompressed"):
        ResultArchive(path, ArchiveLimits(size_bytes=100_000))
    with pytest.raises(ResultArchiveError, match="it has more than 999,999 bytes uncompressed"):
        extract_archive(path, outside / "sub" / "target", limits=ArchiveLimits(size_bytes=999_999))
    assert list((outside / "sub").iterdir()) == []
    # Each of the two limits is enough to allow it.
    assert ResultArchive(path, ArchiveLimits(size_bytes=1_010_000)).list() == ["zeros"]
    assert ResultArchive(path, ArchiveLimits(size_bytes=0, ratio=1000)).list() == ["zeros"]


def test_a_bomb_is_refused_before_it_is_unpacked(outside: Path) -> None:
    huge = tarfile.TarInfo("huge")
    huge.size = 1 << 40
    path = write(outside, huge.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(ResultArchiveError, match="it has more than 1,073,741,824 bytes uncompressed"):
        ResultArchive(path)


def test_what_follows_the_end_counts_too(outside: Path) -> None:
    path = write(outside, tar(SAFE) + bytes(1_000_000))
    with pytest.raises(ResultArchiveError, match="it has more than 500,000 bytes uncompressed"):
        ResultArchive(path, ArchiveLimits(size_bytes=500_000, ratio=1))


def test_too_many_members_are_refused(outside: Path) -> None:
    path = write(outside, tar(member("a/b"), member("c")))
    assert len(scan_archive(path, ArchiveLimits(members=3))) == 2
    with pytest.raises(ResultArchiveError, match="it has more than 2 members; if you trust them, open it with"):
        scan_archive(path, ArchiveLimits(members=2))
    assert ArchiveLimits() == ArchiveLimits(size_bytes=1 << 30, ratio=200, members=100_000)


def test_a_negative_size_is_refused(outside: Path) -> None:
    header = bytearray(member("n"))
    header[124:136] = (-512).to_bytes(12, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    path = write(outside, tar(SAFE, bytes(header)))
    with pytest.raises(ResultArchiveError):
        ResultArchive(path)


def test_a_limit_is_the_last_size_that_is_allowed(outside: Path) -> None:
    path = write(outside, tar(SAFE))
    assert len(tar(SAFE)) == 2048
    assert len(scan_archive(path, ArchiveLimits(size_bytes=2048, ratio=1))) == 1
    with pytest.raises(ResultArchiveError, match="it has more than 2,047 bytes uncompressed"):
        scan_archive(path, ArchiveLimits(size_bytes=2047, ratio=1))


def test_damage_is_told_wherever_it_is_noticed(outside: Path) -> None:
    late = tarfile.TarInfo("late")
    late.mtime = 1 << 80
    map_header = b"29 GNU.sparse.map=one,second\n"
    assert len(map_header) == 29
    random = Random(0)
    data = bytearray(gzip.compress(tar(member("data", content=random.randbytes(100_000).hex().encode())), 1))
    data[50_000:] = random.randbytes(50_000)
    for content, reason in (
        (gzip.compress(late.tobuf(tarfile.GNU_FORMAT) + bytes(1024)), r"timestamp out of range"),
        (gzip.compress(tar(member("pax", tarfile.XHDTYPE, map_header), SAFE)), r"invalid literal for int"),
        (bytes(data), r"Error -3 while decompressing"),
    ):
        (outside / "model.tar.gz").write_bytes(content)
        with pytest.raises(
            ResultArchiveError, match=rf"is damaged, or no such archive \(.*{reason}.*\); fetch it again"
        ):
            extract_archive(outside / "model.tar.gz", outside / "sub" / "target")
        assert list((outside / "sub").iterdir()) == []


def test_an_endless_chain_of_headers_is_refused(outside: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2
    path = write(outside, (header.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")) * 5000 + tar(SAFE))
    with pytest.raises(ResultArchiveError, match=r"is damaged, or no such archive"):
        ResultArchive(path)


def test_what_is_no_archive_is_refused_with_its_path(outside: Path) -> None:
    path = outside / "model.tar.gz"
    with pytest.raises(ResultArchiveError) as caught:
        ResultArchive(path)
    assert str(caught.value) == f"the archive {str(path)!r} cannot be read or extracted: No such file or directory"
    for content, reason in {
        b"": "is damaged, or no such archive (empty file)",
        b"PK\3\4": "is damaged, or no such archive (Not a gzipped file (b'PK'))",
        gzip.compress(b""): "is damaged, or no such archive (empty file)",
        gzip.compress(b"text"): "is damaged, or no such archive (truncated header)",
        gzip.compress(b"text" * 1000): "is damaged, or no such archive (invalid header)",
        tar(SAFE): "is damaged, or no such archive (Not a gzipped file (b'a.'))",
    }.items():
        path.write_bytes(content)
        with pytest.raises(ResultArchiveError) as caught:
            ResultArchive(path)
        assert str(caught.value) == f"the archive {str(path)!r} {reason}; fetch it again"
    path.unlink()
    with pytest.raises(ResultArchiveError, match="cannot be read or extracted: Is a directory"):
        ResultArchive(outside)


CONTENT = tar(member("runs", tarfile.DIRTYPE), member("runs/a", content=b"1" * 700), member("b" * 200, content=b"2"))


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 100, -9, -8, -4, -1])
def test_a_truncated_file_is_refused(length: int, outside: Path) -> None:
    path = write(outside, CONTENT)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    with pytest.raises(ResultArchiveError, match=r"truncated|damaged"):
        ResultArchive(path)


@pytest.mark.parametrize("length", range(0, len(CONTENT) - 1024 + 1, 256))
def test_a_truncated_tar_is_refused_even_where_a_member_ends(length: int, outside: Path) -> None:
    path = write(outside, CONTENT[:length])
    with pytest.raises(ResultArchiveError, match=r"truncated|damaged"):
        extract_archive(path, outside / "sub" / "target")
    assert list((outside / "sub").iterdir()) == []
    with pytest.raises(ResultArchiveError, match=r"truncated|damaged"):
        extract_tar_stream([tar(member("model/f", content=b"x" * 600))[: min(length, 1536)]], outside / "t", "model")


def test_a_damaged_header_is_not_taken_for_the_end(outside: Path) -> None:
    content = bytearray(CONTENT)
    content[512 + 10] ^= 1
    with pytest.raises(ResultArchiveError, match="is truncated or damaged; fetch it again"):
        ResultArchive(write(outside, bytes(content)))


def test_a_wrong_checksum_is_noticed(outside: Path) -> None:
    path = write(outside, CONTENT)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1
    path.write_bytes(content)
    with pytest.raises(ResultArchiveError, match="CRC check failed"):
        ResultArchive(path)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1, max_size=8), st.booleans()
)
def test_no_damage_gives_another_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], in_gzip: bool
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(gzip.compress(CONTENT, 1) if in_gzip else CONTENT)
    for position, value in changes:
        content[position % len(content)] = value
    path = folder / "model.tar.gz"
    path.write_bytes(content if in_gzip else gzip.compress(content, 1))
    try:
        extract_archive(path, folder / "target")
    except ResultArchiveError:
        left = {"model.tar.gz"}
    else:
        left = {"model.tar.gz", "target"}
    assert {each.name for each in folder.iterdir()} == left


def test_a_failed_extraction_leaves_nothing(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(outside, tar(SAFE, member("b", content=b"second")))
    extracted = []

    def extract(self: tarfile.TarFile, info: tarfile.TarInfo, *arguments: object, **options: object) -> None:
        (outside / "sub" / "target" / info.name).write_text("partly")
        extracted.append(info.name)
        if len(extracted) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extract", extract)
    with pytest.raises(StorageError, match="cannot be read or extracted: No space left on device"):
        extract_archive(path, outside / "sub" / "target")
    assert extracted == ["a.txt", "b"]
    assert list((outside / "sub").iterdir()) == []


def test_an_existing_folder_is_not_extracted_into(outside: Path) -> None:
    path = write(outside, tar(SAFE))
    (outside / "sub" / "target").mkdir()
    (outside / "sub" / "target" / "mine").touch()
    with pytest.raises(ResultArchiveError, match="File exists"):
        extract_archive(path, outside / "sub" / "target")
    assert [each.name for each in (outside / "sub" / "target").iterdir()] == ["mine"]


def test_a_stream_is_read_whatever_its_chunks(outside: Path) -> None:
    content = tar(
        member("model/", tarfile.DIRTYPE), member("model/f", content=b"x" * 1500), hardlink("model/g", "model/f")
    )
    for size in (1, 511, 512, 10_000):
        target = outside / "sub" / "target"
        extract_tar_stream([b"", *(content[i : i + size] for i in range(0, len(content), size)), b""], target, "model")
        assert {path.name: path.read_bytes() for path in target.iterdir()} == {"f": b"x" * 1500, "g": b"x" * 1500}
        for path in target.iterdir():
            path.unlink()
        target.rmdir()


def test_the_helper_writes_what_tarfile_reads() -> None:
    with tarfile.open(fileobj=io.BytesIO(CONTENT)) as archive:
        assert archive.getnames() == ["runs", "runs/a", "b" * 200]
