"""Reads and writes Python files in the encoding that they declare."""

import codecs
import io
import tokenize
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ....errors import PackagingError


def read_python_source(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> tuple[str, str]:
    """Reads a module's text and the name of its encoding.

    Args:
        path: The module's file.
        read: Reads a file.

    Raises:
        PackagingError: If it is not in the encoding that it declares, or cannot be read.
    """
    try:
        content = read(path)
    except OSError as error:
        raise PackagingError(f"{path} cannot be read: {error.strerror}; correct it, or name it in .tgignore") from error
    if not content.startswith(codecs.BOM_UTF8) and not any(b"coding" in line for line in content.split(b"\n", 2)[:2]):
        with suppress(UnicodeDecodeError):
            return content.decode(), "utf-8"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding), encoding
    except (SyntaxError, UnicodeDecodeError) as error:
        raise PackagingError(f"{path} is not in the encoding that it declares: {error}; save it as UTF-8") from error
