"""Our own modules as a package holds them."""

import re
from collections.abc import Iterable

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
    is_whole = any(_USES_LAUNCHER.search(content) for content in used_by)
    files = {path.relative_to(TG_FOLDER).as_posix(): path for path in sorted(TG_FOLDER.rglob("*"))}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if (path.suffix == ".py" or path.name == "py.typed") and (is_whole or not name.startswith(_LAUNCHER_ROOMS))
    }
