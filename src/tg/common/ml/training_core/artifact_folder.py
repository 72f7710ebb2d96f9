"""The files that a training logs as artifacts of its run."""

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import TaskDefinitionError
from ...system.replaced_file import replacing_file

# Where the folder has tables, and other files, each by the artifact's name.
TABLES, FILES = "tables", "files"

_LONGEST_BYTES = 200
# What MLflow, or a file system on which artifacts may be downloaded, does not take.
_REFUSED_CHARACTERS = frozenset('\\#%?:*"<>|')
# What a run has besides: files, and folders with all that is in them.
_TAKEN = re.compile(
    r"(?:environment\.json|logs|model|output|package|reproduction\.json|result|sweep|task\.json)(?=/|$)"
    r"|figures(?:/\d+(?=/|$)|$)|tables(?:/result_df\.json(?=/|$)|$)",
    re.IGNORECASE,
)


class ArtifactFolder:
    """Keeps the artifacts of a training, tables apart from others; several processes may write to it.

    Args:
        root: The folder, which is made when it is needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, name: str, content: bytes | Path, is_table: bool = False) -> Path:
        """Writes an artifact, or writes it anew; it appears with its whole content.

        Args:
            name: The artifact's name, which :func:`check_artifact_name` has accepted.
            content: Its content, or the file that has it.
            is_table: Whether it is a table.

        Returns:
            Its file.

        Raises:
            TaskDefinitionError: If another artifact is in the way.
            OSError: If it cannot be written.
        """
        kind = TABLES if is_table else FILES
        if (other := self._find_clash(name, kind)) is not None:
            raise TaskDefinitionError(
                f"the artifact {name!r} cannot be logged beside {other}, which has been logged; choose another name"
            )
        file = self._root / kind / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(file, self._root) as target:
            if isinstance(content, bytes):
                target.write(content)
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, target)
        return file

    def _find_clash(self, name: str, kind: str) -> str | None:
        for each in (TABLES, FILES):
            root = self._root / each
            for above in PurePosixPath(name).parents:
                if (root / above).is_file():
                    return f"the artifact {str(above)!r}"
            if (root / name).is_dir():
                return f"artifacts below {name!r}"
            if each != kind and (root / name).is_file():
                return f"the {'table' if each == TABLES else 'file'} of this name"
        return None


def check_artifact_name(name: Any) -> str:
    """Checks the name of an artifact: its path in the run, such as ``plots/roc.png``.

    Raises:
        TaskDefinitionError: If it is none, or one that the run needs itself.
    """
    if not isinstance(name, str):
        raise TaskDefinitionError(f"the artifact's name is {name!r}; give a text such as 'plots/roc.png'")
    if (reason := _find_fault(name)) is not None:
        raise TaskDefinitionError(f"the artifact's name is {name[:300]!r}, {reason}; give one such as 'plots/roc.png'")
    return name


def _find_fault(name: str) -> str | None:
    if not name:
        return "which is empty"
    if name.startswith("/"):
        return "which is absolute"
    for part in name.split("/"):
        if part == "..":
            return "which leads out of the run"
        if part in ("", ".") or part != part.strip():
            return "of which a part is no name, or begins or ends with a space"
    if found := sorted(_REFUSED_CHARACTERS.intersection(name)):
        return f"which contains {found[0]!r}"
    if not name.isprintable():
        return "which contains characters that cannot be shown"
    if len(name.encode()) > _LONGEST_BYTES:
        return f"which is longer than {_LONGEST_BYTES} bytes"
    taken = _TAKEN.match(name)
    return None if taken is None else f"but the run has its own {taken[0]!r}"
