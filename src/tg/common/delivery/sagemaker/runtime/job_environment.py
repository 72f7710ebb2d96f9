"""Describes what a training's numbers may depend on besides its code, its data and its parameters.

It says nothing of the machine that would tell where it is or whose: no name, no path, no other variables.
"""

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# The variables by which libraries choose how many threads compute; sums depend on how they are divided.
THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_HASH_SEED_VARIABLE = "PYTHONHASHSEED"
_LONGEST_VALUE = 100
_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_FIELD = re.compile(r"(Name|Version|Requires-Dist): *(.*)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SEPARATORS = re.compile(r"[-_.]+")


def describe_environment(requirements: Iterable[str]) -> dict[str, Any]:
    """Describes this process, its machine and its libraries, as values for JSON; what cannot be found out is left out.

    Args:
        requirements: What the package requires, in pip's notation.

    Returns:
        The keys ``python``, ``implementation``, ``platform``, ``machine``, ``cpu`` (its model), ``cpus`` (how many this
        process may use), ``memory_mb``, ``gpus``, ``threads`` (those of :data:`THREAD_VARIABLES` that are set),
        ``hash_seed``, and ``libraries``, the versions of what is required, directly or indirectly, by normalized names.
    """
    described = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _find_cpu(),
        "cpus": _count_cpus(),
        "memory_mb": _find_memory_mb(),
        "gpus": _list_gpus(),
        "threads": {name: os.environ[name][:_LONGEST_VALUE] for name in THREAD_VARIABLES if name in os.environ},
        "hash_seed": os.environ.get(_HASH_SEED_VARIABLE, "random")[:_LONGEST_VALUE],
        "libraries": find_required_versions(requirements),
    }
    return {name: value for name, value in described.items() if value not in (None, [])}


def find_required_versions(requirements: Iterable[str]) -> dict[str, str]:
    """Finds the installed versions of what is required, directly or indirectly, by normalized names.

    It reads the first lines of metadata files itself: a job does not wait for the import of ``importlib.metadata``.
    """
    installed, versions = _find_installed(), dict[str, str]()
    waiting = [*map(_name, requirements)]
    while waiting:
        name = waiting.pop()
        if name in versions or name not in installed:
            continue
        versions[name] = ""
        for field, value in _read_fields(installed[name]):
            if field == "Version":
                versions[name] = value
            elif field == "Requires-Dist" and "extra" not in value.partition(";")[2]:
                waiting.append(_name(value))
    return dict(sorted(versions.items()))


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return _SEPARATORS.sub("-", found[0]).lower() if found else requirement


def _find_installed() -> dict[str, Path]:
    """Finds the metadata files of all distributions, by normalized names; the first on the path counts."""
    found = dict[str, Path]()
    for folder in sys.path:
        try:
            entries = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry)
            if suffix in _METADATA:
                path = Path(folder, entry)
                found.setdefault(_name(stem.partition("-")[0]), path / _METADATA[suffix] if path.is_dir() else path)
    return found


def _read_fields(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.rstrip("\r\n"):
                    return  # the description follows; within a field, a blank line has spaces
                if field := _FIELD.match(line):
                    yield field[1], field[2].strip()
    except OSError:
        return


def _find_cpu() -> str | None:
    for line in _read_lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Hardware", "cpu model"):
            return value.strip() or None
    return platform.processor() or None


def _count_cpus() -> int:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read_quota()
    return usable if quota is None else max(1, min(usable, quota))


def _read_quota() -> int | None:
    """Reads how many processors a container may use, rounded up; ``None`` if it may use all."""
    given = _read_lines("/sys/fs/cgroup/cpu.max")
    words = (
        given[0].split()
        if given
        else [
            *_read_lines("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")[:1],
            *_read_lines("/sys/fs/cgroup/cpu/cpu.cfs_period_us")[:1],
        ]
    )
    if len(words) != 2 or not all(each.isdecimal() for each in words) or int(words[1]) == 0:
        return None  # "max", or -1
    return -(-int(words[0]) // int(words[1]))


def _find_memory_mb() -> int | None:
    found = [int(line.split()[1]) >> 10 for line in _read_lines("/proc/meminfo") if line.startswith("MemTotal:")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        found += [int(line) >> 20 for line in _read_lines(path)[:1] if line.isdecimal()]
    return min(found, default=None)


def _list_gpus() -> list[str]:
    """Lists the models of NVIDIA's GPUs, as their driver names them."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        found += [line.partition(":")[2].strip() for line in _read_lines(str(path)) if line.startswith("Model:")]
    return found


def _read_lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
