"""The digest of a file, or of all files in a folder."""

import hashlib
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def digest_files(path: Path) -> str:
    """Digests the names, sizes and contents of a file or of all files in a folder, wherever that lies.

    Returns:
        A SHA-256 digest, hexadecimal.

    Raises:
        OSError: If one cannot be read.
    """
    digest = hashlib.sha256()
    root = path if path.is_dir() else path.parent
    for file in sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]:
        digest.update(f"{file.relative_to(root).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
