"""Compares the trainings of a sweep: table, description, figures, the best one.

It reads results and writes artifacts; it trains nothing.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "SweepChildResult": ".table",
    "build_sweep_table": ".table",
    "log_sweep_summary": ".summary",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.sweeps.report.summary import log_sweep_summary as log_sweep_summary
    from tg_mlflow.sweeps.report.table import SweepChildResult as SweepChildResult
    from tg_mlflow.sweeps.report.table import build_sweep_table as build_sweep_table
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
