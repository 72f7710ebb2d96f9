"""Finds installed places by name, ours and those of other distributions alike."""

import functools
import logging
from collections.abc import Iterator, Mapping
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


def list_places() -> Mapping[str, Place]:
    """Lists all places that are installed, by name. One that cannot be loaded is left out with a warning.

    Each is loaded when it is first asked for, as loading one takes what it needs, such as AWS's libraries.
    """
    return _load_places()


@functools.cache
def _load_places() -> Mapping[str, Place]:
    return _Places({each.name: each for each in entry_points(group=ENTRY_POINT_GROUP)})


class _Places(Mapping[str, Place]):
    """Places that are loaded one by one; those that cannot be loaded are not there."""

    def __init__(self, found: Mapping[str, EntryPoint]) -> None:
        self._found = found
        self._loaded: dict[str, Place | None] = {}

    def __getitem__(self, name: str) -> Place:
        if name not in self._loaded:
            self._loaded[name] = _load(self._found[name])
        place = self._loaded[name]
        if place is None:
            raise KeyError(name)
        return place

    def __iter__(self) -> Iterator[str]:
        return (name for name in sorted(self._found) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _load(entry_point: EntryPoint) -> Place | None:
    try:
        place = entry_point.load()()
        if not isinstance(place, Place) or place.name != entry_point.name:
            raise TypeError(f"{entry_point.value} is no Place of that name")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - another distribution's code must not affect the others
        _logger.warning("The place %r cannot be used: %s", entry_point.name, describe_exception(error))
        return None
    return place
