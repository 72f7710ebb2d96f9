"""What is checked before a training is tried: checks, how they are made and shown, and those that all places share.

What a place needs is known by the place, which lists its own checks (:meth:`Place.list_checks`) with what is here.
Nothing is changed by a check, and nothing is left behind.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "Check": ".check",
    "Examined": ".examination",
    "Finding": ".check",
    "Outcome": ".check",
    "examine": ".examination",
    "format_json": ".report",
    "format_lines": ".report",
    "list_docker_checks": ".docker_checks",
    "list_machine_checks": ".machine_checks",
    "list_store_checks": ".store_checks",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.diagnosis.check import Check as Check
    from tg_mlflow.diagnosis.check import Finding as Finding
    from tg_mlflow.diagnosis.check import Outcome as Outcome
    from tg_mlflow.diagnosis.docker_checks import list_docker_checks as list_docker_checks
    from tg_mlflow.diagnosis.examination import Examined as Examined
    from tg_mlflow.diagnosis.examination import examine as examine
    from tg_mlflow.diagnosis.machine_checks import list_machine_checks as list_machine_checks
    from tg_mlflow.diagnosis.report import format_json as format_json
    from tg_mlflow.diagnosis.report import format_lines as format_lines
    from tg_mlflow.diagnosis.store_checks import list_store_checks as list_store_checks
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
