"""Writes a comparison for people, and for programs."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import groupby

from tg_mlflow.comparison.differences import (
    FIRST,
    SECOND,
    Comparison,
    Difference,
    MetricDifference,
    PredictionDifference,
    SourceDifference,
    count,
)
from tg_mlflow.comparison.run_record import RunRecord
from tg_mlflow.tracking.tags import PLACE_TAG

# What a run has where it has nothing, by the kind of a difference.
_NOTHING = {
    "code": "not there",
    "parameter": "not given",
    "config": "as by default",
    "library": "not required",
    "threads": "not set",
    "metric": "no such point",
    "predictions": "not there",
}

# Nobody reads more of one file, such as one of data.
_MOST_LINES = 500
_LONGEST_VALUE = 300


def format_json(first: RunRecord, second: RunRecord, comparison: Comparison) -> str:
    """Writes a comparison as JSON: the runs, whether they are identical, and each difference with all its fields."""
    return json.dumps(
        {
            "first": _summarize(first),
            "second": _summarize(second),
            "identical": comparison.is_identical,
            "equal_metrics": comparison.equal_metrics,
            "equal_points": comparison.equal_points,
            "differences": [dataclasses.asdict(each) for each in comparison.differences],
        },
        indent=2,
        ensure_ascii=False,
    )


def format_text(first: RunRecord, second: RunRecord, comparison: Comparison) -> str:
    """Writes a comparison as lines: what differs by its kind, changed files as ``diff -u`` does, and a summary."""
    unknown = [each for each in comparison.differences if each.is_unknown]
    lines = [f"--- {_describe_run(first)}", f"+++ {_describe_run(second)}"]
    shown = [each for each in comparison.differences if not each.is_unknown]
    for kind, differences in groupby(shown, lambda each: each.kind):
        lines += ["", kind, *(f"  {line}" for each in differences for line in _describe(each))]
    return "\n".join([*lines, "", *_conclude(comparison, shown, unknown)])


def _summarize(record: RunRecord) -> dict[str, str | None]:
    info = record.run.info
    begun = datetime.fromtimestamp(info.start_time / 1000, timezone.utc)
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "place": record.tags.get(PLACE_TAG),
        "status": info.status,
        "start_time": begun.isoformat(timespec="seconds"),
    }


def _describe_run(record: RunRecord) -> str:
    summary = _summarize(record)
    about = (summary[name] for name in ("place", "status", "start_time"))
    return f"{summary['run_id']} {summary['name']} ({', '.join(filter(None, about))})"


def _describe(difference: Difference) -> list[str]:
    if isinstance(difference, SourceDifference) and difference.unified_diff:
        lines = difference.unified_diff.split("\n")[:-1]
        left_out = [f"… {len(lines) - _MOST_LINES:,} more lines; --json has all"] if lines[_MOST_LINES:] else []
        return [*lines[:_MOST_LINES], *left_out]
    change = f"{difference.name}: {_write(difference, FIRST)} -> {_write(difference, SECOND)}"
    if isinstance(difference, MetricDifference):
        most = max(difference.first_points, difference.second_points)
        return [f"{change} at step {difference.step}; {difference.equal_points:,} of {count(most, 'point')} equal"]
    if isinstance(difference, PredictionDifference):
        most = max(difference.first_rows, difference.second_rows)
        where = f"{difference.column!r} of row {difference.row:,}"
        return [f"{change} in {where}; {difference.equal_rows:,} of {count(most, 'row')} equal"]
    return [change]


def _write(difference: Difference, side: str) -> str:
    value = difference.first if side == FIRST else difference.second
    if value is None:
        return "not recorded" if side in difference.not_recorded else _NOTHING.get(difference.kind, "none")
    shown = value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}… ({len(value):,} characters)"
    return shown.replace("\n", "\\n")


def _conclude(comparison: Comparison, shown: Sequence[Difference], unknown: Sequence[Difference]) -> list[str]:
    lines = []
    if unknown:
        lines.append(f"Neither run has recorded: {', '.join(each.name for each in unknown)}")
    if comparison.equal_metrics:
        counts = count(comparison.equal_metrics, "metric"), count(comparison.equal_points, "point")
        lines.append(f"Equal to the last digit: {counts[0]} with {counts[1]}")
    if comparison.is_identical:
        return [*lines, "The runs are identical"]
    if not shown:
        return [*lines, "The runs are identical in all that they have recorded"]
    kinds = list(dict.fromkeys(each.kind for each in shown))
    return [*lines, f"The runs differ in {', '.join(kinds)}"]
