"""Unnamed images of builds that were cut short are removed when no build can need them."""

import time
from typing import Any

import docker.errors

from tg.common.delivery.delivery.image.left_images import remove_left_images


class Engine:
    """Has images by their ids, with the time of their creation; the last one is in use."""

    def __init__(self, images: dict[str, int | str]) -> None:
        self.images_by_id = images
        self.filters: Any = None
        self.removed: list[str] = []

    def images(self, filters: Any) -> list[dict[str, Any]]:
        self.filters = filters
        return [{"Id": name, "Created": created} for name, created in self.images_by_id.items()]

    def remove_image(self, name: str) -> None:
        if name == [*self.images_by_id][-1]:
            raise docker.errors.APIError("it is in use")
        self.removed.append(name)


def test_old_ones_of_builds_of_ours_are_removed() -> None:
    day = 24 * 3600
    now = int(time.time())
    engine = Engine({"young": now - day + 60, "old": now - day - 60, "written": "2020-01-01T00:00:00.1Z", "used": 1})
    assert remove_left_images(engine) == 2
    assert engine.removed == ["old", "written"]
    assert engine.filters == {"dangling": True, "label": "tg-mlflow.build"}
