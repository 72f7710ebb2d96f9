"""From a project and a configuration to a package: what is trained, with which code, data and secrets.

It knows nothing of runs and executors.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "ProjectTraining": ".project_training",
    "build_deliveries": ".project_delivery",
    "build_delivery": ".project_delivery",
    "build_options": ".project_delivery",
    "find_config_secrets": ".secrets",
    "find_secrets": ".secrets",
    "warn_of_ignored_settings": ".ignored_settings",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.delivery.ignored_settings import warn_of_ignored_settings as warn_of_ignored_settings
    from tg_mlflow.delivery.project_delivery import build_deliveries as build_deliveries
    from tg_mlflow.delivery.project_delivery import build_delivery as build_delivery
    from tg_mlflow.delivery.project_delivery import build_options as build_options
    from tg_mlflow.delivery.project_training import ProjectTraining as ProjectTraining
    from tg_mlflow.delivery.secrets import find_config_secrets as find_config_secrets
    from tg_mlflow.delivery.secrets import find_secrets as find_secrets
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
