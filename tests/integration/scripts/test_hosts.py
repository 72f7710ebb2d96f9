"""Scripts that train on several hosts: containers of this machine, and machines of an emulated SageMaker."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import docker
import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET
from tests.integration.scripts.places import ScriptProject, the_training, train
from tests.integration.scripts.test_autolog import LIBRARIES
from tests.launcher import Launcher
from tests.learner_libraries import link_libraries, require
from tests.support import ROOT

DASK = {"distribution": {"kind": "dask"}, "log": {"system_metrics_seconds": 0}}
# What examples/dask fits on any number of machines.
WEIGHTS = {
    "weight_a": 0.9979069505453031,
    "weight_b": 2.0002972716336864,
    "weight_c": 3.0006979669852116,
    "weight_intercept": 4.0020992515896925,
}
WAIT = """
import os, signal
from distributed import Client
with Client() as client:
    client.wait_for_workers(1)
    print("all are waiting", flush=True)
    signal.pause()
"""


def copy_example(name: str, folder: Path) -> ScriptProject:
    project = ScriptProject(folder / "project")
    shutil.copytree(ROOT / "examples" / name, project.path, dirs_exist_ok=True)
    return project


def declare_dask(project: ScriptProject) -> None:
    """Declares an environment that these tests share, so that it is made once."""
    pinned = [f"{name}=={version(name)}" for name in ("dask", "distributed", "numpy")]
    project.write("python_env.yaml", json.dumps({"dependencies": pinned}))


def find_left(client: docker.DockerClient, job_id: str) -> list[Any]:
    return [
        *client.containers.list(all=True, filters={"name": job_id}),
        *client.networks.list(names=[job_id]),
    ]


def test_torchrun_in_two_containers_has_the_losses_of_one_process(
    store: MlflowClient, tmp_path: Path, image: dict[str, Any], docker_daemon: docker.DockerClient
) -> None:
    libraries = tmp_path / "libraries"
    link_libraries(libraries, "torch", "numpy")
    project = copy_example("torch_distributed", tmp_path)
    with (project.path / "MLproject").open("a") as file:  # what it declares has no libraries to be installed
        file.write(f"docker_env: {{image: {image['base_image']!r}}}\n")
    given = {"channels": {"libraries": str(libraries)}, "environment": {"PYTHONPATH": LIBRARIES}, **image}
    engine = {"distribution": {"kind": "torchrun"}, "log": {"system_metrics_seconds": 0}}
    train(project, "local", tmp_path, "-e", "script", "-P", "rows=64", "-P", "epochs=3", hosts=2, **engine, **given)
    run = the_training(store)
    losses = {each.step: each.value for each in store.get_metric_history(run.info.run_id, "loss")}
    import torch

    torch.manual_seed(0)
    features = torch.randn(64, 8, dtype=torch.float64)
    target = features @ torch.arange(1.0, 9.0, dtype=torch.float64) + 3.0
    model = torch.nn.Linear(8, 1, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        optimizer.zero_grad()
        loss = torch.mean((model(features).squeeze(1) - target) ** 2)
        loss.backward()
        optimizer.step()
        assert losses.pop(epoch) == pytest.approx(loss.item(), rel=1e-9)
    assert losses == {}
    assert find_left(docker_daemon, run.data.tags["tg.job_id"]) == []


def test_one_container_that_is_killed_ends_all(
    store: MlflowClient, tmp_path: Path, image: dict[str, Any], docker_daemon: docker.DockerClient
) -> None:
    require("distributed")
    project = ScriptProject(tmp_path / "project")
    declare_dask(project)
    project.write("wait.py", WAIT)
    project.write("MLproject", "name: tg_scripts_hosts\nentry_points: {main: {command: python wait.py}}")
    given = json.dumps({"hosts": 2, **DASK, **image})
    with Launcher(project, "local", tmp_path, "--backend-config", given) as launcher:
        launcher.wait_for("all are waiting")
        job_id = the_training(store).data.tags["tg.job_id"]
        assert len(find_left(docker_daemon, job_id)) == 3
        docker_daemon.containers.get(f"{job_id}-algo-2").kill()
        assert launcher.wait_for_end() == 1, launcher.output
    run = the_training(store)
    assert run.info.status == "FAILED"
    reason = run.data.tags["tg.failure_reason"]
    assert reason.endswith("host algo-2: it is gone without a word, as if it was killed")
    assert find_left(docker_daemon, job_id) == []


def test_two_machines_of_sagemaker_train_together(
    store: MlflowClient,
    tmp_path: Path,
    aws: AwsEmulator,
    image: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require("distributed")
    monkeypatch.setenv("AWS_ROLE", aws.role_arn)
    project = copy_example("dask", tmp_path)
    declare_dask(project)
    train(project, "sagemaker", tmp_path, "-e", "script", bucket=BUCKET, instance_count=2, **DASK, **image)
    metrics = the_training(store).data.metrics
    assert {name: metrics[name] for name in WEIGHTS} == pytest.approx(WEIGHTS, rel=1e-12)
