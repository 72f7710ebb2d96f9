"""Finds the run that a user means: by its id, by the beginning of that, by its name, or as the newest one."""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from tg_mlflow.errors import RunNotOursError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.search import search_own_runs
from tg_mlflow.tracking.tags import SWEEP_NAME_TAG

LAST = "last"

_ID = re.compile(r"[0-9a-f]{32}")
_BEGINNING = re.compile(r"[0-9a-f]{4,31}")
_MOST_SHOWN = 10
_SHORTEST_SHOWN = 8
_LAST_PAGE = 50


def find_run_id(client: TrackingClient, given: str) -> str:
    """Finds the id of the run that a user means.

    Args:
        client: The tracking server's, which is not asked about a full id: its run may be deleted, or not be ours.
        given: A full id; or, of a run of ours that is not deleted, at least four characters with which only its id
            begins, or its name if no other one has that; or ``last`` for the newest one, where a sweep's trainings do
            not count.

    Raises:
        RunNotOursError: If there is no such run, or several.
        TrackingError: If the tracking server does not answer.
    """
    if _ID.fullmatch(given):
        return given
    if given == LAST:
        return _find_last(client)
    found = {run.info.run_id: run for run in _search(client, given)}
    if len(found) == 1:
        return str(next(iter(found)))
    if not found:
        raise RunNotOursError(
            f"there is no run {given!r} of tg-mlflow in {client.tracking_uri}; give its id, at least the first four "
            f"characters of that, its name, or `{LAST}` for the newest one, as `tg-mlflow list` shows them"
        )
    raise RunNotOursError(f"{given!r} may be {_describe(found)}; give more of the id")


def is_training_of_sweep(run: Run) -> bool:
    """Whether a run is one of the trainings of a sweep, or of a study."""
    return {SWEEP_NAME_TAG, MLFLOW_PARENT_RUN_ID} <= run.data.tags.keys()


def find_short_length(run_ids: Iterable[str]) -> int:
    """Returns how many characters of each id tell it from the others."""
    length = _SHORTEST_SHOWN
    for first, second in pairwise(sorted(set(run_ids))):
        while first[:length] == second[:length]:
            length += 1
    return length


def _find_last(client: TrackingClient) -> str:
    for run in search_own_runs(client, page_size=_LAST_PAGE):
        if not is_training_of_sweep(run):
            return str(run.info.run_id)
    raise RunNotOursError(f"there is no run of tg-mlflow in {client.tracking_uri}; check the tracking URI")


def _search(client: TrackingClient, given: str) -> Iterator[Run]:
    if _BEGINNING.fullmatch(given):
        yield from search_own_runs(client, f"attributes.run_id LIKE '{given}%'")
    quote = next((each for each in "'\"" if each not in given), None)
    if given and quote is not None:  # MLflow's filters cannot have a name with both
        yield from search_own_runs(client, f"attributes.run_name = {quote}{given}{quote}")


def _describe(found: dict[str, Run]) -> str:
    length = find_short_length(found)
    shown = [f"{run_id[:length]} ({run.info.run_name}, {run.info.status})" for run_id, run in found.items()]
    left_out = len(shown) - _MOST_SHOWN
    return ", ".join(shown[:_MOST_SHOWN]) + (f" or {left_out} others" if left_out > 0 else "")
