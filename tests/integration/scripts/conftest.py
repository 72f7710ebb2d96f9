"""Stores, Docker and an emulated AWS for projects of scripts, and what plain MLflow records of them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from mlflow import MlflowClient

from tests.integration.aws.conftest import aws, base_image, daemon_turn, docker_daemon, enter, registry
from tests.integration.docker.conftest import build_options
from tests.integration.scripts.places import ScriptProject, the_training, train_plainly
from tests.integration.scripts.recorded import Items, read_training
from tg.common.delivery.delivery import ImageBuildOptions

__all__ = ["aws", "base_image", "build_options", "daemon_turn", "docker_daemon", "enter", "registry"]


@pytest.fixture(scope="session")
def record_plainly(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Callable[..., Items]:
    """Trains one of the projects beside a store of its own, and reads what is recorded."""

    def record(source: str, *words: str) -> Items:
        folder = tmp_path_factory.mktemp("plain")
        shutil.copy(empty_store, folder / "mlflow.db")
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        store = MlflowClient(uri)
        experiment = store.create_experiment("test", artifact_location=(folder / "artifacts").as_uri())
        project = ScriptProject(folder / "project", source)
        project.declare_image()
        variables = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment}
        train_plainly(project, *words, environment=variables)
        return read_training(store, the_training(store))

    return record


@pytest.fixture
def image(
    daemon_turn: None, base_image: str, build_options: ImageBuildOptions, docker_daemon: docker.DockerClient
) -> Iterator[dict[str, Any]]:
    """The keys of a configuration by which images are made on this machine; those of projects are removed at the end.

    What they declare is one layer for all tests, which stays for the next time.
    """
    # One call, which does not look at each image: another test's may vanish meanwhile.
    before = {each["Id"] for each in docker_daemon.api.images()}
    build = {
        "pip_index_url": build_options.pip_index_url,
        "pip_extra_index_urls": list(build_options.pip_extra_index_urls),
        "proxies": dict(build_options.proxies),
        "ca_bundle": None if build_options.ca_bundle is None else str(build_options.ca_bundle),
    }
    yield {"base_image": base_image, "build": build}
    for each in docker_daemon.api.images():
        if each["Id"] not in before and any(tag.startswith("tg_scripts") for tag in each["RepoTags"] or ()):
            with suppress(APIError):  # of another test's container, which removes it itself
                docker_daemon.images.remove(each["Id"], force=True)
