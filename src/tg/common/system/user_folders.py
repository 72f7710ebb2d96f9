"""The folders of a user in which this library keeps what is to outlive a command."""

import os
from enum import Enum
from pathlib import Path

from ..errors import StorageError


class FolderKind(Enum):
    """What a folder is for; the values are the variable of the XDG specification, and the folder below the home."""

    STATE = ("XDG_STATE_HOME", ".local/state")
    CACHE = ("XDG_CACHE_HOME", ".cache")


def find_user_folder(kind: FolderKind, name: str, variable: str = "") -> Path:
    """Returns the folder that a variable names, by default ``tg-mlflow/<name>`` in the user's folder of a kind.

    As the XDG specification asks, a value of its own variable that is not absolute is ignored.

    Args:
        kind: What the folder is for.
        name: What is kept in it, such as ``jobs``.
        variable: A variable that names another folder, if there is one.

    Raises:
        StorageError: If the user has no home folder.
    """
    if override := os.environ.get(variable):
        return Path(override).expanduser().absolute()
    xdg_variable, below_home = kind.value
    above = Path(os.environ.get(xdg_variable, ""))
    if not above.is_absolute():
        try:
            above = Path.home().absolute() / below_home
        except RuntimeError as error:
            raise StorageError(
                f"{name} cannot be kept: there is no home folder; set {variable or 'HOME'} to a folder"
            ) from error
    return above / "tg-mlflow" / name
