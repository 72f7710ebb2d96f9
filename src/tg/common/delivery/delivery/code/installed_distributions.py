"""The distributions that are installed here, and which of them a package needs."""

import email
import email.message
import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

from ....errors import PackagingError
from ....module_specs import find_module_spec
from .local_versions import PYTORCH, parse_local_version

# What every training needs, including what determines its numbers to the last digit.
CORE = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")

# A module in the list of a distribution's files (PEP 376): the folder at the top, or its name if it is there itself.
_RECORDED_MODULE = re.compile(r"""^"?(?:([^/,"\n]+)/[^,"\n]*|([^/,".\n]+)[^/,"\n]*)\.(?:py|so|pyd)"?,""", re.MULTILINE)


class InstalledDistribution(NamedTuple):
    """What a distribution says of itself."""

    name: str
    version: str
    requires: tuple[str, ...]


def pin_distributions(names: Iterable[str]) -> tuple[str, ...]:
    """Returns requirements of the distributions' installed versions, sorted.

    A version keeps its local part, as in ``2.13.0+cpu``: it names a build. What was installed from a URL is installed
    from there again, a repository at the same commit.

    Raises:
        PackagingError: If one is not installed.
    """
    names = set(names)
    versions = find_versions(names)
    if missing := sorted(names - versions.keys()):
        raise PackagingError(f"{missing[0]!r} is not installed here, so its version is unknown; install it")
    return tuple(_pin(name, version) for name, version in versions.items())


def pin_builds(distributions: Iterable[str], requirements: Iterable[str]) -> tuple[str, ...]:
    """Returns requirements of PyTorch's installed builds where other requirements leave the build open.

    A library that needs ``torch``, or a project that requires ``torch>=2``, accepts the build that is installed here;
    without it, an image would get another one, with gigabytes for GPUs.

    Args:
        distributions: What a package needs, directly; indirect needs are found.
        requirements: What is required. A build that they do not leave open, or that is not installed here, stays as it
            is.
    """
    needed = [name for name in find_required(distributions) if name in PYTORCH]
    lines = [line for line in requirements if name_distribution(line) in PYTORCH]
    if not needed and not lines:
        return ()
    from packaging.requirements import InvalidRequirement, Requirement

    asked: dict[str, list[Requirement]] = {}
    try:
        for line in lines:
            asked.setdefault(name_distribution(line), []).append(Requirement(line))
    except InvalidRequirement:  # pip will report it
        return ()
    pins = []
    for name in sorted({*needed, *asked}):
        version = find_versions([name]).get(name)
        pin = _pin(name, version) if version is not None else ""
        is_met = all(each.url is None and each.specifier.contains(str(version), True) for each in asked.get(name, ()))
        if parse_local_version(pin) is not None and is_met:
            pins.append(pin)
    return tuple(pins)


def _pin(name: str, version: str) -> str:
    origin = _read_origin(name)
    url = str(origin.get("url", ""))
    if (vcs := origin.get("vcs_info")) and not url.startswith("file:"):
        place = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    elif url.startswith(("http://", "https://")):
        place = url
    else:
        # For these systems PyTorch's builds for the CPU have no local part, and for Linux those for GPUs have none.
        is_for_cpu = name.lower() in PYTORCH and sys.platform in ("darwin", "win32") and "+" not in version
        return f"{name}=={version}+cpu" if is_for_cpu else f"{name}=={version}"
    folder = origin.get("subdirectory")
    return f"{name} @ {place}" + (f"#subdirectory={folder}" if folder else "")


def find_local_origin(name: str) -> str | None:
    """Returns the URL of the local file or folder that a distribution was installed from, if any."""
    url = str(_read_origin(name).get("url", ""))
    return url if url.startswith("file:") else None


def _read_origin(name: str) -> dict[str, Any]:
    """Returns an installer's record of a distribution's origin (PEP 610): empty if that is an index."""
    try:
        text = importlib.metadata.distribution(name).read_text("direct_url.json")
        origin = json.loads(text or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}


def find_required(names: Iterable[str]) -> set[str]:
    """Adds all installed distributions that the given ones need, directly or indirectly."""
    found, waiting = dict[str, str](), list(names)
    while waiting:
        name = waiting.pop()
        if name_distribution(name) in found:
            continue
        distribution = find_distribution(name)
        if distribution is None:
            continue
        found[name_distribution(name)] = distribution.name
        lines = (line.partition(";") for line in distribution.requires)
        waiting += [name_distribution(what) for what, _, marker in lines if "extra" not in marker]
    return set(found.values())


def find_versions(names: Iterable[str]) -> dict[str, str]:
    """Returns the versions of those distributions that are installed here, sorted by name."""
    found = ((name, find_distribution(name)) for name in sorted(names, key=str.lower))
    return {name: distribution.version for name, distribution in found if distribution is not None}


