"""Figures of predictions and models, drawn with matplotlib from data frames.

It knows nothing of MLflow, runs and trainings.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "sample_rows": ".row_sample",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.figures.row_sample import sample_rows as sample_rows
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
