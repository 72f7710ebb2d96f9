"""Chooses the Python of an environment, and requirements for it where the declared one is too old."""

import sys
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
# The oldest Python of jobs is 3.10.
_CANDIDATES = ("3.10", "3.11", "3.12", "3.13", "3.14")
_TOO_OLD = ("2.7", *(f"3.{minor}" for minor in range(10)))
_MOST_RELEASES = 60
# The first releases that have a build for Python 3.10. Who declares an earlier one, and no Python, has an older one.
_FIRST_BUILDS = {
    "h5py": "3.6.0",
    "matplotlib": "3.5.0",
    "numba": "0.55.0",
    "numpy": "1.21.2",
    "pandas": "1.3.3",
    "pillow": "8.3.2",
    "pyarrow": "6.0.0",
    "scikit-learn": "1.0.2",
    "scipy": "1.7.2",
    "statsmodels": "0.13.1",
    "tensorflow": "2.8.0",
    "torch": "1.11.0",
}


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


def list_outdated(requirements: Iterable[str]) -> list[str]:
    """Lists requirements of nothing but releases that no Python of a job can have."""
    return [each for each in requirements if "://" not in each and _is_outdated(Requirement(each))]


def _is_outdated(requirement: Requirement) -> bool:
    first = _FIRST_BUILDS.get(canonicalize_name(requirement.name))
    return first is not None and any(_ends_before(each, Version(first)) for each in requirement.specifier)


def _ends_before(specifier: Specifier, first: Version) -> bool:
    """Whether a specifier allows no release from a first one on; ``==1.21.*`` allows 1.21.2."""
    numbers = Version(specifier.version.removesuffix(".*")).release
    if specifier.operator in ("<", "<="):
        return numbers < first.release or (specifier.operator == "<" and numbers == first.release)
    if specifier.operator == "~=":
        return numbers[:-1] < first.release[: len(numbers) - 1]
    is_open = specifier.version.endswith(".*")
    return specifier.operator in ("==", "===") and numbers < (
        first.release[: len(numbers)] if is_open else first.release
    )


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
