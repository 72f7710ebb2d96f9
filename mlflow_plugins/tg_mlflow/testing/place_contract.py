"""The contract of places, as tests that each of them must pass.

A place's test module derives a class from the one here and gives it two fixtures::

    class TestClusterPlace(PlaceContract):
        @pytest.fixture
        def name(self) -> str:
            return "tg-cluster"

        @pytest.fixture
        def given(self) -> dict[str, Any]:
            return {"host": "user@host", "port": 2222}
"""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker import Executor, SagemakerOptions
from tg_mlflow.backend.project_backend import ProjectBackend
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.place import Place
from tg_mlflow.places.registry import ENTRY_POINT_GROUP, find_place

_SECRET = "not-for-others"


class PlaceContract:
    """Tests for every place that is installed."""

    @pytest.fixture
    def name(self) -> str:
        """The place's name."""
        raise NotImplementedError(f"{type(self).__name__} has to have the fixture name")

    @pytest.fixture
    def given(self) -> Mapping[str, Any]:
        """A configuration, with as many of the place's own keys as can stand together."""
        raise NotImplementedError(f"{type(self).__name__} has to have the fixture given")

    @pytest.fixture
    def place(self, name: str) -> Place:
        return find_place(name)

    @pytest.fixture
    def config(self, place: Place, given: Mapping[str, Any], tmp_path: Path) -> PlaceConfig:
        return load_config(place.config_model, tmp_path, given)

    def test_it_is_found_by_its_name_alone(self, place: Place, name: str) -> None:
        assert place.name == place.config_model.place == name
        (entry_point,) = entry_points(group=ENTRY_POINT_GROUP, name=name)
        assert entry_point.load() is type(place)
        (backend,) = entry_points(group="mlflow.project_backend", name=name)
        assert issubclass(backend.load(), ProjectBackend)
        assert backend.load().name == name

    def test_its_keys_are_described(self, place: Place) -> None:
        classes = (
            *place.config_model.__mro__,
            *_find_dataclasses(place.options_model),
            *_find_dataclasses(SagemakerOptions),
        )
        texts = [inspect.getdoc(each) or "" for each in classes]
        described = {name for text in texts for name in re.findall(r"^ {4}(\w+): \S", text, flags=re.MULTILINE)}
        assert set(place.config_model.model_fields) - described == set()

    def test_a_key_that_nobody_knows_is_refused(self, place: Place, given: Mapping[str, Any], tmp_path: Path) -> None:
        with pytest.raises(BackendConfigError, match="the unknown key 'no_such_key'") as caught:
            load_config(place.config_model, tmp_path, {**given, "no_such_key": 1})
        assert "\n" not in str(caught.value)

    def test_a_key_of_another_place_may_stand_in_the_defaults(
        self, place: Place, given: Mapping[str, Any], tmp_path: Path
    ) -> None:
        keys = {"environment": {}, "instance_type": "ml.m5.large", "memory": "4g"}
        (tmp_path / "tg.json").write_text(json.dumps({**keys, **given}))
        assert load_config(place.config_model, tmp_path, {}).place == place.name

    def test_options_come_back_from_the_state_of_a_run(self, place: Place, config: PlaceConfig, tmp_path: Path) -> None:
        options = place.build_options(config, tmp_path)
        assert type(options) is place.options_model
        assert place.read_options(json.loads(json.dumps(place.write_options(options)))) == options

    def test_damaged_options_are_refused(self, place: Place, config: PlaceConfig, tmp_path: Path) -> None:
        written = place.write_options(place.build_options(config, tmp_path))
        for damaged in ({"no_such_option": 1}, *({**written, name: [{}]} for name in written)):
            with pytest.raises(RunNotOursError, match=r"place_options in the tag tg\.state is damaged"):
                place.read_options(damaged)

    def test_its_options_hold_no_secrets(self, place: Place, given: Mapping[str, Any], tmp_path: Path) -> None:
        secret = {
            "hyperparameters": {"token": _SECRET},
            "tags": {"token": _SECRET},
            "environment": {"API_TOKEN": _SECRET},
        }
        known = {key: value for key, value in secret.items() if key in place.config_model.model_fields}
        options = place.build_options(load_config(place.config_model, tmp_path, {**given, **known}), tmp_path)
        assert _SECRET not in json.dumps(place.write_options(options))
        assert _SECRET not in repr(options)

    def test_an_executor_is_opened_from_options_alone(self, place: Place, config: PlaceConfig, tmp_path: Path) -> None:
        options = place.build_options(config, tmp_path)
        for is_shared in (False, True):
            executor = place.open(options, is_shared)
            assert isinstance(executor, Executor)
            assert executor.options == options

    def test_a_job_gets_options_that_it_knows(self, place: Place, config: PlaceConfig) -> None:
        given = place.build_job_options(config)
        assert set(given) <= {each.name for each in fields(SagemakerOptions)}
        common = {"role": None, "bucket": None, "project_name": "project", "datasets_folder": "datasets"}
        assert SagemakerOptions(**{**common, **given}).project_name == "project"

    def test_attempts_begin_with_what_is_given(self, place: Place, config: PlaceConfig) -> None:
        attempts = place.list_attempts(config)
        assert attempts[0] == config
        for each in attempts:
            assert type(each) is place.config_model
            assert place.describe_attempt(each)
            assert type(place.number_job(each, 2)) is place.config_model

    def test_at_least_one_training_runs_at_once(self, place: Place) -> None:
        assert place.default_parallel() >= 1

    def test_its_checks_come_after_those_that_they_need(
        self, place: Place, config: PlaceConfig, tmp_path: Path
    ) -> None:
        known: set[str] = set()
        for check in place.list_checks(config, tmp_path):
            assert check.name not in known
            assert set(check.needs) <= known
            assert 0 < check.seconds <= 60
            known.add(check.name)


def _find_dataclasses(model: type) -> list[type]:
    """Lists a dataclass and those of its fields."""
    inner = [type(each.default_factory()) for each in fields(model) if callable(each.default_factory)]
    return [model, *inner]
