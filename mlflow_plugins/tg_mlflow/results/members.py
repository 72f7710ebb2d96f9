"""The members of an archive for each run of a training on one table, and how to read them."""

import pandas as pd

from tg.common.delivery.sagemaker import ResultArchive

RESULT_DF = "runs/{run}/result_df.parquet"
TRAINING_TASK = "runs/{run}/training_task.pkl"
MODEL = "runs/{run}/model.pkl"
METRICS = "runs/{run}/metrics.pkl"


def read_result_df(archive: ResultArchive, run: int, columns: list[str] | None = None) -> pd.DataFrame:
    """Reads the predictions of a run's model, with the columns ``predicted``, ``true`` and ``stage`` at least.

    Args:
        archive: A training's on one table.
        run: Its number.
        columns: The ones to read; by default, all of them.

    Raises:
        ResultArchiveError: If the archive does not have them.
    """
    return pd.read_parquet(archive.get_path(RESULT_DF.format(run=run)), columns=columns)
