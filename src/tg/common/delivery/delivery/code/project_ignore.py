"""Decides which files of a project stay out of its package, and why."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import PackagingError

# Folders without a project's own files: what editors, tools, runs and installations leave behind.
_CACHES = (
    ".*/",
    "__pycache__/",
    "*.egg-info/",
    "node_modules/",
    "site-packages/",
    "mlruns/",
    "mlartifacts/",
)

# Where MLflow keeps runs, which each training changes.
_STORES = ("mlruns/", "mlartifacts/", "/mlflow.db", "/mlflow.db-*")
IS_STORE = "is where MLflow keeps runs"

# What the folder of an environment has.
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")

# Build output and tests, which are not part of a project's trainings.
_NO_TRAINING = (
    "/build/",
    "/dist/",
    "tests/",
    "test/",
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "/setup.py",
    "/noxfile.py",
    # Never imported from a project's folder; a package has its own.
    "/__init__.py",
    "/__main__.py",
)

# What looks like a secret is never taken, even if a data pattern names it.
_SECRETS = (
    "*.env",
    ".env*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ed25519*",
    ".netrc",
    ".pypirc",
    ".aws/",
    ".ssh/",
    "credentials*",
    "*credentials.json",
)


class ProjectIgnore:
    """The rules of one project: its ignore files, and what never belongs into a package.

    ``.gitignore`` works as in git, from the repository's root down. A ``.tgignore`` has the same syntax and the last
    word on all but secrets and caches: ``!test_data.py`` in it takes a module that is not a test.

    Args:
        folder: The project's folder, absolute.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._caches = _parse(_CACHES, "")
        self._stores = _parse(_STORES, "")
        self._no_training = _parse(_NO_TRAINING, "")
        self._secrets = _parse(_SECRETS, "")
        self._files: dict[Path, Any] = {}
        self._around: dict[tuple[str, str], list[tuple[Path, Any]]] = {}
        self._known_caches: dict[str, bool] = {}
        above = [folder, *folder.parents]
        root = next((index for index, each in enumerate(above) if (each / ".git").exists()), 0)
        self._above = above[1 : root + 1]
        if self._is_ignored_from_above():
            # A project may be trained in a folder that git ignores.
            self._above = []

    def is_cache(self, path: PurePosixPath) -> bool:
        """Returns whether a folder, relative to the project, holds none of its own files; links lead out of it."""
        name = str(path)
        if name not in self._known_caches:
            place = os.path.join(self._folder, name)
            self._known_caches[name] = (
                bool(self._caches.match_file(f"{name}/"))
                or os.path.islink(place)
                or any(os.path.exists(os.path.join(place, each)) for each in _ENVIRONMENTS)
            )
        return self._known_caches[name]

    def is_secret(self, path: PurePosixPath) -> bool:
        """Returns whether a file, relative to the project, looks like a secret."""
        return bool(self._secrets.match_file(str(path)))

    def why_left_out(self, path: PurePosixPath, is_folder: bool = False) -> str | None:
        """Returns why a file or folder, relative to the project, stays out, such as ``is named in .gitignore``.

        ``None`` if it does not. Its parent folders are not checked.
        """
        name = f"{path}/" if is_folder else str(path)
        if self._secrets.match_file(name):
            return "looks like a secret"
        if is_folder and self.is_cache(path):
            return "is a cache or an environment"
        told = self._ask(".tgignore", path, is_folder)
        if told is not None:
            return "is named in .tgignore" if told else None
        if self._no_training.match_file(name):
            return "is named like a test or a build"
        return self._ask_git(path, is_folder)

    def why_not_in_copy(self, path: PurePosixPath, is_folder: bool = False) -> str | None:
        """Returns why a file or folder is not copied for a command, which may need what no module needs: tests, too."""
        name = f"{path}/" if is_folder else str(path)
        if self._secrets.match_file(name):
            return "looks like a secret"
        told = self._ask(".tgignore", path, is_folder)
        if told is not None:
            return "is named in .tgignore" if told else None
        if self._stores.match_file(name):
            return IS_STORE
        return self._ask_git(path, is_folder)

    def _ask_git(self, path: PurePosixPath, is_folder: bool) -> str | None:
        return "is named in .gitignore" if self._ask(".gitignore", path, is_folder) else None

    def why_out_of_reach(self, path: PurePosixPath) -> str | None:
        """Returns why a file stays out, because of itself or a parent folder; ``None`` if it does not."""
        around = [PurePosixPath(*path.parts[:count]) for count in range(1, len(path.parts))]
        reasons = [*(self.why_left_out(folder, is_folder=True) for folder in around), self.why_left_out(path)]
        return next((reason for reason in reasons if reason is not None), None)

    def _is_ignored_from_above(self) -> bool:
        rules = self._read_all(".gitignore", reversed(self._above))
        return bool(_judge(rules, self._folder, is_folder=True))

    def _ask(self, name: str, path: PurePosixPath, is_folder: bool) -> bool | None:
        """Returns whether the last matching rule in the files called ``name`` excludes ``path``; ``None`` without
        one."""
        around = str(path).rpartition("/")[0]
        if (name, around) not in self._around:
            parent = self._folder / around
            inside = [each for each in (parent, *parent.parents) if each.is_relative_to(self._folder)]
            self._around[name, around] = self._read_all(name, reversed([*inside, *self._above]))
        rules = self._around[name, around]
        return _judge(rules, self._folder / path, is_folder) if rules else None

    def _read_all(self, name: str, folders: Iterable[Path]) -> list[tuple[Path, Any]]:
        """Reads the ignore files of a name in some folders.

        Returns:
            The rules of each that exists, with the folder to which they are relative, in the given order.
        """
        read = ((each, self._read(each / name)) for each in folders)
        return [(folder, rules) for folder, rules in read if rules is not None]

    def _read(self, file: Path) -> Any:
        if file not in self._files:
            text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
            self._files[file] = None if text is None else _parse(text.splitlines(), str(file))
        return self._files[file]


def _judge(around: Sequence[tuple[Path, Any]], path: Path, is_folder: bool) -> bool | None:
    """Returns what the last matching one of some rules says; ``None`` without one."""
    answer, name = None, path.as_posix() + ("/" if is_folder else "")
    for folder, rules in around:
        relative = name[len(folder.as_posix().rstrip("/")) + 1 :]
        verdict = rules.check_file(relative).include
        answer = answer if verdict is None else bool(verdict)
    return answer


def _parse(lines: "tuple[str, ...] | list[str]", file: str) -> Any:
    import pathspec  # only where packages are built

    try:
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except ValueError as error:
        raise PackagingError(f"{file} holds a pattern that git does not know: {error}; correct it") from error
