import logging
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tg_mlflow.places import registry


@pytest.fixture(autouse=True)
def forgotten_places() -> Iterator[None]:
    registry._load_places.cache_clear()
    yield
    registry._load_places.cache_clear()


def test_a_place_that_cannot_be_loaded_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "place_that_exits.py").write_text("import sys\nsys.exit('no licence')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    values = {
        "tg-process": "tg_mlflow.places.process:ProcessPlace",
        "tg-lost": "no_module_of_this_name:Place",
        "tg-exiting": "place_that_exits:Place",
        "tg-misnamed": "tg_mlflow.places.process:ProcessPlace",
    }
    points = [EntryPoint(name, value, registry.ENTRY_POINT_GROUP) for name, value in values.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    caplog.set_level(logging.WARNING, "mlflow.tg_mlflow")

    assert list(registry.list_places()) == ["tg-process"]
    assert caplog.messages == [
        "The place 'tg-exiting' cannot be used: SystemExit: no licence",
        "The place 'tg-lost' cannot be used: ModuleNotFoundError: No module named 'no_module_of_this_name'",
        "The place 'tg-misnamed' cannot be used: TypeError: tg_mlflow.places.process:ProcessPlace is no Place of that "
        "name",
    ]
    assert "place_that_exits" not in sys.modules


def test_a_place_is_loaded_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"tg-process": "tg_mlflow.places.process:ProcessPlace", "tg-lost": "no_module_of_this_name:Place"}
    points = [EntryPoint(name, value, registry.ENTRY_POINT_GROUP) for name, value in values.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    caplog.set_level(logging.WARNING, "mlflow.tg_mlflow")
    assert registry.find_place("tg-process") is registry.find_place("tg-process")
    assert caplog.messages == []
    assert "tg-lost" not in registry.list_places()
    assert len(caplog.messages) == 1
