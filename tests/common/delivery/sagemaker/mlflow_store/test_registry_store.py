import json
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersionTag

from tg.common.delivery.sagemaker.mlflow_store.registry_store import JobRegistry
from tg.common.delivery.sagemaker.mlflow_store.spool import Spool

RUN = "0123456789abcdef0123456789abcdef"
NOTE = "of the model registry, only new versions are recorded; change stages, aliases and tags afterwards"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobRegistry:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("TG_MLFLOW_STORE", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    return JobRegistry(tmp_path / "registry", Spool(tmp_path / "spool"))


def read(folder: Path) -> list[dict[str, Any]]:
    file = folder / "spool"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_new_version_is_recorded_with_a_source_that_others_understand(registry: JobRegistry, tmp_path: Path) -> None:
    registry.create_registered_model("net")
    assert read(tmp_path) == []
    source = f"file://{tmp_path}/store/0/{RUN}/artifacts/deep/net"
    registry.create_model_version("net", source, RUN, [ModelVersionTag("k", "v")], description="first")
    registry.create_model_version("net", "s3://bucket/net")
    version = {"op": "register", "name": "net", "model": None}
    assert read(tmp_path) == [
        {
            **version,
            "source": f"runs:/{RUN}/deep/net",
            "run": RUN,
            "version": "1",
            "tags": {"k": "v"},
            "description": "first",
        },
        {**version, "source": "s3://bucket/net", "run": None, "version": "2", "tags": {}, "description": None},
    ]


def test_a_prompt_is_no_model(registry: JobRegistry, tmp_path: Path) -> None:
    registry.create_registered_model("greeting")
    registry.create_model_version("greeting", "prompt-template", tags=[ModelVersionTag("mlflow.prompt.is_prompt", "1")])
    assert read(tmp_path) == [{"op": "note", "text": "prompts are not recorded: they stay in the job"}]


def test_what_else_happens_in_the_registry_is_said(registry: JobRegistry, tmp_path: Path) -> None:
    registry.create_registered_model("net")
    registry.create_model_version("net", "s3://bucket/net")
    registry.set_registered_model_alias("net", "best", "1")
    registry.transition_model_version_stage("net", "1", "Production", False)
    assert [each.get("text") for each in read(tmp_path)] == [None, NOTE, NOTE]
    assert registry.get_model_version_by_alias("net", "best").aliases == ["best"]
