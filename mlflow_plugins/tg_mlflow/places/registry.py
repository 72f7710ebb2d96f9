"""Finds installed places by name, ours and those of other distributions alike."""

import functools
import logging
from importlib.metadata import EntryPoint, entry_points

from tg.common.errors import suggestion
from tg.common.exception_text import describe_exception
from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.place import Place

_logger = logging.getLogger("mlflow.tg_mlflow")

ENTRY_POINT_GROUP = "tg_mlflow.places"


def find_place(name: str) -> Place:
    """Finds a place by its name.

    Raises:
        BackendConfigError: If there is no place of this name.
    """
    places = list_places()
    if name not in places:
        raise BackendConfigError(f"backend {name!r} is unknown; {suggestion(name, places)}")
    return places[name]


def list_places() -> dict[str, Place]:
    """Lists all places that are installed, by name. One that cannot be loaded is left out with a warning."""
    return dict(_load_places())


@functools.cache
def _load_places() -> dict[str, Place]:
    found = {each.name: each for each in entry_points(group=ENTRY_POINT_GROUP)}
    loaded = {name: _load(found[name]) for name in sorted(found)}
    return {name: place for name, place in loaded.items() if place is not None}


def _load(entry_point: EntryPoint) -> Place | None:
    try:
        place = entry_point.load()()
        if not isinstance(place, Place) or place.name != entry_point.name:
            raise TypeError(f"{entry_point.value} is no Place of that name")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another distribution's code must not affect the others
        _logger.warning("The place %r cannot be used: %s", entry_point.name, describe_exception(error))
        return None
    return place
