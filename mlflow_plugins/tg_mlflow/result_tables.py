"""Shows a sample of what a model predicts as a table of its run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from tg.common.delivery.sagemaker import ResultArchive

# What an archive has of each run of a training on one table.
RESULT_DF = "runs/{run}/result_df.parquet"
TRAINING_TASK = "runs/{run}/training_task.pkl"
MODEL = "runs/{run}/model.pkl"

TABLE = "tables/result_df.json"
MOST_ROWS = 1000

# Opens a context in which the part of this name is made; if it fails, that part is missing and everything else goes on.
Attempt: TypeAlias = Callable[[str], AbstractContextManager[None]]


def log_result_table(client: MlflowClient, run_id: str, archive: ResultArchive) -> None:
    """Logs at most 1,000 rows of the first run's ``result_df``, each with its index, as ``tables/result_df.json``.

    Does nothing if it is there, as MLflow would add the rows to it.

    Raises:
        Exception: What the archive or the tracking server has against it.
    """
    if any(each.path == TABLE for each in client.list_artifacts(run_id, TABLE.partition("/")[0])):
        return
    frame = sample_rows(read_result_df(archive, 0)).reset_index()
    # For MLflow's page, what is before a dot in a column's name is another table, and the cell is empty.
    frame = frame.rename(columns=lambda name: str(name).replace(".", "/"))
    client.log_table(run_id, data=frame, artifact_file=TABLE)


def read_result_df(archive: ResultArchive, run: int) -> pd.DataFrame:
    """Reads what a run's model predicts, with the columns ``predicted``, ``true`` and ``stage`` at least.

    Raises:
        ResultArchiveError: If the archive does not have it.
    """
    return pd.read_parquet(archive.get_path(RESULT_DF.format(run=run)))


def sample_rows(frame: pd.DataFrame, most: int = MOST_ROWS) -> pd.DataFrame:
    """Takes at most ``most`` rows, in their order and always the same ones."""
    if len(frame) <= most:
        return frame
    chosen = np.random.default_rng(0).choice(len(frame), size=most, replace=False)
    return frame.iloc[np.sort(chosen)]
