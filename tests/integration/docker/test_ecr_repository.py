"""Images for SageMaker and the registry that they go to."""

from collections.abc import Callable

import pytest

from tests.integration.docker.support import RegistryServer, make_package
from tg.common import ImageBuildError
from tg.common.delivery.delivery import Containering, Package
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.sagemaker.aws.ecr_repository import RegistryLogin, build_repository_name, deliver_image

Make = Callable[..., Containering]


def pushes(log: str) -> int:
    return log.count("Pushed ")


def test_an_image_is_pushed_once_whoever_has_built_it(
    docker_client: DockerClient,
    make_containering: Make,
    package: Package,
    closed_registry: RegistryServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    login = RegistryLogin(f"{closed_registry.address}/tg-mlflow/points", "mover", "sesame-open")
    containering = make_containering("remote", platform=None, silent=True)
    first = deliver_image(docker_client, containering, package, login)
    assert first.startswith(f"{closed_registry.address}/tg-mlflow/points@sha256:")
    assert pushes(capsys.readouterr().out) == 1
    assert containering.platform is None
    found = docker_client.inspect_image("tg-test-remote:0")
    assert (found["Architecture"], found["RepoTags"]) == ("amd64", ["tg-test-remote:0"])

    # Built anew it is another image with other times in it, but of the same package on the same ground.
    docker_client.remove_image("tg-test-remote:0", force=True)
    assert deliver_image(docker_client, containering, package, login) == first
    assert pushes(capsys.readouterr().out) == 0
    docker_client.remove_image("tg-test-remote:0", force=True)


def test_another_package_is_another_image(
    docker_client: DockerClient,
    make_containering: Make,
    package: Package,
    registry: RegistryServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    login = RegistryLogin(f"{registry.address}/tg-mlflow/points")
    containering = make_containering("remote", silent=True)
    first = deliver_image(docker_client, containering, package, login)
    other = make_package(tmp_path_factory.mktemp("other"), text="two")
    assert deliver_image(docker_client, containering, other, login) != first
    docker_client.remove_image("tg-test-remote:0", force=True)


def test_a_ready_made_image_of_this_machine_is_pushed_as_it_is(
    docker_client: DockerClient, base_image: str, make_containering: Make, package: Package, registry: RegistryServer
) -> None:
    login = RegistryLogin(f"{registry.address}/tg-mlflow/points")
    containering = make_containering("remote", image_uri=base_image, silent=True)
    reference = deliver_image(docker_client, containering, package, login)
    assert deliver_image(docker_client, containering, package, login) == reference
    assert docker_client.inspect_distribution(reference)["Descriptor"]["digest"] == reference.partition("@")[2]


def test_a_token_that_is_refused_is_not_shown(
    docker_client: DockerClient, make_containering: Make, package: Package, closed_registry: RegistryServer
) -> None:
    login = RegistryLogin(f"{closed_registry.address}/tg-mlflow/points", "mover", "a-secret-token")
    with pytest.raises(ImageBuildError, match=r"^image 'tg-test-remote:0' cannot be pushed to '.*': ") as caught:
        deliver_image(docker_client, make_containering("remote", silent=True), package, login)
    assert "a-secret-token" not in str(caught.value) + repr(login)
    docker_client.remove_image("tg-test-remote:0", force=True)


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("titanic", "tg-mlflow/titanic"),
        ("My Project_2", "tg-mlflow/my-project-2"),
        ("--", "tg-mlflow/project"),
    ],
)
def test_repositories_are_named_as_ecr_takes_it(project: str, name: str) -> None:
    assert build_repository_name(project) == name
