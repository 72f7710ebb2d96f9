"""Reads lines as pip does in a requirements file: requirements, options, further files and folders."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.text_files import read_text

_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+)?(.*)")
_SHORT_OPTION = re.compile(r"(-[recif])(\S.*)")
_INCLUDE, _EDITABLE = ("-r", "--requirement"), ("-e", "--editable")
_INDEXES = ("-i", "--index-url", "--extra-index-url", "--pypi-url")
# Behind a requirement: its hashes, and how it is built.
_OWN_OPTIONS = re.compile(r"\s+--?[A-Za-z].*$")
_ADDRESS = re.compile(r"(?:(?:git|hg|svn|bzr)\+\w[\w+]*|https?|ftp)://\S+")
_EGG = re.compile(r"#(?:.*&)?egg=([\w.-]+(?:\[[^\]]*\])?)")
_ARCHIVE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*?)-\d[^/]*\.(?:whl|tar\.gz|zip)")


@dataclass
class RequirementLines:
    """What lines in pip's notation ask for.

    Attributes:
        requirements: One library each.
        index_urls: The package indexes that options name.
        folders: Folders that are installed, relative to that of the file; may have extras, as in ``.[gpu]``.
        ignored: Other options, as they are written.
    """

    requirements: list[str] = field(default_factory=list)
    index_urls: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def parse_requirements(lines: Iterable[str], file: Path) -> RequirementLines:
    """Parses lines of a requirements file, or of another file's pip part.

    Args:
        lines: The lines.
        file: The file, from whose folder included files are found.

    Raises:
        ProjectError: If a file cannot be read, or includes itself, or if a line is no requirement.
    """
    found = RequirementLines()
    for line in join_lines(lines):
        _take(found, line, file, file.parent, around=())
    return found


def join_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yields lines without comments and blank ones, continued ones joined."""
    parts = list[str]()
    for line in (*lines, ""):
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        joined = re.sub(r"(^|\s)#.*$", "", " ".join([*parts, "" if is_comment else line])).strip()
        parts = []
        if joined:
            yield joined


def is_installer(requirement: str) -> bool:
    """Whether a requirement only serves to install others: each environment has its own ``pip``."""
    name = requirement.partition("[")[0].strip().lower()
    return any(name == each or (name.startswith(each) and name[len(each)] in " =<>!~;") for each in ("pip", "wheel"))


def _include(found: RequirementLines, path: Path, root: Path, around: tuple[Path, ...]) -> None:
    if path.resolve() in around:
        raise ProjectError(f"{path} includes itself; remove one of the -r lines")
    for line in join_lines(read_text(path).splitlines()):
        _take(found, line, path, root, (*around, path.resolve()))


def _take(found: RequirementLines, line: str, file: Path, root: Path, around: tuple[Path, ...]) -> None:
    option = _SHORT_OPTION.fullmatch(line) or _OPTION.fullmatch(line)
    name, value = (option[1], option[2].strip().strip("\"'")) if option else ("", line)
    if name in _INCLUDE:
        if _ADDRESS.fullmatch(value):
            raise ProjectError(f"{file.name} includes {value}; copy that file to the project and include it from there")
        _include(found, file.parent / value, root, around)
    elif name in _INDEXES:
        found.index_urls.append(value)
    elif name and name not in _EDITABLE:
        found.ignored.append(line)
    else:
        _take_requirement(found, value, file, root)


def _take_requirement(found: RequirementLines, text: str, file: Path, root: Path) -> None:
    text = _OWN_OPTIONS.sub("", text)
    if _ADDRESS.fullmatch(text):
        found.requirements.append(_name_address(text))
        return
    path = re.sub(r"\[[^\]]*\]$", "", text)
    if (archive := _ARCHIVE.fullmatch(Path(path).name)) and "@" not in text:
        address = (file.parent / path).resolve().as_uri()
        found.requirements.append(f"{_name_archive(archive)} @ {address}")
        return
    if path.startswith((".", "/")) or ("/" in path and (file.parent / path).is_dir()):
        folder = (file.parent / path).resolve()
        inside = folder.is_relative_to(root.resolve())
        shown = folder.relative_to(root.resolve()).as_posix() + text[len(path) :] if inside else text
        (found.folders if inside else found.ignored).append(shown)
        return
    try:
        Requirement(text)
    except InvalidRequirement as error:
        advice = re.sub(r"(?<![=<>!~])=(?![=])", "==", text)
        hint = f"did you mean {advice!r}?" if advice != text else "write it as 'pandas==2.2.3'"
        raise ProjectError(f"{file.name} has {text!r}, which is no requirement in pip's notation; {hint}") from error
    found.requirements.append(text)


def _name_address(text: str) -> str:
    """Writes ``git+https://…#egg=name`` as ``name @ git+https://…``, which all tools read; an archive likewise."""
    if egg := _EGG.search(text):
        return f"{egg[1]} @ {text[: egg.start()]}"
    archive = _ARCHIVE.fullmatch(text.partition("#")[0].rpartition("/")[2])
    return f"{_name_archive(archive)} @ {text}" if archive else text


def _name_archive(archive: re.Match[str]) -> str:
    return archive["name"].replace("_", "-")
