"""A training that begins in a child process, is stopped in a container, and ends in a child process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
import pytest
from mlflow import MlflowClient

from tests.integration.resumable import (
    CONFIG,
    describe_build,
    expect_history,
    go_on,
    last_run,
    read_history,
    write_project,
)
from tests.support import ProjectFolder
from tg.common.delivery.delivery import ImageBuildOptions
from tg.common.delivery.delivery.image.docker_client import DockerClient

pytestmark = pytest.mark.usefixtures("nothing_is_left", "jobs")


@contextmanager
def stopping_at(client: DockerClient, text: bytes) -> Iterator[None]:
    """Stops the next container that starts, as `docker stop` does, once it has said something."""
    events, ended = client.events(decode=True), threading.Event()

    def stop() -> None:
        for event in events:
            labels = event.get("Actor", {}).get("Attributes", {})
            if event.get("Action") == "start" and labels.get("tg-mlflow.project") == "walk":
                read = b""
                for chunk in client.logs(event["id"], stream=True, follow=True):
                    read += chunk
                    if text in read:
                        client.stop(event["id"])
                        ended.set()
                        return

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    try:
        yield
        assert ended.wait(60)
    finally:
        events.close()


def test_docker_stop_saves_a_checkpoint_that_another_place_goes_on_from(
    project: ProjectFolder,
    store: MlflowClient,
    docker_client: DockerClient,
    base_image: str,
    build_options: ImageBuildOptions,
) -> None:
    write_project(project)
    mlflow.projects.run(
        str(project.path), backend="tg-process", parameters={"end": "10:kill"}, backend_config=CONFIG, synchronous=False
    ).wait()  # fmt: skip
    first = last_run(store)
    image = {"base_image": base_image, "build": describe_build(build_options)}
    with stopping_at(docker_client, b"###step:21###"):
        second = go_on(store, first.info.run_id, "21:wait", place="tg-local", config=image)
    assert (first.info.status, second.info.status) == ("FAILED", "KILLED")
    assert second.data.tags["tg.resumed_from_step"] == "8"
    last = go_on(store, second.info.run_id, place="tg-process")
    assert last.info.status == "FINISHED"
    assert last.data.tags["tg.resumed_from_step"] == "22"  # of the checkpoint that the stop has led to
    assert read_history(store, last) == expect_history()
