"""Tells MLflow which artifacts of a run are tables, so that its pages and ``load_table`` find them."""

import json
from collections.abc import Iterable

from mlflow import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

# MLflow cuts longer tags, and a list that is cut is none.
_LONGEST = 5000


def note_tables(client: MlflowClient, run_id: str, paths: Iterable[str]) -> None:
    """Adds tables to those of a run, as far as there is room; noting one again changes nothing.

    Raises:
        Exception: Any exception of the client.
    """
    known = _read(client.get_run(run_id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS))
    tables = known + [entry for path in paths if (entry := {"path": path, "type": "table"}) not in known]
    while len(json.dumps(tables)) > _LONGEST:
        tables.pop()
    if len(tables) > len(known):
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps(tables))


def _read(tag: str | None) -> list[object]:
    try:
        known = json.loads(tag or "[]")
    except ValueError:
        return []
    return known if isinstance(known, list) else []
