"""Which runs of ours there are, and which of them a user means. It looks at runs only, not at their jobs."""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "ListedRun": ".run_list",
    "RunList": ".run_list",
    "find_run_id": ".run_choice",
    "format_json": ".run_table",
    "format_table": ".run_table",
    "list_runs": ".run_list",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.listing.run_choice import find_run_id as find_run_id
    from tg_mlflow.listing.run_list import ListedRun as ListedRun
    from tg_mlflow.listing.run_list import RunList as RunList
    from tg_mlflow.listing.run_list import list_runs as list_runs
    from tg_mlflow.listing.run_table import format_json as format_json
    from tg_mlflow.listing.run_table import format_table as format_table
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
