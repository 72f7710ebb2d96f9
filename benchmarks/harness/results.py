"""What is kept of a whole run: RESULTS.md for people, results.json to compare with."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from .figure import Figure

FOLDER = Path(__file__).parent.parent
TABLE = FOLDER / "RESULTS.md"
DATA = FOLDER / "results.json"
# A figure of the short form that is this many times worse than the kept one is a decline.
MOST_DECLINE = 1.5
PACKAGES = ("tg-mlflow", "mlflow", "sagemaker", "boto3", "docker", "pandas", "pyarrow", "scikit-learn", "uv")


def describe_machine() -> dict[str, str]:
    """Returns what the figures were measured with: date, processor, memory, system and versions."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "processor": f"{_find_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Docker": _ask_docker(),
        "Python": platform.python_version(),
        **{name: _find_version(name) for name in PACKAGES},
    }


def write_results(figures: list[Figure]) -> None:
    """Replaces RESULTS.md and results.json."""
    machine = describe_machine()
    data = {"machine": machine, "figures": [dataclasses.asdict(figure) for figure in figures]}
    DATA.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    TABLE.write_text(format_table(machine, figures), encoding="utf-8")


def read_results() -> dict[str, Figure]:
    """Returns the kept figures by name; empty if there are none yet."""
    if not DATA.exists():
        return {}
    figures: list[dict[str, Any]] = json.loads(DATA.read_text(encoding="utf-8"))["figures"]
    return {each["name"]: Figure(**each) for each in figures}


def find_declines(figures: list[Figure], kept: dict[str, Figure]) -> list[str]:
    """Returns a line for each ratio that is more than ``MOST_DECLINE`` times worse than the kept one.

    Only ratios are compared: seconds depend on the machine.
    """
    lines = []
    for figure in figures:
        before = kept.get(figure.name)
        if before is not None and figure.unit == "x" and figure.find_decline(before) > MOST_DECLINE:
            lines.append(
                f"{figure.name}: {figure.format_value()} is {figure.find_decline(before):.2f} times worse than "
                f"{before.format_value()} in benchmarks/RESULTS.md ({figure.details})"
            )
    return lines


def format_table(machine: dict[str, str], figures: list[Figure]) -> str:
    """Returns RESULTS.md."""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("Docker", "Python", *PACKAGES))
    lines = [
        "# Results of the benchmarks",
        "",
        f"`make bench` wrote this on {machine['date']}: {machine['processor']}, {machine['memory']} of memory, "
        f"{machine['system']}.",
        f"Versions: {versions}.",
        "",
        "Both sides of a ratio are measured in turns, in one run. Each benchmark checks what was made before it tells",
        "how long it took.",
        "",
        "| what | against | measured | wanted | details |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        measured = figure.format_value() if figure.holds else f"**{figure.format_value()}**"
        cells = (figure.what, figure.against, measured, figure.format_wanted(), figure.details)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    missed = [figure.what for figure in figures if not figure.holds]
    lines += ["", f"Not met (in bold): {len(missed)} of {len([f for f in figures if f.wanted is not None])}.", ""]
    return "\n".join(lines)


def _find_processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "an unknown processor"


def _ask_docker() -> str:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
    except OSError:
        return "none"


def _find_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
