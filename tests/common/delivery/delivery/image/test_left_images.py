"""Unnamed images of builds that were cut short are removed when no build can need them."""

import time
from typing import Any

import docker.errors

from tg.common.delivery.delivery.image.left_images import remove_left_images
from tg.common.system.process_mark import mark_process

DAY = 24 * 3600


class Engine:
    """Has images, each with an id, the time of its creation and its builder; the last one is in use.

    The same holds for its containers, of which none is.
    """

    def __init__(self, *objects: tuple[str, int, str | None]) -> None:
        self._images = objects
        self.filters: Any = None
        self.container_filters: Any = None
        self.removed: list[str] = []
        self.removed_containers: list[str] = []

    def containers(self, all: bool, filters: Any) -> list[dict[str, Any]]:
        assert all, "those that never ran are what is left"
        self.container_filters = filters
        return self._describe()

    def remove_container(self, name: str, v: bool, force: bool) -> None:
        self.removed_containers.append(name)

    def images(self, filters: Any) -> list[dict[str, Any]]:
        self.filters = filters
        return self._describe()

    def _describe(self) -> list[dict[str, Any]]:
        return [
            {"Id": name, "Created": created, "Labels": None if builder is None else {"tg-mlflow.builder": builder}}
            for name, created, builder in self._images
        ]

    def remove_image(self, name: str) -> None:
        if name == self._images[-1][0]:
            raise docker.errors.APIError("it is in use")
        self.removed.append(name)


def test_those_that_no_living_process_builds_are_removed() -> None:
    now, own = int(time.time()), mark_process()
    place, pid, start = own.split(" ")
    engine = Engine(
        ("living", now, own),
        ("dead", now, f"{place} {pid} {int(start) + 1}"),
        ("another machine's", now, f"another {pid} 1"),
        ("unknown", now - DAY + 60, None),
        ("old", now - DAY - 60, None),
        ("old and another machine's", now - DAY - 60, f"another {pid} 1"),
        ("used", 1, None),
    )
    assert remove_left_images(engine) == 3
    assert engine.removed == ["dead", "old", "old and another machine's"]
    assert engine.removed_containers == ["dead", "old", "old and another machine's", "used"]
    assert engine.container_filters == {"name": "^/tg-mlflow-layer-"}
    assert engine.filters == {"dangling": True, "label": "tg-mlflow.build"}
