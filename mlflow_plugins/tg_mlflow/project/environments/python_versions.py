"""Chooses the Python of an environment, and requirements for it where the declared one is too old."""

import sys
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# The oldest Python of jobs is 3.10.
_CANDIDATES = ("3.10", "3.11", "3.12", "3.13", "3.14")
_TOO_OLD = ("2.7", *(f"3.{minor}" for minor in range(10)))
_MOST_RELEASES = 60


def choose_python(declared: str, here: str = HERE) -> str | None:
    """Chooses the Python that a declaration accepts: this one, or else the oldest that jobs can have.

    Args:
        declared: A specifier, such as ``==3.12.*``.
        here: This Python's version, such as ``3.11``.

    Returns:
        Its version, such as ``3.12``; ``None`` if there is none.
    """
    return next((each for each in (here, *_CANDIDATES) if _accepts(declared, each)), None)


def is_too_old(declared: str) -> bool:
    """Whether a declaration only accepts Pythons that are too old for jobs."""
    return choose_python(declared) is None and any(_accepts(declared, each) for each in _TOO_OLD)


def _accepts(declared: str, minor: str) -> bool:
    """Whether a declaration accepts some release of a version."""
    specifier = SpecifierSet(declared)
    return any(specifier.contains(f"{minor}.{micro}") for micro in range(_MOST_RELEASES))


def list_least_versions(requirements: Iterable[str]) -> list[str]:
    """Returns requirements of at least the versions that are required.

    Libraries of an old Python have no builds for a later one, so exactly these versions cannot be installed.
    """
    return [_require_at_least(each) for each in requirements]


def _require_at_least(text: str) -> str:
    if "://" in text:
        return text
    requirement = Requirement(text)
    least = [each for each in requirement.specifier if each.operator in ("==", "===", "~=", ">=", ">")]
    versions = [Version(each.version.removesuffix(".*")).public for each in least]
    requirement.specifier = SpecifierSet(f">={max(versions, key=Version)}" if versions else "")
    return str(requirement)
