"""The command line that each benchmark has."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from .figure import Figure
from .turns import Scale


def run(measure: Callable[[Scale], Iterable[Figure]], description: str) -> None:
    """Measures, prints each figure when it is known, and exits with 1 if one is not what is wanted.

    Raises SystemExit always. ``--json FILE`` also writes the figures to a file; ``--short`` measures less.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="measure less, to tell a decline within seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file, too")
    arguments = parser.parse_args()
    figures = []
    for figure in measure(Scale(arguments.short)):
        figures.append(figure)
        print_figure(figure)
    if arguments.json:
        arguments.json.write_text(json.dumps([dataclasses.asdict(figure) for figure in figures]), encoding="utf-8")
    sys.exit(0 if all(figure.holds for figure in figures) else 1)


def print_figure(figure: Figure) -> None:
    against = f" against {figure.against}" if figure.against else ""
    wanted = f", wanted {figure.format_wanted()}" if figure.wanted is not None else ""
    verdict = "" if figure.holds else "  ** not met **"
    print(f"{figure.what}{against}: {figure.format_value()}{wanted} ({figure.details}){verdict}", flush=True)
