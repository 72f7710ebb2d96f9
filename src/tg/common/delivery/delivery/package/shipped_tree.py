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
# What builds packages, but for what images are told.
_BUILDER_ROOM = "common/delivery/delivery/code/"
_OF_EACH_PACKAGE = (f"{_BUILDER_ROOM}__init__.py", f"{_BUILDER_ROOM}local_versions.py")
# A module of a project may define its task beside what delivers it. Whatever names more than a job's rooms gets all,
# under whatever name it has imported tg.common.
_USES_LAUNCHER = re.compile(
    rb"\.delivery\b(?!\.(?:sagemaker\.(?:archive|command|contract|mlflow_store|runtime)"
    rb"|(?:delivery\.)?(?:code|package))\b)"
    rb"|common\s+import\b[^\n]*\bdelivery\b"
)
_USES_BUILDER = re.compile(rb"\.delivery\.(?:delivery\.)?(?:code|package)\b")


def read_shipped_tree(used_by: Iterable[bytes]) -> dict[str, bytes]:
    """Reads our own modules; their imports are relative, so they are renamed by being put elsewhere.

    Args:
        used_by: The modules and pickles of the package. What none of them names is left out if only launchers use it,
            or only who builds packages.

    Returns:
        The content of each file by its path below ``tg``.
    """
    named = [content for content in used_by if b"delivery" in content]
    is_whole = any(_USES_LAUNCHER.search(content) for content in named)
    builds = is_whole or any(_USES_BUILDER.search(content) for content in named)
    left_out = (*(() if is_whole else _LAUNCHER_ROOMS), *(() if builds else (_BUILDER_ROOM,)))
    return {
        name: content
        for name, content in _read_tree(str(TG_FOLDER), "")
        if name in _OF_EACH_PACKAGE or not name.startswith(left_out)
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
