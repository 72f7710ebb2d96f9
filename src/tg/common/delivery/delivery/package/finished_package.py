"""Reads a package that was made earlier, such as that of a run; nothing in it is imported."""

import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

from ....errors import PackagingError
from .package import Package

_PROPERTIES = re.compile(r"[^/]+/[^/]+/properties\.json")


def read_finished_package(path: Path) -> Package:
    """Describes the package in a file.

    Raises:
        PackagingError: If it cannot be read, or is not a package.
    """
    try:
        content = path.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = next(each for each in archive if each.isfile() and _PROPERTIES.fullmatch(each.name))
            properties = json.load(archive.extractfile(member))  # type: ignore[arg-type]
        return Package(
            path=path,
            name=properties["name"],
            version=properties["version"],
            module_name=properties["module_name"],
            sha256=hashlib.sha256(content).hexdigest(),
            modules=tuple(properties["modules"]),
            requirements=tuple(properties["requirements"]),
            properties=properties,
        )
    except (OSError, EOFError, StopIteration, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "it is damaged, or no package"
        raise PackagingError(f"{str(path)!r} cannot be read as a package: {reason}") from error
