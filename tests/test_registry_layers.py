import hashlib
from pathlib import Path

import pytest

from tests import registry_layers
from tests.registry_layers import bring_layers, keep_layers


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_layers, "_LEAST_BYTES", 100)
    monkeypatch.setattr(registry_layers, "_MOST_BYTES", 1000)


def push(images: Path, repository: str, content: bytes) -> str:
    """Stores a layer as the program docker-registry does, and an image of it."""
    digest = hashlib.sha256(content).hexdigest()
    tree = images / "docker" / "registry" / "v2"
    data = tree / "blobs" / "sha256" / digest[:2] / digest / "data"
    link = tree / "repositories" / repository / "_layers" / "sha256" / digest / "link"
    tag = tree / "repositories" / repository / "_manifests" / "tags" / "0" / "current" / "link"
    for path, text in ((data, content), (link, f"sha256:{digest}".encode()), (tag, b"sha256:0")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return digest


def files_of(folder: Path) -> "dict[str, bytes]":
    tree = folder / "docker" / "registry" / "v2"
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def test_large_layers_come_back_where_they_were_and_nothing_else(tmp_path: Path) -> None:
    kept, first = tmp_path / "kept", tmp_path / "first"
    large = push(first, "1/tg-mlflow/points", b"x" * 100)
    push(first, "2/points", b"x" * 100)
    push(first, "2/points", b"x" * 99)
    keep_layers(first, kept)
    bring_layers(tmp_path / "second", kept)
    assert files_of(tmp_path / "second") == {
        f"blobs/sha256/{large[:2]}/{large}/data": b"x" * 100,
        f"repositories/1/tg-mlflow/points/_layers/sha256/{large}/link": f"sha256:{large}".encode(),
        f"repositories/2/points/_layers/sha256/{large}/link": f"sha256:{large}".encode(),
    }


def test_a_registry_adds_to_what_was_kept(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    for number, content in enumerate((b"a" * 100, b"b" * 100)):
        images = tmp_path / str(number)
        bring_layers(images, kept)
        push(images, "points", content)
        keep_layers(images, kept)
    bring_layers(tmp_path / "last", kept)
    assert sorted(content[:1] for name, content in files_of(tmp_path / "last").items() if "blobs" in name) == [
        b"a",
        b"b",
    ]


def test_a_registry_that_deletes_a_layer_leaves_the_kept_one(tmp_path: Path) -> None:
    kept, images = tmp_path / "kept", tmp_path / "first"
    push(images, "points", b"x" * 100)
    keep_layers(images, kept)
    before = files_of(kept)
    for path in images.rglob("*"):
        if path.is_file():
            path.unlink()
    keep_layers(images, kept)
    assert files_of(kept) == before


def test_too_much_is_not_kept(tmp_path: Path) -> None:
    kept, images = tmp_path / "kept", tmp_path / "first"
    push(images, "points", b"x" * 600)
    keep_layers(images, kept)
    push(images, "points", b"y" * 600)
    keep_layers(images, kept)
    assert files_of(kept) == {}
    bring_layers(tmp_path / "second", kept)
    assert files_of(tmp_path / "second") == {}
