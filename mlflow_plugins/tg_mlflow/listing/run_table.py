"""Writes a list of runs as a table for people, and as JSON."""

import json
from collections.abc import Iterator
from datetime import datetime, timezone

from tg.common.secrets import SecretMask
from tg_mlflow.description.durations import format_duration
from tg_mlflow.listing.run_choice import find_short_length
from tg_mlflow.listing.run_list import ListedRun, RunList

_HEADINGS = ("ID", "STATE", "NAME", "PLACE", "AGE", "TOOK", "RESULT")
_LONGEST_NAME, _LONGEST_NOTE = 40, 80


def format_table(listed: RunList, now_ms: float, mask: SecretMask) -> Iterator[str]:
    """Yields the lines of a table, and one that says how many more runs there are."""
    if not listed.runs:
        yield "no run of tg-mlflow is such"
        return
    length = find_short_length(listed.ids)
    rows = [_HEADINGS, *(_build_row(run, length, now_ms, mask) for run in listed.runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    if listed.left_out:
        yield f"and {listed.left_out} more; `-n {len(listed.runs) + listed.left_out}` lists all"


def format_json(listed: RunList, mask: SecretMask) -> str:
    """Writes a list as one JSON object."""
    return json.dumps(
        {"runs": [_build_object(run, mask) for run in listed.runs], "left_out": listed.left_out}, indent=2
    )


def _build_row(run: ListedRun, length: int, now_ms: float, mask: SecretMask) -> tuple[str, ...]:
    return (
        run.run_id[:length],
        run.state,
        _cut(mask.mask(run.name), _LONGEST_NAME),
        run.place or ("sweep" if run.trainings else ""),
        format_duration((now_ms - run.start_ms) / 1000),
        format_duration(run.seconds),
        "; ".join(_list_results(run, mask)),
    )


def _list_results(run: ListedRun, mask: SecretMask) -> Iterator[str]:
    if run.trainings:
        yield "trainings: " + ", ".join(f"{count} {state}" for state, count in sorted(run.trainings.items()))
    if run.progress is not None:
        yield f"{run.progress.done} of {run.progress.of} {run.progress.unit}{'' if run.progress.of == 1 else 's'}"
    if run.metric is not None:
        yield f"{run.metric[0]} {run.metric[1]:.6g}"
    if run.note is not None:
        yield _cut(mask.mask(run.note), _LONGEST_NOTE)


def _build_object(run: ListedRun, mask: SecretMask) -> dict[str, object]:
    progress, metric = run.progress, run.metric
    return {
        "run_id": run.run_id,
        "name": mask.mask(run.name),
        "state": run.state,
        "place": run.place,
        "started": datetime.fromtimestamp(run.start_ms / 1000, timezone.utc).isoformat(timespec="milliseconds"),
        "seconds": round(run.seconds, 3),
        "progress": None if progress is None else {"done": progress.done, "of": progress.of, "unit": progress.unit},
        "metric": None if metric is None else {"name": metric[0], "value": metric[1]},
        "trainings": dict(run.trainings),
        "note": None if run.note is None else mask.mask(run.note),
    }


def _cut(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
