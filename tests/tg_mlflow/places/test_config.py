import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import model_validator

from tg_mlflow.errors import BackendConfigError
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.process import ProcessConfig

FROM_MLFLOW = {
    "ENV_MANAGER": None,
    "SYNCHRONOUS": False,
    "DOCKER_ARGS": {},
    "STORAGE_DIR": None,
    "build_image": False,
    "docker_auth": None,
}


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config(AttachedConfig, tmp_path, FROM_MLFLOW)
    assert config.model_dump() == {
        "project_name": None,
        "datasets_folder": "datasets",
        "dataset": None,
        "channels": {},
        "hyperparameters": {},
        "data_files": [],
        "project_limit_mb": 200,
        "metric_regexes": {},
        "tags": {},
        "log": {
            "figures": True,
            "tables": True,
            "dataset": True,
            "model": True,
            "models": "run",
            "check_model": True,
            "archive_limit_mb": 1000,
            "system_metrics_seconds": 10,
            "cost": True,
        },
        "mlflow": "relayed",
        "register": None,
        "secrets": [],
        "sweep": {},
        "sweep_samples": None,
        "sweep_seed": 0,
        "max_parallel": None,
        "primary_metric": None,
        "mode": "max",
        "stop_on_failure": False,
        "resume_from": None,
        "max_cost": None,
    }


@pytest.mark.parametrize(
    ("manager", "given", "expected"),
    [
        (None, {}, "declared"),
        ("local", {}, "local"),
        ("local", {"env_manager": "declared"}, "local"),
        ("virtualenv", {}, "declared"),
        (None, {"env_manager": "local"}, "local"),
    ],
)
def test_the_environment_of_a_child_process_is_the_declared_one_or_what_is_here(
    tmp_path: Path, manager: str | None, given: dict[str, str], expected: str
) -> None:
    config = load_config(ProcessConfig, tmp_path, {**FROM_MLFLOW, "ENV_MANAGER": manager, **given})
    assert config.env_manager == expected
    assert load_config(AttachedConfig, tmp_path, {**FROM_MLFLOW, "ENV_MANAGER": manager}).place == "tg-attached"


def test_what_is_given_goes_before_the_projects_defaults(tmp_path: Path) -> None:
    (tmp_path / "tg.json").write_text('{"dataset": "a.parquet", "project_name": "p"}', encoding="utf-8")
    config = load_config(AttachedConfig, tmp_path, {"dataset": "b.parquet", **FROM_MLFLOW})
    assert (config.dataset, config.project_name) == ("b.parquet", "p")