def find_distribution(name: str) -> InstalledDistribution | None:
    """Returns a distribution that is installed here; ``None`` if it is not."""
    return _read_distribution(name, tuple(_changes_of(sys.path)))


@lru_cache(maxsize=1024)
def _read_distribution(name: str, changes: tuple[tuple[str, int], ...]) -> InstalledDistribution | None:
    """Reads a distribution's metadata, which takes some milliseconds; again if something has changed."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    metadata = _read_fields(distribution)
    requires = metadata.get_all("Requires-Dist") or distribution.requires or ()  # an egg has them in another file
    return InstalledDistribution(metadata["Name"], metadata["Version"], tuple(requires))


def _read_fields(distribution: importlib.metadata.Distribution) -> email.message.Message:
    """Reads the fields of a distribution, without its description, which takes ten times as long."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
    if not text:
        return distribution.metadata  # type: ignore[return-value]  # an egg of one file has them under another name
    return email.message_from_string(text.partition("\n\n")[0])


def name_distribution(requirement: str) -> str:
    """Returns the distribution that a requirement in pip's notation names, normalized: ``scikit-learn``.

    A requirement without a name, such as a bare URL, is returned as it is.
    """
    found = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*($|[\[<>=!~;@(])", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else requirement


def find_distributions(modules: Iterable[str]) -> set[str]:
    """Returns the distributions that provide top-level modules; the standard library and unknown modules have none.

    Where several provide parts of one, such as ``google``, all are included.
    """
    providers = _read_providers(tuple(_changes_of(_site_folders())))
    return {_read_name(provider) for name in modules for provider in providers.get(name, ())}


def find_installed(module: str) -> str | None:
    """Returns where a top-level module is installed: ``installed as <path>`` or ``in the standard library``.

    ``None`` if it is not; an editable installation (``pip install --editable``) does not count.
    """
    if module in sys.stdlib_module_names:
        return "in the standard library"
    spec = PathFinder.find_spec(module, _site_folders())
    if spec is None:
        return None
    return f"installed as {spec.origin or next(iter(spec.submodule_search_locations or []), module)}"


def is_hidden(module: str) -> bool:
    """Returns whether an import here finds another module in place of an installed one of the same name."""
    if module in sys.stdlib_module_names:
        return False
    spec = find_module_spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        return False
    return not any(Path(spec.origin).is_relative_to(folder) for folder in _site_folders())


def _site_folders() -> list[str]:
    folders = {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
    return sorted(folders | _own_site_folders())


@lru_cache(maxsize=1)
def _own_site_folders() -> frozenset[str]:
    return frozenset(sysconfig.get_path(name) for name in ("purelib", "platlib"))


def _changes_of(folders: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Returns when each folder of distributions was last changed, which every installation does."""
    for folder in folders:
        if os.path.isdir(folder):
            changed = os.stat(folder).st_mtime_ns
            if _has_distributions(folder, changed):
                yield folder, changed


@lru_cache(maxsize=1024)
def _has_distributions(folder: str, changed: int) -> bool:
    """Returns whether a folder has metadata of distributions; a project's, which changes often, mostly has none."""
    try:
        return any(name.lower().endswith((".dist-info", "egg-info")) for name in os.listdir(folder))
    except OSError:  # nothing is found there either
        return False


@lru_cache(maxsize=1)
def _read_providers(changes: tuple[tuple[str, int], ...]) -> dict[str, list[importlib.metadata.Distribution]]:
    """Reads which distributions provide each top-level module; again if something has changed.

    It finds what :func:`importlib.metadata.packages_distributions` does, which takes a few tenths of a second.
    """
    found, seen = dict[str, list[importlib.metadata.Distribution]](), set[object]()
    for distribution in importlib.metadata.distributions():
        # Where a newer importlib_metadata is loaded, too, each is found twice.
        place = getattr(distribution, "_path", distribution)
        if place not in seen:
            seen.add(place)
            modules = (distribution.read_text("top_level.txt") or "").split() or _list_modules(distribution)
            for module in modules:
                found.setdefault(module, []).append(distribution)
    return found


@lru_cache(maxsize=1024)
def _read_name(distribution: importlib.metadata.Distribution) -> str:
    return _read_fields(distribution)["Name"]


def _list_modules(distribution: importlib.metadata.Distribution) -> set[str]:
    """Lists the top-level modules of a distribution by its files."""
    record = distribution.read_text("RECORD")
    if record is not None:
        return {folder or module for folder, module in _RECORDED_MODULE.findall(record)}
    files = [each.as_posix() for each in distribution.files or () if each.suffix == ".py"]
    return {each.partition("/")[0].removesuffix(".py") for each in files}
