"""Compares with what, and on what machine, two jobs ran."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tg_mlflow.comparison.differences import Difference, compare_named, compare_values
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
    "platform": ("machine", "platform"),
    "hash_seed": ("seed", "PYTHONHASHSEED"),
}
# What is said where a run has no environment.
_MISSING = (
    ("python", "Python"),
    ("library", "installed libraries"),
    ("machine", "CPU"),
    ("threads", "variables"),
    ("seed", "PYTHONHASHSEED"),
)
_SEED = "hash_seed"
_UNSET = "not set"


@dataclass(frozen=True)
class _Environment:
    """What a job has found where it ran: text by name."""

    facts: Mapping[str, str]
    libraries: Mapping[str, str]
    threads: Mapping[str, str]

    @staticmethod
    def parse(given: Mapping[str, Any]) -> "_Environment":
        facts = {name: str(given[name]) for name in _FACTS if given.get(name) is not None}
        return _Environment(
            {_SEED: _UNSET, **facts},
            {canonicalize_name(name): str(version) for name, version in dict(given.get("libraries") or {}).items()},
            {name: str(value) for name, value in dict(given.get("threads") or {}).items()},
        )


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
    required = _read_required(first), _read_required(second)
    if a is not None or b is not None:
        # What is installed is more than what is required: only what both name can be compared.
        known = a.libraries if a is not None else required[0], b.libraries if b is not None else required[1]
        names = known[0].keys() & known[1].keys()
        required = {name: known[0][name] for name in names}, {name: known[1][name] for name in names}
    yield from compare_named("library", *required)
    yield from compare_named("python", _read_launcher(first), _read_launcher(second))
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


def _read_launcher(record: RunRecord) -> dict[str, str]:
    version = None if record.package is None else record.package.properties.get("python_version")
    return {} if version is None else {"Python of the launcher": str(version)}


def _read_required(record: RunRecord) -> Mapping[str, str]:
    """Returns what a package requires: versions, or other conditions as they are written."""
    if record.package is None:
        return {}
    properties = record.package.properties
    made_with = dict(properties.get("library_versions") or {})
    required: dict[str, str] = {canonicalize_name(name): str(version) for name, version in made_with.items()}
    for line in properties.get("requirements") or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:  # such as an address by itself
            required[line] = line
            continue
        version = str(requirement.specifier) or requirement.url or "any version"
        required[canonicalize_name(requirement.name)] = version if "," in version else version.removeprefix("==")
    return required


def _describe(environment: _Environment | None) -> Sequence[str | None]:
    """Writes what ``_MISSING`` names of an environment, if there is one."""
    if environment is None:
        return [None] * len(_MISSING)
    facts = environment.facts
    threads = ", ".join(f"{name}={value}" for name, value in environment.threads.items()) or _UNSET
    libraries = f"{len(environment.libraries)} libraries"
    return facts.get("python"), libraries, facts.get("cpu"), threads, facts.get(_SEED)
