from typing import Any

import docker.errors

from tg.common.delivery.delivery.image.built_images import BuiltImage, list_built_images, remove_built_image


class Engine:
    """Has three images that were built; the one of ``points:1`` is in use."""

    def __init__(self) -> None:
        self.filters: Any = None
        self.removed: list[str] = []

    def images(self, filters: Any) -> list[dict[str, Any]]:
        self.filters = filters
        return [
            {"RepoTags": ["points:2", "another:2"], "Created": 200, "Size": 7},
            {"RepoTags": ["<none>:<none>"], "Created": 50, "Size": 7},
            {"RepoTags": None, "Created": 60, "Size": 7},
            {"RepoTags": ["points:1"], "Created": 100, "Size": 5},
        ]

    def remove_image(self, name: str) -> None:
        if name == "points:1":
            raise docker.errors.APIError("it is in use")
        self.removed.append(name)


def test_named_images_are_listed_the_oldest_first() -> None:
    engine = Engine()
    assert list_built_images(engine) == [
        BuiltImage("points:1", 100, 5),
        BuiltImage("another:2", 200, 7),
        BuiltImage("points:2", 200, 7),
    ]
    assert engine.filters == {"label": "tg-mlflow.build"}


def test_one_in_use_stays() -> None:
    engine = Engine()
    assert [remove_built_image(engine, each) for each in list_built_images(engine)] == [False, True, True]
    assert engine.removed == ["another:2", "points:2"]
