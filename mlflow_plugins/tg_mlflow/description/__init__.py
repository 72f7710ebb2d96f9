"""What people read first on a run's page: its description in Markdown, made from the run's own data, a section each.

It is given a client and a run; it knows no executors, and what it cannot say fails nothing.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "RunDescription": ".run_description",
    "end_described": ".writing",
    "write_description": ".writing",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.description.run_description import RunDescription as RunDescription
    from tg_mlflow.description.writing import end_described as end_described
    from tg_mlflow.description.writing import write_description as write_description
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
