"""What is kept of a whole run: RESULTS.md for people, results.json to compare with."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Results:
    """What is kept: the figures of whole benchmarks, and those of their short forms, by name."""

    figures: Mapping[str, Figure]
    short: Mapping[str, Figure]


def keep_results(figures: Sequence[Figure], short: Sequence[Figure]) -> None:
    """Puts figures into RESULTS.md and results.json, in place of those of the same names."""
    kept, machine = read_results(), describe_machine()
    whole = {**kept.figures, **{each.name: each for each in figures}}
    shorts = {**kept.short, **{each.name: each for each in short}}
    data = {
        "machine": machine,
        "figures": [dataclasses.asdict(each) for each in whole.values()],
        "short": [dataclasses.asdict(each) for each in shorts.values()],
    }
    DATA.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    TABLE.write_text(format_table(machine, list(whole.values()), list(shorts.values())), encoding="utf-8")


def read_results() -> Results:
    """Returns what is kept; nothing if there is no results.json yet."""
    data = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}

    def read(key: str) -> dict[str, Figure]:
        return {each["name"]: Figure(**each) for each in data.get(key, [])}

    return Results(read("figures"), read("short"))


def find_declines(figures: Sequence[Figure], kept: Mapping[str, Figure]) -> dict[str, str]:
    """Returns a line for each ratio, by its name, that is more than ``MOST_DECLINE`` times worse than the kept one.

    Only ratios are compared: seconds depend on the machine.
    """
    lines = {}
    for figure in figures:
        before = kept.get(figure.name)
        if before is not None and figure.unit == "x" and figure.find_decline(before) > MOST_DECLINE:
            lines[figure.name] = (
                f"{figure.name}: {figure.format_value()} is {figure.find_decline(before):.2f} times worse than "
                f"{before.format_value()}, which is kept in benchmarks/results.json ({figure.details})"
            )
    return lines


def format_table(machine: Mapping[str, str], figures: Sequence[Figure], short: Sequence[Figure]) -> str:
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
    lines += ["`make bench-short`, which CI runs, compares ratios of short forms with these:", ""]
    lines += ["| figure | measured |", "|---|---|"]
    lines += [f"| {figure.name} | {figure.format_value()} |" for figure in short if figure.unit == "x"] + [""]
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
