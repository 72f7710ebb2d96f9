"""What other hosts than the leader have made, on its way to the leader's archive."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from ....system.tar_extraction import extract_files
from ..contract.ml_folder import HOSTS, MlFolder

_CHUNK_BYTES = 1 << 20


def read_files(folder: MlFolder) -> Iterator[bytes]:
    """Yields a host's part of the archive, as pieces of a tar file; nothing if there is none."""
    made = folder.root / "model" / HOSTS
    if not made.is_dir():
        return
    with TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in sorted(made.rglob("*")):
                if path.is_dir() or path.is_file():
                    # What a link leads to travels, as in an archive.
                    _add(archive, path, path.relative_to(made))
        file.seek(0)
        while data := file.read(_CHUNK_BYTES):
            yield data


def _add(archive: tarfile.TarFile, path: Path, name: Path) -> None:
    member = archive.gettarinfo(str(path.resolve()), name.as_posix())
    if path.is_dir():
        archive.addfile(member)
    else:
        member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
        with path.open("rb") as content:
            archive.addfile(member, content)


def keep_files(file: IO[bytes], folder: MlFolder) -> None:
    """Puts what a host has sent into the leader's archive."""
    if file.seek(0, io.SEEK_END) == 0:
        return
    file.seek(0)
    target = folder.root / "model" / HOSTS
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        extract_files(archive, target)
