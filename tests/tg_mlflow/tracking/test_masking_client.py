"""A client that lets no secret through, also where a run is created."""

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from tg.common.secret_mask import SecretMask
from tg_mlflow.tracking.masking_client import MaskingClient


def test_a_run_is_created_without_secrets(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = MaskingClient(store.tracking_uri, SecretMask.of_variables({"HUB_TOKEN": "tok-4f5e6d"}))
    tags = {"tg.sweep": '{"token": ["tok-4f5e6d", "none"]}', "mlflow.parentRunId": "4711"}
    created = client.create_run(experiment.experiment_id, tags=tags, run_name="T=tok-4f5e6d")
    run = store.get_run(created.info.run_id)
    assert run.info.run_name == "T=***"
    assert run.data.tags["tg.sweep"] == '{"token": ["***", "none"]}'
    assert run.data.tags["mlflow.parentRunId"] == "4711"
    assert client.create_run(experiment.experiment_id).info.run_name  # MLflow's own


def test_what_is_logged_is_without_secrets_whatever_it_is_called(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = MaskingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, tags={"hub_token": "another"}).info.run_id
    client.set_tag(run_id, "db_password", "a third one")
    client.log_batch(
        run_id,
        metrics=[Metric("loss", 0.25, 1, 2)],
        params=[Param("api_key", "a fourth one"), Param("pad_token", "[PAD]")],
        tags=[RunTag("smtp_pass", "a fifth one"), RunTag("where", "db://me:pw@host")],
    )
    data = store.get_run(run_id).data
    assert data.metrics == {"loss": 0.25}
    assert data.params == {"api_key": "***", "pad_token": "[PAD]"}
    names = ("hub_token", "db_password", "smtp_pass", "where")
    assert [data.tags[name] for name in names] == ["***", "***", "***", "db://me:***@host"]


def test_values_are_cut_when_they_are_masked(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = MaskingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, tags={"first": "x" * 7995 + "tok-4f5e6d"}).info.run_id
    client.set_tag(run_id, "second", "x" * 7997 + "tok-4f5e6d and more")
    client.log_batch(
        run_id,
        params=[Param("param", "y" * 5995 + "tok-4f5e6d and more")],
        tags=[RunTag("third", "x" * 7999 + "tok-4f5e6d")],
    )
    data = store.get_run(run_id).data
    assert [data.tags[name][7990:] for name in ("first", "second", "third")] == ["xxxxx***", "xxxxxxx***", "xxxxxxxxx*"]
    assert data.params["param"][5990:] == "yyyyy*** a"


def test_what_a_store_cannot_hold_is_escaped(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = MaskingClient(store.tracking_uri, SecretMask(["tok-4f5e6d"]))
    run_id = client.create_run(experiment.experiment_id, run_name="half \udcff").info.run_id
    client.set_tag(run_id, "reason", "no \ud800 file \udcff.csv, no\0thing")
    client.log_batch(run_id, params=[Param("path", "\udcff.csv")])
    run = store.get_run(run_id)
    assert (run.info.run_name, run.data.params["path"]) == ("half \\udcff", "\\udcff.csv")
    assert run.data.tags["reason"] == "no \\ud800 file \\udcff.csv, no\\x00thing"
