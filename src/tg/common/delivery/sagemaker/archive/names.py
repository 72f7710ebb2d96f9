"""The names in a result archive, and their order."""

from pathlib import PurePosixPath

ARCHIVE_NAME = "model.tar.gz"

PACKAGE = "package.tag.gz"
TASK = "task.json"
PROPERTIES = "package.json"
HYPERPARAMETERS = "hyperparameters.json"
COMPLETION = "completed.json"

# How else readers may call the package, or an archive may have it.
_PACKAGE_NAMES = (PACKAGE, "package.tar.gz")

# The small files that tell what an archive is come first, so that a reader of a large archive has them at once.
_FIRST = (*_PACKAGE_NAMES, TASK, PROPERTIES, HYPERPARAMETERS)


def member_order(name: str) -> tuple[int, tuple[str, ...]]:
    """The key by which members are sorted: a folder stands before what is in it, the completion marker at the end."""
    if name in _FIRST:
        return _FIRST.index(name), ()
    return len(_FIRST) + (name == COMPLETION), PurePosixPath(name).parts


def other_names(name: str) -> tuple[str, ...]:
    """What else a member may be called."""
    return tuple(other for other in _PACKAGE_NAMES if other != name) if name in _PACKAGE_NAMES else ()
