"""Reads what is used of this machine's GPUs, from NVIDIA's program ``nvidia-smi``."""

import shutil
import subprocess
from collections.abc import Iterator

from .usage import GPU, GPU_MEMORY, GPU_MEMORY_MEGABYTES, GPU_POWER, GPU_POWER_WATTS

_MEBIBYTE = 1 << 20
_QUERY = "index,utilization.gpu,memory.used,memory.total,power.draw,enforced.power.limit"
_SECONDS = 5


def read_gpus() -> dict[str, float]:
    """Returns the usage of each GPU by MLflow's names; nothing if there is none, or it cannot be read."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return parse_gpus(done.stdout)


def parse_gpus(text: str) -> dict[str, float]:
    """Parses the answer of ``nvidia-smi``, a line for each GPU; leaves out what it does not know, as ``[N/A]``."""
    return {name.format(index): value for line in text.splitlines() for index, name, value in _parse(line)}


def _parse(line: str) -> Iterator[tuple[str, str, float]]:
    index, *fields = (each.strip() for each in line.split(","))
    if len(fields) != 5:
        return
    busy, used, total, power, most_power = map(_as_number, fields)
    if busy is not None:
        yield index, GPU, busy
    if used is not None:
        yield index, GPU_MEMORY_MEGABYTES, used * _MEBIBYTE / 1e6
        if total:
            yield index, GPU_MEMORY, round(used / total * 100, 1)
    if power is not None:
        yield index, GPU_POWER_WATTS, power
        if most_power:
            yield index, GPU_POWER, round(power / most_power * 100, 1)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
