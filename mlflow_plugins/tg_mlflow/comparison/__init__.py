"""Two runs beside each other: what each remembers, and in what they differ, down to the last digit.

It reads runs and writes none. It knows the tracking server, packages and result archives, but neither places nor how
trainings are started.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Comparison": ".differences",
    "Difference": ".differences",
    "RunRecord": ".run_record",
    "compare": ".run_comparison",
    "format_json": ".report",
    "format_text": ".report",
    "read_record": ".run_record",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.comparison.differences import Comparison as Comparison
    from tg_mlflow.comparison.differences import Difference as Difference
    from tg_mlflow.comparison.report import format_json as format_json
    from tg_mlflow.comparison.report import format_text as format_text
    from tg_mlflow.comparison.run_comparison import compare as compare
    from tg_mlflow.comparison.run_record import RunRecord as RunRecord
    from tg_mlflow.comparison.run_record import read_record as read_record
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
