"""Formats what trainings cost at most, for people who are about to start them."""

from collections.abc import Sequence

from tg_mlflow.description.durations import format_duration
from tg_mlflow.places.training_price import TrainingPrice

_UNKNOWN = "?"
_HEADER = ("MACHINE", "USD/HOUR", "MACHINES", "TRAININGS", "TIME LIMIT", "USD AT MOST")


def format_cost_table(prices: Sequence[TrainingPrice], trainings: int, most_usd: float | None = None) -> list[str]:
    """Formats a table, a row for each machine that may be taken, and lines that say what is not in it.

    Args:
        prices: Those of the machines, the first choice first.
        trainings: How many trainings there are.
        most_usd: The bound at which they are stopped, if there is one.
    """
    rows = [_HEADER, *(_format_row(each, trainings) for each in prices)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) if number else cell.ljust(width) for number, (cell, width) in enumerate(cells))
        for cells in ([*zip(row, widths, strict=True)] for row in rows)
    ]
    problems = dict.fromkeys(each.price.problem for each in prices if each.price.problem is not None)
    bound = [] if most_usd is None else [f"All are stopped when they have cost {most_usd:.2f} USD (max_cost)"]
    return [*lines, *problems, *bound]


def _format_row(price: TrainingPrice, trainings: int) -> tuple[str, ...]:
    hourly, most = price.price.usd_per_hour, price.usd_at_most
    return (
        price.machine,
        _UNKNOWN if hourly is None else f"{hourly.normalize():f}",
        str(price.count),
        str(trainings),
        format_duration(price.most_seconds),
        _UNKNOWN if most is None else f"{most * trainings:.2f}",
    )
