"""Compares with what, and on what machine, two jobs ran."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tg_mlflow.comparison.differences import Difference, compare_named, compare_values, count
from tg_mlflow.comparison.package_record import PackageRecord
from tg_mlflow.comparison.run_record import RunRecord

_INSTANCE_TYPE_TAG, _IMAGE_DIGEST_TAG = "tg.instance_type", "tg.image_digest"
# Facts about a job's environment: the kind of a difference, and what people call them.
_FACTS = {
    "python": ("python", "Python"),
    "implementation": ("python", "implementation"),
    "cpu": ("machine", "CPU"),
    "cpus": ("machine", "CPUs"),
    "machine": ("machine", "architecture"),
    "memory_mb": ("machine", "memory in MB"),
    "gpus": ("machine", "GPUs"),
    "platform": ("machine", "platform"),
    "hash_seed": ("seed", "PYTHONHASHSEED"),
}
# What is said where a run has no environment.
_MISSING = (
    ("python", "Python"),
    ("library", "installed libraries"),
    ("machine", "CPU"),
    ("threads", "variables of threads"),
    ("seed", "PYTHONHASHSEED"),
)
_PIN = re.compile(r"==[^,*]+$")
_SEED = "hash_seed"
_UNSET = "not set"
# What it means if a job has not noted a fact that can be found anywhere.
_DEFAULTS = {_SEED: _UNSET, "gpus": "none"}


@dataclass(frozen=True)
class _Environment:
    """What a job has found where it ran: text by name."""

    facts: Mapping[str, str]
    libraries: Mapping[str, str]
    threads: Mapping[str, str]

    @staticmethod
    def parse(given: Mapping[str, Any]) -> "_Environment":
        noted = {name: given[name] for name in _FACTS if given.get(name) is not None}
        facts = {
            name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in noted.items()
        }
        libraries, threads = _read_texts(given.get("libraries")), _read_texts(given.get("threads"))
        return _Environment({**_DEFAULTS, **facts}, _normalize(libraries), threads)


def compare_environments(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Compares Python, libraries, machine, threads and the seed of hashes, as the jobs have found them.

    Of runs that have not recorded them, the packages tell with which versions they were made.
    """
    yield from _compare_tags(first, second)
    a, b = (None if each.environment is None else _Environment.parse(each.environment) for each in (first, second))
    if a is not None and b is not None:
        for key, (kind, name) in _FACTS.items():
            yield from compare_values(kind, name, a.facts.get(key), b.facts.get(key))
        yield from compare_named("library", a.libraries, b.libraries)
        yield from compare_named("threads", a.threads, b.threads)
        return
    yield from _compare_made(first, second, a, b)
    for (kind, name), *values in zip(_MISSING, _describe(a), _describe(b), strict=True):
        yield from compare_values(kind, name, *values)


def _compare_tags(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Compares SageMaker's machines, and images that were given ready-made: those that are built differ by the code."""
    yield from _compare_tag("machine", "instance type", _INSTANCE_TYPE_TAG, first, second)
    if all("image_uri" in (each.config or {}) for each in (first, second)):
        yield from _compare_tag("library", "image", _IMAGE_DIGEST_TAG, first, second)


def _compare_tag(kind: str, name: str, tag: str, first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    values = ({name: each.tags[tag]} if tag in each.tags else {} for each in (first, second))
    yield from compare_named(kind, *values)


def _compare_made(
    first: RunRecord, second: RunRecord, a: _Environment | None, b: _Environment | None
) -> Iterator[Difference]:
    """Compares with what packages were made and what they require; one of the runs may know what was installed."""
    if a is None and b is None and first.package is not None and second.package is not None:
        versions = (each.properties.get("python_version") for each in (first.package, second.package))
        yield from compare_values("python", "Python of the launcher", *versions)
        yield from compare_named("library", _read_required(first.package), _read_required(second.package))
        return
    known = _find_versions(first, a), _find_versions(second, b)
    for name in sorted(known[0].keys() & known[1].keys()):
        yield from compare_values("library", name, known[0][name], known[1][name])


def _find_versions(record: RunRecord, environment: _Environment | None) -> Mapping[str, str]:
    if environment is not None:
        return environment.libraries
    return {} if record.package is None else _read_versions(record.package)


def _read_versions(package: PackageRecord) -> dict[str, str]:
    """Returns the versions that a package was made with, or requires."""
    made_with = _normalize(_read_texts(package.properties.get("library_versions")))
    required = {name: line.removeprefix("==") for name, line in _read_conditions(package).items() if _PIN.match(line)}
    return {**made_with, **required}


def _read_required(package: PackageRecord) -> dict[str, str]:
    """Returns versions, or else conditions as they are written."""
    return {**_read_conditions(package), **_read_versions(package)}


def _read_conditions(package: PackageRecord) -> dict[str, str]:
    """Returns what a package requires of each library; an address without a name stands for itself."""
    conditions: dict[str, str] = {}
    for line in package.properties.get("requirements") or ():
        try:
            required = Requirement(line)
        except InvalidRequirement:
            conditions[line] = line
            continue
        conditions[canonicalize_name(required.name)] = str(required.specifier) or required.url or "any version"
    return conditions


def _read_texts(values: Any) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def _normalize(libraries: Mapping[str, str]) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in libraries.items()}


def _describe(environment: _Environment | None) -> Sequence[str | None]:
    """Writes what ``_MISSING`` names of an environment, if there is one."""
    if environment is None:
        return [None] * len(_MISSING)
    facts = environment.facts
    threads = ", ".join(f"{name}={value}" for name, value in environment.threads.items()) or _UNSET
    versions = count(len(environment.libraries), "version")
    return facts.get("python"), versions, facts.get("cpu"), threads, facts.get(_SEED)
