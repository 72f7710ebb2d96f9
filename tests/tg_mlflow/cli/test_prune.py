"""What trainings have left on a machine is listed and removed."""

import time

import pytest
from click.testing import CliRunner

from tg.common.delivery.delivery.image.built_images import BuiltImage
from tg_mlflow.cli.main import main

DAY = 24 * 3600


def say(*words: str) -> list[str]:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_old_images_are_removed_but_those_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time())
    built = [
        BuiltImage("tg-dependencies:1", now - 90 * DAY, 900_000_000),
        BuiltImage("points:1", now - 31 * DAY, 950_000_000),
        BuiltImage("points:2", now - DAY, 950_000_000),
    ]
    removed: list[str] = []

    def remove(client: None, image: BuiltImage) -> bool:
        removed.append(image.name)
        return image.name != "tg-dependencies:1"

    monkeypatch.setattr("tg.common.delivery.delivery.image.docker_client.connect", lambda: None)
    monkeypatch.setattr("tg.common.delivery.delivery.image.built_images.list_built_images", lambda client: built)
    monkeypatch.setattr("tg.common.delivery.delivery.image.built_images.remove_built_image", remove)
    assert say("images", "list")[2] == "points:2  950 MB  1 day old"
    assert say("images", "prune", "--dry-run")[-1] == "2 images would be removed"
    assert removed == []
    assert say("images", "prune") == [
        "tg-dependencies:1 stays: another image or a container needs it",
        "points:1  950 MB  31 days old",
        "1 image removed",
    ]
    assert removed == ["tg-dependencies:1", "points:1"]
