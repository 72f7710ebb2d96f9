"""A real training in real containers: the walkthrough, the backend ``tg-local``, and AWS's own SDK."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.integration.docker.conftest import require_program
from tests.integration.docker.whole_task import build_task
from tests.support import ROOT, ProjectFolder, all_runs, make_points
from tg.common.delivery.delivery import Containering, DependencyList, ImageBuildOptions, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker import (
    ResultArchive,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerLocalExecutor,
    SagemakerOptions,
    SagemakerProcessExecutor,
)

BIN = Path(sys.executable).parent
DISTRIBUTIONS = ("jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
REQUIREMENTS = [f"{name}=={version(name)}" for name in DISTRIBUTIONS]


@pytest.fixture
def config(tmp_path: Path, base_image: str, build_options: ImageBuildOptions) -> SagemakerConfig:
    dataset = tmp_path / "datasets" / "points" / "points.parquet"
    dataset.parent.mkdir(parents=True)
    make_points(300).to_parquet(dataset)
    job = SagemakerJob(build_task())
    packaging = Packaging("WholeTraining", "0", {"job": job})
    packaging.dependencies = [DependencyList("training", REQUIREMENTS)]
    packaging.silent = True
    containering = Containering.from_packaging(packaging)
    containering.image_name = "tg-test-whole-training"
    containering.base_image = base_image
    containering.build_options = build_options
    options = SagemakerOptions(None, None, "points", tmp_path / "datasets", "points.parquet", network="none")
    return SagemakerConfig(job, packaging, containering, options)


def leftovers(client: DockerClient) -> dict[str, list[str]]:
    return {
        "containers": sorted(each["Id"] for each in client.containers(all=True)),
        "volumes": sorted(each["Name"] for each in client.volumes()["Volumes"] or []),
        "networks": sorted(each["Id"] for each in client.networks()),
    }


def test_attached_process_and_local_give_the_same_metrics_to_the_last_digit(config: SagemakerConfig) -> None:
    metrics = []
    for place in (SagemakerAttachedExecutor, SagemakerProcessExecutor, SagemakerLocalExecutor):
        executor = place(config)
        job_id = executor.submit()
        log = b"".join(event.data for event in executor.logs(job_id)).decode()
        metrics.append([line.partition(" INFO: ")[2] for line in log.splitlines() if "###METRIC###" in line])
        with executor.load_result(job_id) as archive:
            assert set(archive.unpickle("runs/2/metrics.pkl")) == {
                "roc_auc_score_test",
                "roc_auc_score_train",
                "rms_score_test",
                "rms_score_train",
            }
    assert len(metrics[0]) == 16
    assert metrics[0] == metrics[1] == metrics[2]


@pytest.mark.alone_with_docker
def test_nothing_is_left_and_a_second_run_builds_nothing(config: SagemakerConfig, docker_client: DockerClient) -> None:
    before = leftovers(docker_client)
    job_id = SagemakerLocalExecutor(config).execute()
    first = docker_client.inspect_image("tg-test-whole-training:0")["Id"]
    SagemakerLocalExecutor(config).execute()
    assert docker_client.inspect_image("tg-test-whole-training:0")["Id"] == first
    layers = docker_client.inspect_image(first)["RootFS"]["Layers"]

    config.job.task.info["changed"] = True
    SagemakerLocalExecutor(config).execute()
    changed = docker_client.inspect_image("tg-test-whole-training:0")
    assert changed["Id"] != first
    dependencies = docker_client.inspect_image(changed["Config"]["Labels"]["tg-mlflow.dependencies"])
    shared = len(dependencies["RootFS"]["Layers"])
    assert changed["RootFS"]["Layers"][:shared] == layers[:shared]
    assert leftovers(docker_client) == before
    jobs = Path(os.environ["TG_JOBS_PATH"])
    assert {path.stat().st_uid for path in (jobs / job_id).rglob("*")} == {os.getuid()}


@pytest.mark.alone_with_docker
def test_mlflow_run_with_tg_local_records_a_run(
    project: ProjectFolder,
    store: MlflowClient,
    docker_client: DockerClient,
    base_image: str,
    build_options: ImageBuildOptions,
    tmp_path: Path,
) -> None:
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    defaults = {"dataset": "points.parquet", "base_image": base_image, "build": build, "memory": "1g", "cpus": 1}
    project.write("tg.json", json.dumps(defaults))
    before = leftovers(docker_client)
    result = subprocess.run(
        [str(BIN / "mlflow"), "run", str(project.path), "-b", "tg-local", "-P", "C=0.5"],
        env={**os.environ, "TG_JOBS_PATH": str(tmp_path / "jobs")},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (run,) = all_runs(store)
    assert (run.info.status, run.data.tags["tg.place"]) == ("FINISHED", "tg-local")
    assert set(run.data.metrics) == {"roc_auc_score_test", "roc_auc_score_train"}
    assert {each.path for each in store.list_artifacts(run.info.run_id)} == {
        "environment.json",
        "figures",
        "logs",
        "package",
        "result",
        "tables",
        "task.json",
    }
    assert leftovers(docker_client) == before
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.fixture
def sdk_session(monkeypatch: pytest.MonkeyPatch, docker_client: DockerClient) -> Iterator[Any]:
    """What AWS's SDK wants to see before it runs anything; local mode makes no call with it.

    It leaves a container and a network behind, which are removed here.
    """
    import boto3
    from sagemaker.core.helper.session_helper import Session

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    yield Session(boto_session=boto3.Session(region_name="eu-central-1"), default_bucket="none")
    for container in docker_client.containers(all=True, filters={"label": "com.docker.compose.service=algo-1"}):
        docker_client.remove_container(container["Id"], force=True, v=True)
    for network in docker_client.networks(names=["sagemaker-local"]):
        docker_client.remove_network(network["Id"])


def test_the_image_trains_under_awss_own_sdk(
    config: SagemakerConfig, docker_client: DockerClient, tmp_path: Path, sdk_session: Any
) -> None:
    require_program("docker-compose")
    from sagemaker.core.training.configs import Compute, InputData
    from sagemaker.train import ModelTrainer
    from sagemaker.train.model_trainer import Mode

    local = SagemakerLocalExecutor(config)
    expected = local.load_result(local.execute()).unpickle("runs/0/metrics.pkl")
    trainer = ModelTrainer(
        training_mode=Mode.LOCAL_CONTAINER,
        sagemaker_session=sdk_session,
        role="arn:aws:iam::111122223333:role/none",
        training_image="tg-test-whole-training:0",
        base_job_name="whole-training",
        compute=Compute(instance_type="local_cpu", instance_count=1),
        local_container_root=str(tmp_path / "sdk"),
        hyperparameters={"splitter.seed": 0},
    )
    (tmp_path / "sdk").mkdir()
    data = config.options.local_dataset_path
    assert data is not None
    trainer.train(input_data_config=[InputData(channel_name="training", data_source=str(data.parent))], wait=True)

    (archive_path,) = (tmp_path / "sdk").rglob("model.tar.gz")
    with ResultArchive(archive_path) as archive:
        archive.check_complete()
        assert archive.unpickle("runs/0/metrics.pkl") == expected
        assert json.loads(archive.get_path("hyperparameters.json").read_text()) == {"splitter.seed": "0"}


def test_the_image_takes_the_services_train_argument_and_sigterm(
    config: SagemakerConfig, docker_client: DockerClient
) -> None:
    local = SagemakerLocalExecutor(config)
    local.execute()
    image = docker_client.inspect_image("tg-test-whole-training:0")["Config"]
    assert image["Entrypoint"] == ["/opt/tg-venv/bin/python", "/opt/tg/run.py"]
    assert not any(name.startswith("/opt/ml") for name in image.get("Volumes") or {})


def test_the_walkthrough_gives_the_source_documents_values_in_a_container(base_image: str, tmp_path: Path) -> None:
    script = ROOT.parent / "shared" / "acceptance" / "walkthrough.py"
    if not script.is_file():
        pytest.skip("the source document's walkthrough is not beside this checkout")
    variables = {**os.environ, "TG_JOBS_PATH": str(tmp_path / "jobs"), "TG_TEST_BASE_IMAGE": base_image}
    result = subprocess.run(
        [sys.executable, str(script), "local"], env=variables, capture_output=True, text=True, timeout=600
    )
    assert "walkthrough (local): all values as in the source document" in result.stdout, result.stderr


def test_a_model_tar_is_what_the_design_says(config: SagemakerConfig, docker_client: DockerClient) -> None:
    local = SagemakerLocalExecutor(config)
    with local.load_result(local.execute()) as archive, tarfile.open(archive.path) as file:
        names = file.getnames()
        package = archive.get_path("package.tag.gz").read_bytes()
    labels = docker_client.inspect_image("tg-test-whole-training:0")["Config"]["Labels"]
    assert hashlib.sha256(package).hexdigest() == labels["tg-mlflow.package-sha256"]
    runs = [f"runs/{number}" for number in range(3)]
    members = ("info.pkl", "metrics.pkl", "model.pkl", "result_df.parquet", "test_splits.pkl", "train_split.pkl")
    assert names[:3] == ["package.tag.gz", "task.json", "package.json"]
    assert set(names[3:-1]) == {"runs", *runs, *(f"{run}/{m}" for run in runs for m in (*members, "training_task.pkl"))}
    assert names[-1] == "completed.json"
