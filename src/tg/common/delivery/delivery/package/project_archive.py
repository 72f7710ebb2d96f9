"""A project's files as one file of its package: names, links and modes stay as they are."""

import io
import os
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ....errors import PackagingError

# The archive's name among the resources of a package.
PROJECT_RESOURCE = "project.tar"

# Zip files, which a command may make of them, have no times before 1980.
_MODIFIED = 315_532_800
_EXECUTABLE = stat.S_IXUSR


def build_project_archive(folder: Path, files: Mapping[PurePosixPath, Path]) -> bytes:
    """Packs files into a tar archive; the same files give the same bytes.

    Args:
        folder: The project's folder.
        files: The files and links by their paths in the archive. A link that leads out of the project, or to what is
            not in the archive, becomes what it leads to.

    Raises:
        PackagingError: If one cannot be read, or has a name that is not UTF-8.
    """
    folder = folder.resolve()
    kept = {path.as_posix() for path in files}
    around = {parent.as_posix() for path in files for parent in path.parents}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, file in sorted(files.items()):
            member = tarfile.TarInfo(path.as_posix())
            member.mtime, member.mode = _MODIFIED, 0o644
            try:
                member.name.encode()
                if file.is_symlink() and _find_inside(folder, file) in kept | around:
                    member.type, member.linkname = tarfile.SYMTYPE, os.path.relpath(file.resolve(), file.parent)
                    archive.addfile(member)
                    continue
                with file.open("rb") as content:
                    status = os.fstat(content.fileno())
                    member.size = status.st_size
                    member.mode = 0o755 if status.st_mode & _EXECUTABLE else 0o644
                    archive.addfile(member, content)
            except UnicodeEncodeError as error:
                raise PackagingError(
                    f"file {path.as_posix()!r} of the project has a name that is not UTF-8; rename it, or name its "
                    "folder in .tgignore"
                ) from error
            except OSError as error:
                raise PackagingError(
                    f"file {path.as_posix()!r} of the project cannot be read ({error.strerror}); correct it, or name "
                    "it in .tgignore"
                ) from error
    return buffer.getvalue()


def _find_inside(folder: Path, link: Path) -> str | None:
    target = link.resolve()
    return target.relative_to(folder).as_posix() if target.is_relative_to(folder) else None
