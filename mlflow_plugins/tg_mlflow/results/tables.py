"""Logs a sample of a model's predictions as a table of its run."""

import pandas as pd
from mlflow.entities import Run

from tg.common.delivery.sagemaker import ResultArchive
from tg.common.ml.tables.json_table import build_json_table, format_json_table
from tg_mlflow.figures.row_sample import sample_rows
from tg_mlflow.results.members import read_result_df
from tg_mlflow.tracking.client import TrackingClient

TABLE = "tables/result_df.json"


def log_result_table(client: TrackingClient, run: Run, archive: ResultArchive) -> None:
    """Logs at most 1,000 rows of the first run's ``result_df``, each with its index, as ``tables/result_df.json``.

    An existing table, perhaps an incomplete one, is replaced; MLflow's ``log_table`` would append the rows.

    Raises:
        Exception: Any exception of the archive or the tracking server.
    """
    table = build_result_table(read_result_df(archive, 0))
    client.log_text(run.info.run_id, format_json_table(table), TABLE)
    client.note_tables(run.info.run_id, [TABLE], run)


def build_result_table(result_df: pd.DataFrame) -> pd.DataFrame:
    """Returns at most 1,000 rows, with the index, distinct names, and values that JSON can represent."""
    return build_json_table(sample_rows(result_df))
