import re
from collections.abc import Iterator

import pytest

from tests.integration.docker.support import RegistryServer, find_free_port, load_tiny_image
from tg.common import ImageBuildError
from tg.common.delivery.delivery.image.container_pusher import ContainerPusher
from tg.common.delivery.delivery.image.docker_client import DockerClient, engine_platform
from tg.common.delivery.delivery.image.image import Image
from tg.common.delivery.delivery.image.image_source import find_image


@pytest.fixture
def image(docker_client: DockerClient) -> Iterator[Image]:
    image = load_tiny_image(docker_client, "tg-test-pushed:0", engine_platform(docker_client))
    yield image
    if find_image(docker_client, image.image_id) is not None:
        docker_client.remove_image(image.image_id, force=True)


def test_what_was_pushed_can_be_pulled_by_its_digest(
    docker_client: DockerClient, image: Image, registry: RegistryServer
) -> None:
    repository = f"{registry.address}/team/train"
    reference = ContainerPusher(repository, client=docker_client).push(image)
    assert re.fullmatch(re.escape(repository) + r"@sha256:[0-9a-f]{64}", reference)
    docker_client.remove_image(image.image_id, force=True)
    assert find_image(docker_client, image.image_id) is None

    docker_client.pull(reference)
    found = find_image(docker_client, reference)
    assert found is not None
    assert found["Id"] == image.image_id


def test_another_tag_and_an_image_by_its_name(
    docker_client: DockerClient, image: Image, registry: RegistryServer
) -> None:
    pusher = ContainerPusher(f"{registry.address}/train", client=docker_client)
    reference = pusher.push(image.reference, tag="candidate")
    assert pusher.push(image, tag="candidate") == reference
    found = docker_client.inspect_distribution(f"{registry.address}/train:candidate")
    assert reference == f"{registry.address}/train@{found['Descriptor']['digest']}"


def test_a_registry_that_wants_a_password(
    docker_client: DockerClient, image: Image, closed_registry: RegistryServer
) -> None:
    repository = f"{closed_registry.address}/train"
    assert ContainerPusher(repository, "mover", "sesame-open", docker_client).push(image).startswith(repository)
    with pytest.raises(ImageBuildError) as caught:
        ContainerPusher(repository, "mover", "sesame-shut", docker_client).push(image)
    assert str(caught.value) == (
        f"image 'tg-test-pushed:0' cannot be pushed to '{repository}:0': "
        "unauthorized: authentication required; give a username and a password that may push there"
    )
    with pytest.raises(ImageBuildError, match="no basic auth credentials; give a username and a password"):
        ContainerPusher(repository, client=docker_client).push(image)


def test_a_registry_that_is_down(docker_client: DockerClient, image: Image) -> None:
    repository = f"127.0.0.1:{find_free_port()}/train"
    with pytest.raises(ImageBuildError) as caught:
        ContainerPusher(repository, client=docker_client).push(image)
    assert re.fullmatch(
        rf"image 'tg-test-pushed:0' cannot be pushed to '{repository}:0': .*connection refused", str(caught.value)
    )


def test_an_image_that_is_not_here(docker_client: DockerClient) -> None:
    with pytest.raises(ImageBuildError) as caught:
        ContainerPusher("127.0.0.1:9/train", client=docker_client).push("tg-test-nowhere:1")
    assert str(caught.value) == "image 'tg-test-nowhere:1' is not here; make it before it is pushed"


def test_half_a_login() -> None:
    with pytest.raises(ImageBuildError, match=r"^give both username and password for 'x/train', or neither$"):
        ContainerPusher("x/train", username="mover")
