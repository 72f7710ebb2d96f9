import dataclasses
import os
import re
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.integration.docker.support import (
    Index,
    all_that_images_tell,
    files_of,
    load_tiny_image,
    make_package,
    run_once,
    stream_holds,
)
from tg.common import ContainerError, ImageBuildError
from tg.common.delivery.delivery import Containering
from tg.common.delivery.delivery.image.docker_client import DockerClient, connect, engine_platform
from tg.common.delivery.delivery.image.dockerfile_template import DOCKERFILE_TEMPLATE
from tg.common.delivery.delivery.image.image_builder import build_image
from tg.common.delivery.delivery.image.image_options import ImageBuildOptions
from tg.common.delivery.delivery.image.image_source import find_image
from tg.common.delivery.delivery.package.package import Package

Make = Callable[..., Containering]


def labels_of(client: DockerClient, image: str) -> dict[str, str]:
    found = find_image(client, image)
    assert found is not None
    labels: dict[str, str] = found["Config"]["Labels"]
    return labels


def nameless_images(client: DockerClient, build_id: str) -> list[str]:
    """What a build has left that is neither named nor part of a named image."""
    images = client.images(all=True, filters={"label": f"tg-mlflow.build={build_id}"})
    parts = {each["Id"] for image in images if named(image) for each in client.history(image["Id"])}
    return [image["Id"] for image in images if not named(image) and image["Id"] not in parts]


def named(image: dict[str, list[str] | None]) -> bool:
    return not set(image["RepoTags"] or ()) <= {"<none>:<none>"}


def build_ids(output: str) -> list[str]:
    return sorted(set(re.findall(r"LABEL tg-mlflow.build=\"?(\w+)", output)))


