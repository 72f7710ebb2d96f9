"""A client that lets no secret through, also where a run is created."""

from mlflow import MlflowClient

from tg.common.secret_mask import SecretMask
from tg_mlflow.masking_client import MaskingClient


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
