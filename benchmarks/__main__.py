"""Runs the benchmarks, each in a process of its own, and compares or keeps what they find.

python benchmarks                    all; writes RESULTS.md and results.json
python benchmarks containers sweep   only these; writes nothing
python benchmarks --short            a short form of those that have one; exit code 1 if a ratio has become more than
                                     1.5 times worse than in RESULTS.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.figure import Figure
from harness.results import find_declines, read_results, write_results

FOLDER = Path(__file__).parent
# In the order of RESULTS.md.
BENCHMARKS = (
    "recording",
    "metric_lines",
    "package_build",
    "watching",
    "mlflow_in_jobs",
    "dft_against_column_transformer",
)
# Those that tell a decline within seconds.
SHORT = ("metric_lines",)


def measure(name: str, short: bool) -> list[Figure]:
    """Runs one benchmark and returns its figures; ends this process if it has failed to measure."""
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, str(FOLDER / f"{name}.py"), "--json", str(file), *(["--short"] if short else [])]
        code = subprocess.run(command).returncode
        if not file.exists():
            sys.exit(f"benchmarks/{name}.py has measured nothing; its exit code is {code}")
        return [Figure(**each) for each in json.loads(file.read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--short", action="store_true", help="compare a short form with RESULTS.md")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    names = arguments.names or (SHORT if arguments.short else BENCHMARKS)
    figures = [figure for name in names for figure in measure(name, arguments.short)]
    if not arguments.names and not arguments.short:
        write_results(figures)
    declines = find_declines(figures, read_results()) if arguments.short else []
    missed = [each for each in figures if not each.holds and not arguments.short]
    for line in declines + [f"not met: {each.what}: {each.format_value()}" for each in missed]:
        print(line, file=sys.stderr)
    sys.exit(1 if declines or missed else 0)


if __name__ == "__main__":
    main()
