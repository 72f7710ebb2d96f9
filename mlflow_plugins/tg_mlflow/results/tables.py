"""Logs a sample of a model's predictions as a table of its run."""

import json
from typing import Any

import pandas as pd
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from tg.common.delivery.sagemaker import ResultArchive
from tg_mlflow.figures.row_sample import sample_rows
from tg_mlflow.results.members import number_repeated, read_result_df
from tg_mlflow.tracking.client import TrackingClient

TABLE = "tables/result_df.json"

_TABLE_ENTRY = {"path": TABLE, "type": "table"}


def log_result_table(client: TrackingClient, run_id: str, archive: ResultArchive) -> None:
    """Logs at most 1,000 rows of the first run's ``result_df``, each with its index, as ``tables/result_df.json``.

    An existing table, perhaps an incomplete one, is replaced; MLflow's ``log_table`` would append the rows.

    Raises:
        Exception: Any exception of the archive or the tracking server.
    """
    table = build_result_table(read_result_df(archive, 0))
    text = table.to_json(orient="split", index=False, date_format="iso", double_precision=15)
    client.log_text(run_id, text, TABLE)
    logged = json.loads(client.get_run(run_id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
    if _TABLE_ENTRY not in logged:  # by which MLflow's pages and `load_table` find it
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([*logged, _TABLE_ENTRY]))


def build_result_table(result_df: pd.DataFrame) -> pd.DataFrame:
    """Returns at most 1,000 rows, with the index, distinct names, and values that JSON can represent."""
    sample = sample_rows(result_df)
    levels = sample.index.nlevels
    unnamed = ["index"] if levels == 1 else [f"level_{number}" for number in range(levels)]
    index = [other if name is None else name for name, other in zip(sample.index.names, unnamed, strict=True)]
    # MLflow's page takes a dot in a column's name for nesting, and shows an empty cell.
    names = number_repeated(str(name).replace(".", "/") for name in [*sample.columns, *index])
    count = len(sample.columns)
    columns = {names[count + number]: sample.index.get_level_values(number).array for number in range(levels)}
    columns |= {names[number]: sample.iloc[:, number].array for number in range(count)}
    return pd.DataFrame({name: _as_json(pd.Series(values)) for name, values in columns.items()})


def _as_json(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.IntervalDtype):  # of which pandas would write ten properties
        return column.map(str)
    try:
        column.to_json()
    except (OverflowError, TypeError, ValueError):  # of bytes, of periods, and of lists of them
        return column.map(str)
    return column
