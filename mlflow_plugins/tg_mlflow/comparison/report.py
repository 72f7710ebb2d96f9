"""Writes a comparison for people, and for programs."""

import dataclasses
import json
from datetime import datetime, timezone
from itertools import groupby

from tg_mlflow.comparison.differences import (
    Comparison,
    Difference,
    MetricDifference,
    PredictionDifference,
    SourceDifference,
)
from tg_mlflow.comparison.run_record import RunRecord
from tg_mlflow.tracking.tags import PLACE_TAG

_NONE = {
    "code": "not there",
    "parameter": "not given",
    "config": "default",
    "library": "not installed",
    "threads": "not set",
    "metric": "no such point",
}
_NOT_RECORDED = "not recorded"


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
    """Writes a comparison as lines, the source of changed files as ``diff -u`` does."""
    lines = [f"--- {_describe_run(first)}", f"+++ {_describe_run(second)}"]
    for kind, differences in groupby(comparison.differences, lambda each: each.kind):
        lines += ["", kind]
        for each in differences:
            lines.append(f"  {each.name}: {_describe(each)}")
            if isinstance(each, SourceDifference) and each.unified_diff:
                lines += [f"    {line}" for line in each.unified_diff.splitlines()]
    return "\n".join([*lines, "", _conclude(comparison)])


def _summarize(record: RunRecord) -> dict[str, str | None]:
    info = record.run.info
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "place": record.tags.get(PLACE_TAG),
        "status": info.status,
        "start_time": _write_time(record),
    }


def _describe_run(record: RunRecord) -> str:
    summary = _summarize(record)
    about = [summary["place"], summary["status"], summary["start_time"]]
    return f"{summary['run_id']} {summary['name']} ({', '.join(filter(None, about))})"


def _write_time(record: RunRecord) -> str:
    begun = datetime.fromtimestamp(record.run.info.start_time / 1000, timezone.utc)
    return begun.isoformat(sep=" ", timespec="seconds")


def _describe(difference: Difference) -> str:
    first, second = _write_sides(difference)
    change = f"{first} -> {second}" if first != second else f"{first} in both"
    if isinstance(difference, MetricDifference):
        most = max(difference.first_points, difference.second_points)
        count = f"{difference.equal_points:,} of {most:,} points are equal"
        return f"{change} at step {difference.step}, the first that differs; {count}"
    if isinstance(difference, PredictionDifference):
        most = max(difference.first_rows, difference.second_rows)
        where = f"{difference.column!r} of row {difference.row:,}"
        return f"{change} in {where}, the first that differs; {difference.equal_rows:,} of {most:,} rows are equal"
    return change


def _write_sides(difference: Difference) -> tuple[str, str]:
    absent = _NONE.get(difference.kind, "none")
    texts = []
    for side, value in (("first", difference.first), ("second", difference.second)):
        if side not in difference.not_recorded:
            texts.append(absent if value is None else value)
        else:
            texts.append(_NOT_RECORDED if value is None else f"{value} ({_NOT_RECORDED} as a whole)")
    return texts[0], texts[1]


def _conclude(comparison: Comparison) -> str:
    same = f"{comparison.equal_metrics:,} metrics are equal in all {comparison.equal_points:,} points"
    if comparison.is_identical:
        return f"The runs are identical; {same}"
    known = [each for each in comparison.differences if not each.not_recorded]
    unknown = len(comparison.differences) - len(known)
    count = (
        f"The runs differ in {len(known):,} things" if known else "The runs do not differ in what both have recorded"
    )
    return f"{count}{f'; {unknown:,} are not recorded' if unknown else ''}; {same}"
