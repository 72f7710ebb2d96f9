"""Extracts checked members of tar files, as tarfile's data filter does.

Python has the filter since 3.10.12, 3.11.4 and 3.12; Debian 12, for one, has an older 3.11. There, this does what the
filter does to harmless members: a file gets no other owner and no special permission.
"""

import os
import tarfile
from pathlib import Path, PurePosixPath


def extract_member(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Extracts one member. The caller has checked that neither its name nor a link leads out of the folder."""
    if hasattr(tarfile, "data_filter"):
        archive.extract(member, folder, filter="data")
        return
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode = 0o755 if member.isdir() else (member.mode & 0o755) | 0o600
    archive.extract(member, folder)


def extract_files(archive: tarfile.TarFile, folder: Path) -> None:
    """Extracts an archive of files and folders.

    Raises:
        tarfile.TarError: If it contains anything else, or a name that leads out of the folder.
    """
    for member in archive:
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
            raise tarfile.ReadError(f"{member.name!r} is not a file or folder below the one it is extracted into")
        extract_member(archive, member, folder)
