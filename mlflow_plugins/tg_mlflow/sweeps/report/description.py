"""Describes a sweep in Markdown for its run's page in MLflow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tg_mlflow.description.markdown import (
    LONGEST_DESCRIPTION,
    escape,
    format_row,
    format_rule,
    link_run,
    quote_list,
)
from tg_mlflow.sweeps.report.table import (
    FAILED,
    FINISHED,
    KILLED,
    NOT_STARTED,
    PRUNED,
    Mode,
    SweepChildResult,
    choose_metrics,
    describe_missing_metric,
    find_best,
    name_all,
    name_varying,
)

_MOST_ROWS = 50
_MOST_PARAMETERS = 12
_MOST_VALUES = 6
_LONGEST_VALUE = 20
_MOST_COMPARED = 25


def describe_sweep(
    children: Sequence[SweepChildResult],
    primary_metric: str | None,
    mode: Mode,
    grid: Mapping[str, Sequence[Any]],
    experiment_id: str,
) -> str:
    """Describes the swept values, how the trainings ended, the best one, and a table, the best ones first.

    Args:
        children: The sweep's.
        primary_metric: The metric of which the best one has the ``mode``.
        mode: Whether the greatest or the least value is the best.
        grid: Values by parameter.
        experiment_id: Where the children's runs are.

    Returns:
        At most 8,000 characters; the table has at most 50 rows, and fewer if they are long.
    """
    lines = [_describe_grid(grid, len(children)) + _describe_ends(children) + "."]
    best = find_best(children, primary_metric, mode)
    if primary_metric is not None and best is not None:
        value = _format_metric(best, primary_metric)
        lines.append(
            f"The best is {_link(best, experiment_id)}: its {escape(primary_metric)} of {value} is the {mode}."
        )
    elif primary_metric is not None and any(child.status == FINISHED for child in children):
        message = describe_missing_metric(children, primary_metric)
        lines.append(f"There is no best: {escape(message, len(message))}.")
    ordered = _sort(children, primary_metric, mode)
    head = " ".join([*lines, *_link_comparison(ordered, experiment_id)])
    parameters = (list(grid) or name_varying(children, {}))[:_MOST_PARAMETERS]
    metrics = choose_metrics(children, primary_metric)
    rows = [format_row(["name", "status", *map(escape, [*parameters, *metrics])])]
    rows.append(format_rule(2 + len(parameters) + len(metrics)))
    for child in ordered[:_MOST_ROWS]:
        values = [escape(child.parameters[name]) if name in child.parameters else "" for name in parameters]
        cells = [_link(child, experiment_id), _describe_status(child), *values]
        rows.append(format_row([*cells, *(_format_metric(child, name) for name in metrics)]))
    return _fit(head, rows, len(children))


def _fit(head: str, rows: list[str], children: int) -> str:
    """Returns as many rows as fit."""
    for count in range(len(rows), 2, -1):
        left_out = children - (count - 2)
        tail = f"\n\nHere are {count - 2} of them; all are in `sweep/summary.csv`." if left_out else ""
        text = "\n".join([head, "", *rows[:count]]) + tail
        if len(text) <= LONGEST_DESCRIPTION:
            return text
    return head[:LONGEST_DESCRIPTION]


def _describe_grid(grid: Mapping[str, Sequence[Any]], count: int) -> str:
    trainings = "1 training" if count == 1 else f"{count} trainings"
    if not grid:
        return f"{trainings}: "
    words = [f"{escape(name)} ({_list_values(values)})" for name, values in list(grid.items())[:_MOST_PARAMETERS]]
    if len(grid) > _MOST_PARAMETERS:
        words.append(f"{len(grid) - _MOST_PARAMETERS} more")
    return f"{trainings} over {'; '.join(words)}: "


def _list_values(values: Sequence[Any]) -> str:
    shown = [escape(value, _LONGEST_VALUE) for value in values[:_MOST_VALUES]]
    return ", ".join([*shown, "…"] if len(values) > _MOST_VALUES else shown)


def _describe_ends(children: Sequence[SweepChildResult]) -> str:
    counts = Counter(child.status for child in children)
    known = [status for status in name_all([dict.fromkeys((FINISHED, FAILED, KILLED, PRUNED, NOT_STARTED)), counts])]
    return ", ".join(f"{counts[status]} {escape(status.lower())}" for status in known if counts[status]) or "nothing"


def _sort(children: Sequence[SweepChildResult], primary_metric: str | None, mode: Mode) -> list[SweepChildResult]:
    def rank(child: SweepChildResult) -> tuple[bool, float]:
        value = None if primary_metric is None else child.get_metric(primary_metric)
        return value is None, 0 if value is None else -value if mode == "max" else value

    return sorted(children, key=rank)


def _describe_status(child: SweepChildResult) -> str:
    status = escape(child.status.lower())
    return f"{status}: {escape(child.failure)}" if child.failure else status


def _link(child: SweepChildResult, experiment_id: str) -> str:
    name = escape(child.name)
    return name if child.run_id is None else f"[{name}]({link_run(experiment_id, child.run_id)})"


def _link_comparison(ordered: Sequence[SweepChildResult], experiment_id: str) -> list[str]:
    """Links to MLflow's page that shows runs side by side."""
    run_ids = [child.run_id for child in ordered if child.run_id is not None]
    if len(run_ids) < 2:
        return []
    words = "Compare them" if len(run_ids) <= _MOST_COMPARED else f"Compare the first {_MOST_COMPARED}"
    runs, experiments = (quote_list(each) for each in (run_ids[:_MOST_COMPARED], [experiment_id]))
    return [f"[{words}](#/compare-runs?runs={runs}&experiments={experiments})"]


def _format_metric(child: SweepChildResult, name: str) -> str:
    value = child.metrics.get(name)
    return "" if value is None else f"{value:.6g}"
