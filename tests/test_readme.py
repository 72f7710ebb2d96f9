"""The README's tables of keys, against the configuration that is read."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import LogConfig, PlaceConfig
from tg_mlflow.places.image_config import BuildConfig, ImageConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.option_fields import describe_keys, format_reference
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
MODELS: list[type[BaseModel]] = [AttachedConfig, ProcessConfig, LocalConfig, RemoteConfig, LogConfig, BuildConfig]


def find_table(before: str, header: str = "| key | default | meaning |") -> str:
    """The first table with a header after a text."""
    rest = README[README.index(header, README.index(before)) :]
    return rest.partition("\n\n")[0]


def find_keys(table: str, column: int = 0) -> list[str]:
    rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines()[2:]]
    return [key for row in rows for key in re.findall(r"`(\w+)`", row[column])]


def keys_of(model: type[PlaceConfig], *without: type[PlaceConfig]) -> set[str]:
    return set(model.model_fields).difference(*(each.model_fields for each in without))


def test_the_keys_of_all_places_are_those_that_are_read() -> None:
    common = find_keys(find_table("### Backend config"))
    swept = find_keys(find_table("tg-mlflow sweep", "| `tg-mlflow sweep` | key | default | meaning |"), column=1)
    assert sorted([*common, *swept]) == sorted(keys_of(ProcessConfig) - {"env_manager"})


def test_the_keys_of_child_processes_are_those_that_are_read() -> None:
    assert find_keys(find_table("for `tg-process`:")) == ["env_manager"]


def test_the_keys_of_images_are_those_that_are_read() -> None:
    table = find_table("for `tg-local` and `tg-sagemaker`:")
    assert sorted(find_keys(table)) == sorted(keys_of(ImageConfig, PlaceConfig))
    assert [key for key in BuildConfig.model_fields if f"`{key}`" not in table] == []


def test_the_keys_of_local_containers_are_those_that_are_read() -> None:
    table = find_table("for `tg-local`:")
    assert sorted(find_keys(table)) == sorted(keys_of(LocalConfig, ImageConfig, ProcessConfig))


def test_the_keys_of_the_log_are_those_that_are_read() -> None:
    (row,) = (row for row in find_table("### Backend config").splitlines() if row.startswith("| `log` |"))
    assert [key for key in LogConfig.model_fields if key not in row] == []


def test_the_reference_of_sagemaker_is_derived_from_its_options() -> None:
    own = keys_of(RemoteConfig, ImageConfig, ProcessConfig)
    first = ["role", "bucket", "dry_run"]
    keys = [*first, *(key for key in RemoteConfig.model_fields if key in own and key not in first)]
    assert find_table("and for `tg-sagemaker`:") == format_reference(RemoteConfig, keys)


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    assert [key for key, text in describe_keys(model).items() if not re.fullmatch(r"\S.*\.", text)] == []