def test_an_image_holds_the_package_its_dependencies_and_the_run_file(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    image = make_containering("whole").make_container(package, docker_client)
    assert image.reference == "tg-test-whole:0"
    assert run_once(docker_client, image.image_id, ["train"]) == "package Demo__0 text one arguments ['train']\n"
    found = find_image(docker_client, image.image_id)
    assert found is not None
    assert found["Config"]["Entrypoint"] == ["/opt/tg-venv/bin/python", "/opt/tg/run.py"]
    assert {"PYTHONPATH=/opt/tg/Demo-0", "PYTHONUNBUFFERED=1"} <= set(found["Config"]["Env"])
    assert found["Config"]["Labels"]["tg-mlflow.package-sha256"] == package.sha256
    program = "import jsonpickle, sys; print(jsonpickle.__version__, sys.prefix)"
    installed = run_once(docker_client, image.image_id, ["-c", program], Entrypoint=["/opt/tg-venv/bin/python"])
    assert installed == f"{version('jsonpickle')} /opt/tg-venv\n"


def test_unchanged_code_builds_nothing_and_changed_code_the_upper_layer_only(
    docker_client: DockerClient, make_containering: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    containering = make_containering("again")
    first = containering.make_container(make_package(tmp_path), docker_client)
    dependencies = labels_of(docker_client, first.image_id)["tg-mlflow.dependencies"]
    lower = find_image(docker_client, dependencies)
    capsys.readouterr()

    assert containering.make_container(make_package(tmp_path), docker_client) == first
    assert capsys.readouterr().out == ""

    changed = containering.make_container(make_package(tmp_path, "two"), docker_client)
    assert changed.image_id != first.image_id
    assert find_image(docker_client, dependencies) == lower
    output = capsys.readouterr().out
    assert f"Building tg-test-again:0: Demo-0.tar.gz on {dependencies}" in output
    assert "pip" not in output
    assert run_once(docker_client, changed.image_id) == "package Demo__0 text two arguments []\n"
    assert find_image(docker_client, first.image_id) is None, "the image that was replaced is left without a name"


def test_a_changed_template_and_a_changed_run_file_build_the_upper_layer(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    first = make_containering("template", silent=True).make_container(package, docker_client)
    template = f"{DOCKERFILE_TEMPLATE}ENV COLOUR=${{HOME}}-red\n"
    second = make_containering("template", silent=True, dockerfile_template=template)
    image = second.make_container(package, docker_client)
    assert image.image_id != first.image_id
    assert run_once(docker_client, image.image_id, ["-c", "echo $COLOUR"], Entrypoint=["sh"]).endswith("-red\n")
    second.run_file_name = "train.py"
    assert second.make_container(package, docker_client).image_id != image.image_id


def test_silence(
    docker_client: DockerClient, make_containering: Make, package: Package, capsys: pytest.CaptureFixture[str]
) -> None:
    template = f"{DOCKERFILE_TEMPLATE}LABEL once={uuid.uuid4().hex}\n"
    containering = make_containering("silent", silent=True, dockerfile_template=template)
    containering.make_container(package, docker_client)
    assert capsys.readouterr().out == ""


def test_the_platform_of_the_engine_is_the_default(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    default = make_containering("platform").make_container(package, docker_client)
    named = make_containering("platform", platform=engine_platform(docker_client))
    assert named.make_container(package, docker_client) == default


def test_secrets_are_used_in_the_build_and_nowhere_to_be_found_afterwards(
    docker_client: DockerClient,
    make_containering: Make,
    package: Package,
    index: Index,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    certificates = tmp_path / "ca.crt"
    certificates.write_text(f"# mark-of-the-bundle\n{Path('/etc/ssl/certs/ca-certificates.crt').read_text()}")
    argument = f"TOKEN_{uuid.uuid4().hex}"
    options = ImageBuildOptions(
        network="host",
        args={argument: "s3cret-of-argument"},
        proxies={"https": "http://mole:s3cret-of-proxy@127.0.0.1:9", "no": "127.0.0.1"},
        pip_index_url=index.url,
        ca_bundle=certificates,
    )
    containering = make_containering("secret", ["tg-test-private==1.0"], build_options=options)
    image = containering.make_container(package, docker_client)
    output = capsys.readouterr().out
    assert "Successfully installed tg-test-private-1.0" in output
    assert f"/files/{index.wheel}" in index.requests

    dependencies = labels_of(docker_client, image.image_id)["tg-mlflow.dependencies"]
    builds = [*build_ids(output), labels_of(docker_client, image.image_id)["tg-mlflow.build"]]
    assert len(set(builds)) == 2, "one of the dependencies, one of the package"
    told = b"".join(all_that_images_tell(docker_client, f"tg-mlflow.build={build}") for build in builds)
    assert len(told) > 1000
    for secret in ("s3cret-of-argument", "s3cret-of-proxy", "s3cret-of-index"):
        assert secret not in output
        assert secret.encode() not in told
        assert secret not in repr(options)
    hidden = [b"s3cret-of-argument", b"s3cret-of-proxy", b"s3cret-of-index", b"mark-of-the-bundle"]
    assert stream_holds(files_of(docker_client, image.image_id), [*hidden, b"value = 42"]) == {b"value = 42"}
    assert [nameless_images(docker_client, build) for build in builds] == [[], []]
    docker_client.remove_image(image.reference)
    docker_client.remove_image(dependencies)


def test_a_requirement_that_cannot_be_had_names_the_step_and_its_last_lines(
    docker_client: DockerClient,
    make_containering: Make,
    package: Package,
    index: Index,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ImageBuildOptions(network="host", pip_index_url=index.url)
    containering = make_containering("unhad", ["tg-test-nowhere==1.0"], build_options=options)
    with pytest.raises(ImageBuildError) as caught:
        containering.make_container(package, docker_client)
    first, *lines = str(caught.value).splitlines()
    assert re.fullmatch(
        r"image 'tg-dependencies:\w{16}' cannot be built: step 9/\d+, `RUN PIP_CONFIG_FILE=.*`, failed: "
        r"ERROR: No matching distribution found for tg-test-nowhere==1\.0",
        first,
    )
    assert 2 <= len(lines) <= 16
    assert lines[-1].endswith("returned a non-zero code: 1")
    assert "s3cret-of-index" not in str(caught.value)
    assert caught.value.__cause__ is None
    (build,) = build_ids(capsys.readouterr().out)
    assert docker_client.images(all=True, filters={"label": f"tg-mlflow.build={build}"}) == []


def test_a_failing_step_of_ones_own_template(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    mark = uuid.uuid4().hex
    template = f"{DOCKERFILE_TEMPLATE}LABEL mark={mark}\nRUN seq 1 40; echo too bad; exit 3\n"
    with pytest.raises(ImageBuildError) as caught:
        make_containering("failing", dockerfile_template=template).make_container(package, docker_client)
    assert str(caught.value).splitlines() == [
        "image 'tg-test-failing:0' cannot be built: step 8/8, `RUN seq 1 40; echo too bad; exit 3`, failed: too bad",
        *map(str, range(27, 41)),
        "too bad",
        "The command '/bin/sh -c seq 1 40; echo too bad; exit 3' returned a non-zero code: 3",
    ]
    assert docker_client.images(all=True, filters={"label": f"mark={mark}"}) == []
    assert find_image(docker_client, "tg-test-failing:0") is None


def test_an_interrupted_build_leaves_nothing(docker_client: DockerClient, base_image: str) -> None:
    def say(line: str) -> None:
        if line == "going":
            raise KeyboardInterrupt

    mark = uuid.uuid4().hex
    with pytest.raises(KeyboardInterrupt):
        build_image(
            docker_client,
            "tg-test-interrupted:1",
            f"FROM {base_image}\nRUN echo before\nRUN echo going; sleep 60\n",
            {},
            platform=engine_platform(docker_client),
            options=ImageBuildOptions(),
            labels={"mark": mark},
            secret_texts=(),
            say=say,
        )
    assert docker_client.containers(all=True, filters={"label": f"mark={mark}"}) == []
    assert docker_client.images(all=True, filters={"label": f"mark={mark}"}) == []


def test_a_full_disk_is_named(docker_client: DockerClient, make_containering: Make, package: Package) -> None:
    template = f"{DOCKERFILE_TEMPLATE}RUN head -c 9 /dev/zero > /dev/full\n"
    with pytest.raises(ImageBuildError) as caught:
        make_containering("full", dockerfile_template=template).make_container(package, docker_client)
    assert str(caught.value).splitlines()[0] == (
        "image 'tg-test-full:0' cannot be built: step 7/7, `RUN head -c 9 /dev/zero > /dev/full`, failed: the Docker "
        "daemon's disk is full; free space, for example with `docker system prune`"
    )


def test_a_dockerfile_that_is_none(docker_client: DockerClient, make_containering: Make, package: Package) -> None:
    template = f"{DOCKERFILE_TEMPLATE}FLY away\n"
    with pytest.raises(ImageBuildError) as caught:
        make_containering("none", dockerfile_template=template).make_container(package, docker_client)
    assert str(caught.value) == (
        "image 'tg-test-none:0' cannot be built: dockerfile parse error line 7: unknown instruction: FLY"
    )


def test_a_base_image_that_is_nowhere(docker_client: DockerClient, make_containering: Make, package: Package) -> None:
    containering = make_containering("baseless", base_image="127.0.0.1:9/tg-test-nowhere:1")
    with pytest.raises(ImageBuildError) as caught:
        containering.make_container(package, docker_client)
    assert re.fullmatch(
        r"base image '127\.0\.0\.1:9/tg-test-nowhere:1' is not here and cannot be pulled \(.*connection refused\); "
        r"check its name and the network, or name another one",
        str(caught.value),
    )


def test_a_base_image_of_another_architecture(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    native = engine_platform(docker_client)
    other = "linux/arm64" if native == "linux/amd64" else "linux/amd64"
    load_tiny_image(docker_client, "127.0.0.1:9/tg-test-other:1", other)
    containering = make_containering("other", base_image="127.0.0.1:9/tg-test-other:1")
    with pytest.raises(ImageBuildError) as caught:
        containering.make_container(package, docker_client)
    assert str(caught.value) == (
        f"base image '127.0.0.1:9/tg-test-other:1' is made for {other}, not for {native}; "
        f"name one that is made for {native}"
    )
    docker_client.remove_image("127.0.0.1:9/tg-test-other:1")


def test_a_base_image_with_another_python(
    docker_client: DockerClient, make_containering: Make, package: Package
) -> None:
    with pytest.raises(ImageBuildError) as caught:
        make_containering("python", python_version="3.2").make_container(package, docker_client)
    assert re.search(
        r"failed: the base image has Python 3\.\d+, not 3\.2; name another base_image, or set python_version to 3\.\d+",
        str(caught.value).splitlines()[0],
    )


def test_an_image_that_is_there_already(docker_client: DockerClient, make_containering: Make, base_image: str) -> None:
    image = make_containering("x", image_uri=base_image).make_container(client=docker_client)
    found = find_image(docker_client, base_image)
    assert found is not None
    assert (image.reference, image.image_id) == (base_image, found["Id"])
    with pytest.raises(ImageBuildError, match=r"^image '127.0.0.1:9/tg-test-nowhere:1' is not here and cannot be pull"):
        make_containering("x", image_uri="127.0.0.1:9/tg-test-nowhere:1").make_container(client=docker_client)


def test_another_user_and_his_requirements(
    docker_client: DockerClient, make_containering: Make, package: Package, build_options: ImageBuildOptions
) -> None:
    containering = make_containering("user", [], build_options=dataclasses.replace(build_options, user_id=1234))
    image = containering.make_container(package, docker_client)
    program = "import os; print(os.getuid())"
    assert run_once(docker_client, image.image_id, ["-c", program], Entrypoint=["python3"]) == "1234\n"
    assert run_once(docker_client, image.image_id) == "package Demo__0 text one arguments []\n"


def test_a_daemon_that_is_down(make_containering: Make, package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(ContainerError) as caught:
        make_containering("down").make_container(package)
    assert str(caught.value) == (
        "the Docker daemon at 'unix:///nowhere/docker.sock' cannot be used: no Docker daemon answers "
        "(No such file or directory); start Docker, or name another one with DOCKER_HOST"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give up its rights")
def test_a_daemon_that_one_may_not_use(tmp_path: Path) -> None:
    # A child without root's rights connects to a socket that is root's.
    import socket

    tmp_path.chmod(0o755)
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(ContainerError) as caught:
                connect(f"unix://{path}")
        finally:
            os.seteuid(0)
    assert str(caught.value) == (
        f"the Docker daemon at 'unix://{path}' cannot be used: no permission to use its socket; add yourself to the "
        "group `docker` and log in again"
    )
