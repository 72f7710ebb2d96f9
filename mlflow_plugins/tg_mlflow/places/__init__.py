"""Where trainings run: what a place is, how it is found, its configuration, and our four places.

A place of another distribution imports :class:`Place`, :class:`PlaceConfig`, :class:`JobConfig` and
:class:`ImageConfig` from here. It knows nothing of projects, trainings and runs, except the names of tags.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "ImageConfig": ".image_config",
    "JobConfig": ".config",
    "LogConfig": ".config",
    "Place": ".place",
    "PlaceConfig": ".config",
    "check_config": ".loading",
    "find_place": ".registry",
    "list_places": ".registry",
    "load_config": ".loading",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.places.config import JobConfig as JobConfig
    from tg_mlflow.places.config import LogConfig as LogConfig
    from tg_mlflow.places.config import PlaceConfig as PlaceConfig
    from tg_mlflow.places.image_config import ImageConfig as ImageConfig
    from tg_mlflow.places.loading import check_config as check_config
    from tg_mlflow.places.loading import load_config as load_config
    from tg_mlflow.places.place import Place as Place
    from tg_mlflow.places.registry import find_place as find_place
    from tg_mlflow.places.registry import list_places as list_places
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
