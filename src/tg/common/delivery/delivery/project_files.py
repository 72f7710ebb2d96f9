"""Which files of a project go into its package."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import PackagingError

IGNORE_FILES = (".gitignore", ".tgignore")
DEFAULT_SIZE_LIMIT_BYTES = 10 * 1024 * 1024

# What never belongs to a training: tests, environments, caches, what builds and runs leave behind.
_SKIPPED = [
    ".*/",
    "__pycache__/",
    "*.egg-info/",
    "build/",
    "dist/",
    "env/",
    "venv/",
    "node_modules/",
    "site-packages/",
    "mlruns/",
    "mlartifacts/",
    "tests/",
    "test/",
    "test_*.py",
    "*_test.py",
    "conftest.py",
    "setup.py",
    "noxfile.py",
]

# What looks like a secret is not even taken when a data pattern names it.
_SECRETS = [
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
]


@dataclass(frozen=True)
class ProjectFiles:
    """The files of a project that go into a package.

    Attributes:
        modules: Python modules, as paths relative to the project, sorted.
        data: Other files, likewise.
    """

    modules: tuple[PurePosixPath, ...]
    data: tuple[PurePosixPath, ...]

    @property
    def top_level_names(self) -> set[str]:
        """The names under which the project's modules are imported from its folder."""
        return {path.parts[0].removesuffix(".py") for path in self.modules}


def collect_project_files(
    folder: Path, data_patterns: Sequence[str] = (), size_limit_bytes: int = DEFAULT_SIZE_LIMIT_BYTES
) -> ProjectFiles:
    """Finds a project's modules, and the data files that are asked for.

    What ``.gitignore`` or ``.tgignore`` name is left out, here and in the folders above up to the git repository's
    root; so are tests, environments and caches.

    Args:
        folder: The project's folder.
        data_patterns: In the notation of ``.gitignore``, such as ``vocabulary/*.txt``.
        size_limit_bytes: The largest size of one file.

    Raises:
        PackagingError: For a file that is too large or looks like a secret, and a pattern that matches nothing.
    """
    import pathspec  # only where packages are built

    skipped = pathspec.GitIgnoreSpec.from_lines([*_SKIPPED, *_SECRETS])
    secrets = pathspec.GitIgnoreSpec.from_lines(_SECRETS)
    ignores = _Ignores(folder)
    files = [path for path in _walk(folder, folder, skipped, ignores)]
    modules = [
        path for path in files if path.suffix == ".py" and all(part.isidentifier() for part in _module_parts(path))
    ]
    data: set[PurePosixPath] = set()
    for pattern in data_patterns:
        wanted = pathspec.GitIgnoreSpec.from_lines([pattern])
        # A data file may be ignored by git all the same; secrets are looked for among all files for that reason.
        found = [PurePosixPath(name) for name in sorted(wanted.match_tree_files(folder))]
        found = [path for path in found if not (path.suffix == ".py" or "__pycache__" in path.parts)]
        if not found:
            raise PackagingError(
                f"the data pattern {pattern!r} matches no file in {str(folder)!r}; correct or remove it"
            )
        if secret := next((path for path in found if secrets.match_file(str(path))), None):
            raise PackagingError(f"data file {str(secret)!r} looks like a secret; packages never hold one, remove it")
        data.update(found)
    for path in [*modules, *sorted(data)]:
        size = (folder / path).stat().st_size
        if size > size_limit_bytes:
            raise PackagingError(
                f"file {str(path)!r} has {size:,} bytes, more than the limit of {size_limit_bytes:,} for one file; "
                "make it part of the dataset, or name it in .tgignore"
            )
    return ProjectFiles(tuple(sorted(modules)), tuple(sorted(data)))


class _Ignores:
    """The ignore files that hold for a project, each for the folder it is in and below."""

    def __init__(self, project: Path) -> None:
        self._specs: dict[Path, object] = {}
        above = [project]
        while not (above[-1] / ".git").exists() and above[-1].parent != above[-1]:
            above.append(above[-1].parent)
        self._above = above[1:] if (above[-1] / ".git").exists() else []

    def ignores(self, path: Path, project: Path, is_folder: bool) -> bool:
        """Whether the last rule that says something of ``path`` leaves it out."""
        inside = [folder for folder in path.parents if folder == project or folder.is_relative_to(project)]
        ignored = False
        for folder in reversed([*inside, *self._above]):
            relative = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
            verdict = self._spec(folder).check_file(relative).include  # type: ignore[attr-defined]
            ignored = ignored if verdict is None else verdict
        return ignored

    def _spec(self, folder: Path) -> object:
        if folder not in self._specs:
            import pathspec

            lines = [
                line
                for name in IGNORE_FILES
                if (folder / name).is_file()
                for line in (folder / name).read_text(encoding="utf-8").splitlines()
            ]
            self._specs[folder] = pathspec.GitIgnoreSpec.from_lines(lines)
        return self._specs[folder]


def _walk(folder: Path, project: Path, skipped: object, ignores: _Ignores) -> Iterator[PurePosixPath]:
    for entry in sorted(folder.iterdir()):
        relative = entry.relative_to(project).as_posix()
        is_folder = entry.is_dir()
        if skipped.match_file(relative + ("/" if is_folder else "")):  # type: ignore[attr-defined]
            continue
        if ignores.ignores(entry, project, is_folder):
            continue
        if not is_folder:
            yield PurePosixPath(relative)
        elif not (entry.is_symlink() or (entry / "pyvenv.cfg").exists()):
            yield from _walk(entry, project, skipped, ignores)


def _module_parts(path: PurePosixPath) -> tuple[str, ...]:
    return (*path.parts[:-1], path.stem)