def test_defaults_may_have_keys_of_other_backends(tmp_path: Path) -> None:
    (tmp_path / "tg.json").write_text('{"dataset": "a.parquet", "memory": "4g"}', encoding="utf-8")
    assert load_config(AttachedConfig, tmp_path, {}).dataset == "a.parquet"
    assert load_config(LocalConfig, tmp_path, {}).memory == "4g"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"datset": "x"}, "the backend config has the unknown key 'datset'; did you mean 'dataset'?"),
        ({"zzz": 1}, "the backend config has the unknown key 'zzz'; there is 'project_name', 'datasets_folder'"),
        ({"dataset": 3}, "the backend config has 'dataset' = 3: Input should be a valid string"),
        ({"tags": {"a": 1}}, "the backend config has 'tags.a' = 1: Input should be a valid string"),
        (
            {"register": {"name": "a/b"}},
            "the backend config has 'register.name' = \"a/b\": MLflow does not take this name (Invalid model name 'a/b",
        ),
        (
            {"register": {"name": "a", "alias": "latest"}},
            "the backend config has 'register.alias' = \"latest\": MLflow does not take this alias ('latest' alias",
        ),
        ({"register": {"alias": "a"}}, "the backend config has 'register.name'"),
        (
            {"register": {"name": "a", "if_better": "auc"}},
            'the backend config has \'register\' = {"name": "a", "if_better": "auc"}: if_better says when an '
            "alias moves; give alias, too",
        ),
        (
            {"register": {"name": "a"}, "sweep": {"rate": [1]}},
            "the configuration cannot be used: register is for the best training of a sweep; name its primary_metric",
        ),
        (
            {"resume_from": "1", "sweep": {"rate": [1]}},
            "the configuration cannot be used: resume_from is for one training; a sweep that was stopped is resumed by "
            "itself",
        ),
        (
            {"hyperparameters": [1]},
            "the backend config has 'hyperparameters' = [1]: Input should be a valid dictionary",
        ),
    ],
)
def test_a_wrong_key_or_value_is_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendConfigError) as caught:
        load_config(AttachedConfig, tmp_path, given)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"build": {"apt_package": ["x"]}},
            "the unknown key 'build.apt_package'; did you mean 'apt_packages'? 'build' has 'network', 'args', "
            "'proxies', 'pip_index_url', 'pip_extra_index_urls', 'ca_bundle', 'apt_packages', 'user_id'",
        ),
        (
            {"build": {"zzz": 1}},
            "the unknown key 'build.zzz'; there is 'network', 'args', 'proxies', 'pip_index_url', "
            "'pip_extra_index_urls', 'ca_bundle', 'apt_packages', 'user_id'",
        ),
        (
            {"log": {"figure": True}},
            "the unknown key 'log.figure'; did you mean 'figures'? 'log' has 'figures', 'tables', 'dataset', 'model', "
            "'models', 'check_model', 'archive_limit_mb', 'system_metrics_seconds', 'cost'",
        ),
        ({"build": {"args": {"a": 1}}}, "'build.args.a' = 1: Input should be a valid string"),
    ],
)
def test_a_wrong_key_below_another_one_names_those_of_its_level(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendConfigError) as caught:
        load_config(LocalConfig, tmp_path, given)
    assert str(caught.value) == f"the backend config has {message}"


@pytest.mark.parametrize("name", ["tg.place", "tg.job_id", "tg.mine"])
def test_a_tag_of_our_own_is_refused_before_anything_runs(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackendConfigError) as caught:
        load_config(AttachedConfig, tmp_path, {"tags": {"mlflow.note.content": "x", "tgx.place": "x", name: "y"}})
    assert str(caught.value) == f"the backend config has the tag {name!r}, which is for tg-mlflow alone; rename it"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "tg.json cannot be read as JSON"),
        ("[1]", "tg.json holds a list; give an object"),
        (json.dumps({"datset": 1}), "tg.json has the unknown key 'datset'; did you mean 'dataset'?"),
    ],
)
def test_wrong_defaults_are_refused_with_their_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "tg.json").write_text(text, encoding="utf-8")
    with pytest.raises(BackendConfigError) as caught:
        load_config(AttachedConfig, tmp_path, {})
    assert str(tmp_path) in str(caught.value)
    assert message in str(caught.value)


class QueueConfig(JobConfig):
    """Keys of another distribution's place; one has no default, and two do not go together."""

    place = "tg-queue"

    queue: str
    is_quick: bool = False

    @model_validator(mode="after")
    def check(self) -> "QueueConfig":
        if self.is_quick and self.queue == "slow":
            raise ValueError("the queue slow is not quick")
        return self


@pytest.mark.parametrize(("defaults", "given"), [({"queue": "a"}, {}), ({}, {"queue": "a"})])
def test_a_key_without_a_default_may_be_given_anywhere(
    defaults: dict[str, Any], given: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "tg.json").write_text(json.dumps(defaults), encoding="utf-8")
    assert load_config(QueueConfig, tmp_path, given).queue == "a"


@pytest.mark.parametrize(
    ("defaults", "given", "message"),
    [
        ({}, {}, "the configuration cannot be used: queue: Field required"),
        (
            {"queue": "slow"},
            {"is_quick": True},
            "the configuration cannot be used: the queue slow is not quick",
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused_in_one_line(
    defaults: dict[str, Any], given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "tg.json").write_text(json.dumps(defaults), encoding="utf-8")
    with pytest.raises(BackendConfigError) as caught:
        load_config(QueueConfig, tmp_path, given)
    assert str(caught.value) == message
