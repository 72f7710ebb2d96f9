"""Writes result archives, from a folder or from a container."""

import gzip
import tarfile
from collections.abc import Iterable
from pathlib import Path

from ....system.replaced_file import replacing_file
from ....system.temporary_folder import temporary_folder
from .entries import collect_entries, translating_write_errors
from .names import COMPLETION, member_order
from .safe_extraction import OWN_LIMITS, extract_tar_stream

# Archives contain pickled numbers and parquet files, which hardly compress: on such data level 6 is up to twice as slow
# as level 1 for a few percent. Random bytes take the same time at every level.
_LEVEL = 1

_CONTAINER_FOLDER = "model"


def write_result_archive(model_folder: Path, target: Path) -> None:
    """Writes a folder as a result archive.

    The archive only appears complete; nothing is left of an incomplete one. Owners are not stored.

    Args:
        model_folder: What becomes the archive.
        target: The archive; one that is there is replaced.

    Raises:
        ResultArchiveError: If the folder contains a link that leads out of it or to nothing, or anything but files,
            folders and links, or if something cannot be read or written.
    """
    with translating_write_errors(f"the archive {str(target)!r}"):
        entries = sorted(collect_entries(model_folder), key=lambda entry: member_order(entry.name))
        with (
            replacing_file(target) as file,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as content,
            tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8") as archive,
        ):
            for entry in entries:
                entry.add_to(archive)


def write_result_archive_from_tar(chunks: Iterable[bytes], target: Path) -> bytes | None:
    """Writes Docker's tar stream of ``/opt/ml/model`` as a result archive.

    The stream is unpacked beside ``target`` first, as its order differs from an archive's.

    Args:
        chunks: The stream, as ``get_archive`` returns it; all members lie below ``model/``.
        target: The archive; one that is there is replaced.

    Returns:
        The content of its completion marker; ``None`` if it has none.

    Raises:
        ResultArchiveError: As :func:`write_result_archive` does, and if the stream is damaged or hostile.
    """
    what = f"the archive {str(target)!r}"
    with translating_write_errors(what), temporary_folder(f".{target.name}.", target.parent) as folder:
        model = folder / _CONTAINER_FOLDER
        extract_tar_stream(chunks, model, _CONTAINER_FOLDER, OWN_LIMITS)
        write_result_archive(model, target)
        marker = model / COMPLETION
        return marker.read_bytes() if marker.is_file() else None
