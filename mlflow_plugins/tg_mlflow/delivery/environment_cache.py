"""The Python environments of jobs in child processes: each is made once, and used by all that need the same."""

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tg.common.logger import Logger
from tg.common.secrets import SecretMask
from tg.common.system.file_lock import locking_file
from tg.common.system.interrupts import uninterrupted
from tg.common.system.replaced_file import replacing_file
from tg.common.system.user_folders import FolderKind, find_user_folder
from tg.common.system.waits import waiting_for
from tg_mlflow.delivery.environment_installer import find_python, install_environment
from tg_mlflow.errors import ProjectError

VARIABLE = "TG_ENVIRONMENTS_PATH"
PYTHON = Path("bin", "python")
# What an environment holds, for people. It is written last: without it, an environment is not complete.
_CONTENT_NAME = "tg-environment.json"
_DIGITS = 16


@dataclass(frozen=True)
class EnvironmentRecipe:
    """What an environment holds.

    Attributes:
        source: The file that declares it, for messages.
        requirements: Its libraries, in pip's notation.
        python_version: Its Python, such as ``3.12``; ``None`` for this one.
        index_urls: Package indexes besides the usual ones.
    """

    source: str
    requirements: Sequence[str]
    python_version: str | None = None
    index_urls: Sequence[str] = ()


def environments_path() -> Path:
    """Returns the folder of all environments: ``TG_ENVIRONMENTS_PATH``, by default in the user's cache folder.

    Raises:
        StorageError: If the user has no home folder.
    """
    return find_user_folder(FolderKind.CACHE, "environments", VARIABLE)


def make_environment(recipe: EnvironmentRecipe) -> Path:
    """Makes an environment, unless it is there. Several launchers at once make it once.

    Its folder is its place for good, as programs in it have its path. One whose making was cut short is made again.

    Returns:
        Its Python.

    Raises:
        ProjectError: If a library cannot be installed; nothing is left of the environment then.
    """
    base = find_python(recipe.python_version)
    if base is None:
        Logger.warning(
            f"Python {recipe.python_version} of {recipe.source} is not to be had here; "
            f"Python {platform.python_version()} is used"
        )
        base = Path(sys.executable)
    folder = environments_path() / _digest(recipe, base)
    if _is_complete(folder):
        return folder / PYTHON
    holder = f"another launcher, which makes the environment of {recipe.source}"
    with _translating_errors(recipe.source), locking_file(folder.with_suffix(".lock"), holder) as lock:
        if not _is_complete(folder):
            _make(folder, recipe, base, lock)
    return folder / PYTHON


def _make(folder: Path, recipe: EnvironmentRecipe, base: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    count = len(recipe.requirements)
    libraries = "1 requirement" if count == 1 else f"{count:,} requirements"
    Logger.info(f"Making the environment of {recipe.source} with {libraries} in {folder}")
    try:
        with waiting_for(f"the environment of {recipe.source}"):
            install_environment(folder, base, recipe.requirements, recipe.index_urls, lock)
        mask = SecretMask()
        content = {
            "source": recipe.source,
            "python": str(base),
            "requirements": [mask.mask(each) for each in recipe.requirements],
        }
        with replacing_file(folder / _CONTENT_NAME) as file:
            file.write(json.dumps(content, indent=2).encode())
    except BaseException as error:
        with uninterrupted():
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ProjectError):
            raise ProjectError(
                f"the environment of {recipe.source} cannot be made: {error}; correct it, or set "
                '"env_manager": "local" to use the libraries that are installed here'
            ) from error.__cause__
        raise


def _is_complete(folder: Path) -> bool:
    """Whether an environment is there, and the Python that it is made of still is."""
    return (folder / _CONTENT_NAME).is_file() and (folder / PYTHON).exists()


def _digest(recipe: EnvironmentRecipe, base: Path) -> str:
    """Digests what an environment is made of; an archive on this machine by its content."""
    identity = {
        "python": [str(base.resolve()), platform.python_version() if base == Path(sys.executable) else ""],
        "machine": platform.machine(),
        "requirements": sorted({_identify(each) for each in recipe.requirements}),
        "indexes": [urlsplit(each).hostname for each in recipe.index_urls],
    }
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:_DIGITS]


def _identify(requirement: str) -> str:
    name, _, address = requirement.partition(" @ file://")
    path = Path(unquote(urlsplit(f"file://{address}").path))
    if not address or not path.is_file():
        return requirement
    return f"{name} @ {path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"


@contextmanager
def _translating_errors(source: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProjectError(
            f"the environment of {source} cannot be kept in {environments_path()}: {error.strerror}; make room there, "
            f"or set {VARIABLE} to another folder"
        ) from error
