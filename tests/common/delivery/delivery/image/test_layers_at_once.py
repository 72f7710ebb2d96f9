"""Launchers that need the same libraries at the same moment."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

import pytest
import requests
from docker.errors import ImageNotFound

from tg.common.delivery.delivery import Containering, DependencyList, Package, Packaging
from tg.common.delivery.delivery.image.docker_client import DockerClient
from tg.common.delivery.delivery.package.package_file import build_package_file
from tg.common.system.waits import telling_waits

BASE = {"Id": "sha256:1", "Os": "linux", "Architecture": "amd64", "Config": {"User": ""}, "RepoTags": []}


class Engine:
    """Builds images; each build waits until the event is set.

    Attributes:
        builds: The names of the images in the order in which their builds began.
        begun: Set when a build has begun.
        may_end: Set when builds may end.
        layers: The containers that are to become images.
    """

    base_url = "http+docker://localhost"

    def __init__(self) -> None:
        self.builds: list[str] = []
        self.layers: list[str] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self._images: dict[str, dict[str, Any]] = {"base": BASE}

    def version(self) -> dict[str, str]:
        return {"Os": "linux", "Arch": "amd64"}

    def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self._images:
            answer = requests.Response()
            answer.status_code = 404
            raise ImageNotFound(name, answer)
        return self._images[name]

    def build(self, tag: str, **_: Any) -> Iterator[dict[str, Any]]:
        self.builds.append(tag)
        self.begun.set()
        assert self.may_end.wait(20)
        self._images[tag] = {**BASE, "Id": f"sha256:{tag}", "RepoTags": [tag]}
        yield {"stream": "done"}

    def create_container_from_config(self, config: dict[str, Any], name: str) -> dict[str, str]:
        assert config["Image"].startswith("tg-dependencies:")
        self.layers.append(name)
        return {"Id": name}

    def put_archive(self, container: str, path: str, data: IO[bytes]) -> None:
        assert (container in self.layers, path) == (True, "/")

    def commit(self, container: str, repository: str, tag: str, changes: str) -> dict[str, str]:
        self.builds.append(f"{repository}:{tag}")
        return {"Id": f"sha256:{repository}"}

    def remove_container(self, container: str, **_: Any) -> None:
        self.layers.remove(container)

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return []

    def images(self, **_: Any) -> list[dict[str, Any]]:
        return []


@pytest.fixture
def package(tmp_path: Path) -> Package:
    path = tmp_path / "Demo-0.tar.gz"
    path.write_bytes(build_package_file({"Demo__0/__init__.py": b""}, "Demo-0"))
    return Package(path, "Demo", "0", "Demo__0", "0" * 64)


def make(engine: Engine, package: Package, name: str, waits: list[str | None]) -> None:
    containering = Containering.from_packaging(Packaging(name, "0", {}))
    containering.base_image, containering.silent = "base", True
    containering.dependencies = [DependencyList("all", ["numpy==2.0"])]

    def tell(what: str | None) -> None:
        waits.append(what)
        if str(what).startswith("another launcher"):
            engine.may_end.set()

    with telling_waits(tell):
        containering.make_container(package, cast(DockerClient, engine))


def test_a_layer_is_built_once(package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    engine = Engine()
    first, second = list[str | None](), list[str | None]()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(make, engine, package, "one", first)
        assert engine.begun.wait(20)
        pool.submit(make, engine, package, "two", second).result(20)
        one.result(20)
    layer, *rest = engine.builds
    assert layer.startswith("tg-dependencies:")
    assert sorted(rest) == ["one:0", "two:0"]
    assert first == [f"the build of image {layer}", None]
    assert engine.layers == []
    assert second == [f"another launcher, which builds {layer}", None]


@pytest.mark.parametrize("home", ["file", "read-only/cache"])
def test_where_no_lock_can_be_kept_it_is_built_all_the_same(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "read-only").symlink_to("/proc")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / home))
    engine = Engine()
    engine.may_end.set()
    make(engine, package, "one", [])
    assert len(engine.builds) == 2
