"""A named list of requirements of a package or an image."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....errors import PackagingError
from ..code.installed_distributions import pin_distributions


@dataclass(frozen=True)
class DependencyList:
    """Requirements that belong together, in pip's notation.

    Attributes:
        name: What they are for, such as ``training``.
        dependencies: One requirement each, such as ``pandas==3.1.1``; any list of strings.

    Raises:
        TypeError: If ``dependencies`` is not a list of strings.
        PackagingError: If one of them is not a requirement.
    """

    name: str
    dependencies: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.dependencies, str):
            raise TypeError(f"dependencies is the text {self.dependencies!r}; give a list of requirements")
        for each in self.dependencies:
            if not isinstance(each, str):
                raise TypeError(f"dependency {each!r} is a {type(each).__name__}; give a text such as 'pandas==3.1.1'")
            if not each.strip() or "\n" in each or each.lstrip().startswith("-"):
                raise PackagingError(
                    f"dependency {each!r} of {self.name!r} is not a requirement; "
                    "give one library, such as 'pandas==3.1.1'"
                )
        object.__setattr__(self, "dependencies", tuple(each.strip() for each in self.dependencies))

    @staticmethod
    def from_requirements(name: str, path: Path) -> "DependencyList":
        """Reads a requirements file, and those that it includes with ``-r``.

        Raises:
            PackagingError: If a file cannot be read, or contains pip's options, which belong to the image's build.
        """
        return DependencyList(name, tuple(dict.fromkeys(_read_requirements(Path(path), around=()))))

    @staticmethod
    def from_installed(name: str, distributions: Iterable[str]) -> "DependencyList":
        """Lists distributions in the versions that are installed here.

        Raises:
            PackagingError: If one is not installed.
        """
        return DependencyList(name, pin_distributions(distributions))


def _read_requirements(path: Path, around: tuple[Path, ...]) -> Iterator[str]:
    """Yields a file's requirements; ``around`` are the files that include it."""
    if path.resolve() in around:
        raise PackagingError(f"requirements file {path} includes itself; remove one of the -r lines")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PackagingError(f"requirements file {path} cannot be read: {reason}") from error
    for number, line in _join_lines(text):
        if included := re.fullmatch(r"(?:-r|--requirement)(?:\s*=\s*|\s*)(\S.*)", line):
            yield from _read_requirements(path.parent / included[1], (*around, path.resolve()))
        elif option := re.search(r"(?:^|\s)(--?[A-Za-z][\w-]*)", line):
            raise PackagingError(
                f"{path} line {number} has pip's option {option[1]!r}, which a list of dependencies cannot hold; "
                "leave libraries and -r lines only, and give pip's index in the options of the image's build"
            )
        else:
            yield line


def _join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields non-empty lines with their numbers, continued lines joined, without comments."""
    start, parts = 1, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start if parts else number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        joined = re.sub(r"(^|\s)#.*$", "", " ".join([*parts, *([] if is_comment else [line])])).strip()
        parts = []
        if joined:
            yield start, joined
