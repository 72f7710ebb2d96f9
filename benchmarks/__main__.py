"""Runs the benchmarks, each in a process of its own, and compares or keeps what they find.

python benchmarks                       all, and the short forms; keeps their figures in RESULTS.md and results.json
python benchmarks containers sweep      only these; keeps nothing
python benchmarks --keep containers     only these; their figures replace those that are kept
python benchmarks --short               the short forms of those that have one; the exit code is 1 if a ratio is more
                                        than 1.5 times worse than that of the kept short form, three times in a row
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.figure import Figure
from harness.results import find_declines, keep_results, read_results

FOLDER = Path(__file__).parent
# In the order of RESULTS.md.
BENCHMARKS = (
    "containers",
    "mlflow_run",
    "command_line",
    "dependency_image",
    "recording",
    "metric_lines",
    "package_build",
    "sweep",
    "sagemaker_submit",
    "upload",
    "watching",
    "demo",
    "mlflow_in_jobs",
    "dft_against_column_transformer",
    "incremental",
)
# Those that tell a decline within seconds.
SHORT = ("containers", "command_line", "recording", "metric_lines", "package_build", "sagemaker_submit", "incremental")


# How often a short form is measured before a decline is one: what else a machine does makes ratios worse, too.
SHORT_TRIES = 3


def measure(name: str, short: bool) -> list[Figure]:
    """Runs one benchmark and returns its figures; none, and a line on stderr, if it has failed to measure."""
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, str(FOLDER / f"{name}.py"), "--json", str(file), *(["--short"] if short else [])]
        code = subprocess.run(command).returncode
        if not file.exists():
            print(f"benchmarks/{name}.py has measured nothing; its exit code is {code}", file=sys.stderr)
            return []
        return [Figure(**each) for each in json.loads(file.read_text(encoding="utf-8"))]


def find_lasting_declines(name: str, kept: Mapping[str, Figure]) -> list[str]:
    """Measures a benchmark's short form until nothing has declined, or too often; returns what declined each time."""
    declines: dict[str, str] = {}
    for number in range(SHORT_TRIES):
        figures = measure(name, short=True)
        found = find_declines(figures, kept) if figures else {name: f"{name}: nothing was measured"}
        declines = {each: line for each, line in found.items() if number == 0 or each in declines}
        if not declines:
            return []
    return list(declines.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--short", action="store_true", help="compare short forms with those that are kept")
    parser.add_argument("--keep", action="store_true", help="keep the figures of the benchmarks that are named")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if arguments.short:
        kept = read_results().short
        lines = [line for name in arguments.names or SHORT for line in find_lasting_declines(name, kept)]
    else:
        lines = run_whole(arguments.names or BENCHMARKS, keeps=arguments.keep or not arguments.names)
    for line in lines:
        print(line, file=sys.stderr)
    sys.exit(1 if lines else 0)


def run_whole(names: Sequence[str], keeps: bool) -> list[str]:
    """Measures whole benchmarks, and their short forms if they are kept; returns what is not as it is wanted."""
    lines = []
    for name in names:
        figures = measure(name, short=False)
        lines += [f"not met: {each.what}: {each.format_value()}" for each in figures if not each.holds]
        if not figures:
            lines.append(f"{name}: nothing was measured")
        elif keeps:
            keep_results(figures, measure(name, short=True) if name in SHORT else [])
    return lines


if __name__ == "__main__":
    main()
