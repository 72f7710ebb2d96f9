"""The names in a result archive, and their order."""

from pathlib import PurePosixPath

ARCHIVE_NAME = "model.tar.gz"

PACKAGE = "package.tag.gz"
TASK = "task.json"
PROPERTIES = "package.json"
HYPERPARAMETERS = "hyperparameters.json"
COMPLETION = "completed.json"
# What the training has left in /opt/ml/output/data.
OUTPUT_DATA = "tg_output/data"
# What it has logged through its environment: files, as an ArtifactFolder lays them out, and models, each in a folder of
# its name.
LOGGED = "tg_output/logged"
LOGGED_MODELS = f"{LOGGED}/models"
LOGGED_MODEL, LOGGED_EXAMPLE = "model.pkl", "example.parquet"

# The names of the package that readers may use and archives may contain.
_PACKAGE_NAMES = (PACKAGE, "package.tar.gz")

# The small files that describe an archive come first, so that a reader of a large archive has them at once.
_FIRST = (*_PACKAGE_NAMES, TASK, PROPERTIES, HYPERPARAMETERS)


def member_order(name: str) -> tuple[int, tuple[str, ...]]:
    """Returns the sort key of a member: a folder comes before its content, the completion marker last."""
    if name in _FIRST:
        return _FIRST.index(name), ()
    return len(_FIRST) + (name == COMPLETION), PurePosixPath(name).parts


def other_names(name: str) -> tuple[str, ...]:
    """Returns the other names of a member."""
    return tuple(other for other in _PACKAGE_NAMES if other != name) if name in _PACKAGE_NAMES else ()
