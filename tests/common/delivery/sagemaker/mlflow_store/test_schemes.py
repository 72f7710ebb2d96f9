from typing import Any

import pytest

from tg.common.delivery.sagemaker.mlflow_store.schemes import describe_other, lead_to_job


@pytest.fixture
def registry() -> dict[str, Any]:
    registry: dict[str, Any] = {
        "": lambda store_uri, artifact_uri: f"files {store_uri} {artifact_uri}",
        "http": lambda store_uri, artifact_uri: f"server {store_uri} {artifact_uri}",
    }
    lead_to_job(registry, lambda store_uri, artifact_uri: "the job's")
    return registry


@pytest.mark.parametrize("scheme", ["", "http", "sqlite", "postgresql"])
def test_in_a_job_any_scheme_leads_to_its_store(
    registry: dict[str, Any], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("TG_MLFLOW_STORE", "/ml")
    assert registry[scheme](store_uri="x", artifact_uri=None) == "the job's"


def test_elsewhere_each_scheme_leads_where_it_did(registry: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TG_MLFLOW_STORE", raising=False)
    assert registry[""](store_uri="./mlruns", artifact_uri="a") == "files ./mlruns a"
    assert registry["http"](store_uri="http://h", artifact_uri=None) == "server http://h None"
    with pytest.raises(ValueError, match=r"sqlite:/x\.db needs SQLAlchemy"):
        registry["sqlite"](store_uri="sqlite:///x.db", artifact_uri=None)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (None, None),
        ("tg-job:/opt/ml/output/mlflow", None),
        ("http://user:word@tracking.example:5000/a?token=word#word", "http://tracking.example"),
        ("postgresql+psycopg2://user:word@db/mlflow", "postgresql+psycopg2://db"),
        ("sqlite:////data/m.db?key=word", "sqlite://data/m.db"),
        ("file:./mlruns", "file:./mlruns"),
        ("./mlruns", "./mlruns"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
    ],
)
def test_another_address_is_shown_without_secrets(uri: str | None, shown: str | None) -> None:
    assert describe_other(uri) == shown
