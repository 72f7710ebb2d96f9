"""Our own modules as a package holds them."""

import os
import re
from collections.abc import Iterable, Iterator

from ....own_root import TG_FOLDER

# What builds, starts and follows jobs. A job needs none of it, and it is a third of our code.
_LAUNCHER_ROOMS = (
    "common/delivery/delivery/image/",
    *(
        f"common/delivery/sagemaker/{room}/"
        for room in (
            "aws",
            "container",
            "executor",
            "job_files",
            "machine",
            "naming",
            "notebook",
            "options",
            "remote",
            "tuning",
        )
    ),
)
# A module of a project may define its task beside what delivers it. Whatever names more than a job's rooms gets all,
# under whatever name it has imported tg.common.
_USES_LAUNCHER = re.compile(
    rb"\.delivery\b(?!\.(?:sagemaker\.(?:archive|command|contract|mlflow_store|runtime)"
    rb"|(?:delivery\.)?(?:code|package))\b)"
    rb"|common\s+import\b[^\n]*\bdelivery\b"
)


def read_shipped_tree(used_by: Iterable[bytes]) -> dict[str, bytes]:
    """Reads our own modules; their imports are relative, so they are renamed by being put elsewhere.

    Args:
        used_by: The modules and pickles of the package. If none of them names a part of ours that only launchers use,
            that part is left out.

    Returns:
        The content of each file by its path below ``tg``.
    """
    is_whole = any(b"delivery" in content and _USES_LAUNCHER.search(content) for content in used_by)
    return {
        name: content
        for name, content in _read_tree(str(TG_FOLDER), "")
        if is_whole or not name.startswith(_LAUNCHER_ROOMS)
    }


def _read_tree(folder: str, below: str) -> Iterator[tuple[str, bytes]]:
    """Yields the files of our tree by their paths in it, sorted."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name == "py.typed" or entry.name.endswith(".py"):
            with open(entry.path, "rb") as file:
                yield f"{below}{entry.name}", file.read()
        elif entry.name != "__pycache__" and entry.is_dir():
            yield from _read_tree(entry.path, f"{below}{entry.name}/")
