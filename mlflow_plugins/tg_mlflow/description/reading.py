"""Reads what a description says."""

from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath

from tg_mlflow.description.facts import FOLD_PREFIX, RunFacts
from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient

# So many requests a description costs at most, besides those for the run.
_MOST_HISTORIES = 12
_MOST_FOLDERS = 4
_PICTURES = {".png", ".svg", ".jpg", ".jpeg", ".gif", ".html"}
# What every run has, or no pictures.
_OTHER_FOLDERS = {"logs", "model", "package", "result", "sweep", "tables"}


def complete_facts(client: TrackingClient, facts: RunFacts) -> RunFacts:
    """Adds what is not in the run itself: the metrics of its splits, and once it has ended, the names of its figures.

    What is not to be had is left out. An artifact store that is away is not waited for.
    """
    run_id = facts.run.info.run_id
    with suppress(TrackingError):
        folds = {name: _read_fold_values(client, run_id, name) for name in facts.fold_names[:_MOST_HISTORIES]}
        facts = replace(facts, folds=folds)
    if facts.has_ended:
        with suppress(TrackingError):
            facts = _add_pictures(client.without_patience(), facts)
    return facts


def _read_fold_values(client: TrackingClient, run_id: str, name: str) -> list[float]:
    points = client.get_metric_history(run_id, f"{FOLD_PREFIX}{name}")
    # The last one of each split: an attempt may have been repeated.
    last = {point.step: point.value for point in sorted(points, key=lambda point: (point.step, point.timestamp))}
    return list(last.values())


def _add_pictures(client: TrackingClient, facts: RunFacts) -> RunFacts:
    folders: deque[str | None] = deque([None])
    pictures = list[str]()
    for _ in range(_MOST_FOLDERS):
        if not folders:
            break
        for each in client.list_files(facts.run.info.run_id, folders.popleft()):
            if each.is_dir and each.path not in _OTHER_FOLDERS:
                folders.append(each.path)
            elif PurePosixPath(each.path).suffix.lower() in _PICTURES:
                pictures.append(each.path)
    return replace(facts, pictures=pictures, has_more_pictures=bool(folders))
