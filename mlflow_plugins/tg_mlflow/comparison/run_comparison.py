"""Compares what two runs remember."""

from collections.abc import Iterator

from tg_mlflow.comparison.code import compare_code, compare_tasks
from tg_mlflow.comparison.datasets import compare_data
from tg_mlflow.comparison.differences import (
    CAUSES,
    FIRST,
    OUTCOMES,
    SECOND,
    Comparison,
    Difference,
    compare_named,
    compare_values,
    count,
)
from tg_mlflow.comparison.environments import compare_environments
from tg_mlflow.comparison.metric_history import compare_histories
from tg_mlflow.comparison.predictions import compare_predictions
from tg_mlflow.comparison.run_record import RunRecord
from tg_mlflow.tracking.tags import (
    EXIT_CODE_TAG,
    MISSING_LOG_TAG,
    PLACE_TAG,
    REFUSED_METRICS_TAG,
)

_ORDER = (*CAUSES, *OUTCOMES)


def compare(first: RunRecord, second: RunRecord) -> Comparison:
    """Names all in which two runs differ. What a run has not recorded is never the same as anything."""
    made_of = [
        *compare_code(first, second),
        *compare_data(first, second),
        *compare_named("parameter", first.params, second.params),
        *_compare_config(first, second),
        *_compare_places(first, second),
        *compare_environments(first, second),
    ]
    names = sorted({*first.metrics, *second.metrics})
    metrics = {
        name: compare_histories(name, first.metrics.get(name, ()), second.metrics.get(name, ())) for name in names
    }
    equal = [len(first.metrics[name]) for name, difference in metrics.items() if difference is None]
    differences: list[Difference] = [
        *made_of,
        *compare_tasks(first, second, made_of),
        *(difference for difference in metrics.values() if difference is not None),
        *_note_missing_metrics(first, second),
        *compare_predictions(first, second),
        *_compare_status(first, second),
    ]
    return Comparison(tuple(sorted(differences, key=lambda each: _ORDER.index(each.kind))), len(equal), sum(equal))


def _compare_config(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    if first.config is None or second.config is None:
        configs = (None if each.config is None else count(len(each.config), "key") for each in (first, second))
        yield from compare_values("config", "configuration", *configs)
    else:
        yield from compare_named("config", first.config, second.config)


def _compare_places(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    yield from compare_values("place", "place", *(each.tags.get(PLACE_TAG) for each in (first, second)))
    if first.place_options is not None and second.place_options is not None:  # else the configuration is missing, too
        yield from compare_named("place", first.place_options, second.place_options)


def _note_missing_metrics(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    """Names what tells that a run does not have all metrics of its training."""
    for tag, name in (
        (MISSING_LOG_TAG, "what is missing of the log"),
        (REFUSED_METRICS_TAG, "what MLflow has refused"),
    ):
        values = ["not recorded" if tag in each.tags else "nothing" for each in (first, second)]
        if sides := tuple(side for side, value in zip((FIRST, SECOND), values, strict=True) if value != "nothing"):
            yield Difference("metric", name, values[0], values[1], sides)


def _compare_status(first: RunRecord, second: RunRecord) -> Iterator[Difference]:
    status = [f"{each.run.info.status}{' (it goes on)' if each.is_running else ''}" for each in (first, second)]
    sides = tuple(side for side, record in ((FIRST, first), (SECOND, second)) if record.is_running)
    if sides or status[0] != status[1]:
        yield Difference("status", "status", status[0], status[1], sides)
    codes = [each.tags.get(EXIT_CODE_TAG) for each in (first, second)]
    if None not in codes:
        yield from compare_values("status", "exit code", *codes)
