import base64
import csv
import gzip
import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tg.common.delivery.delivery import DependencyList, Package, Packaging
from tg.common.delivery.delivery.package.package_file import (
    BUILD_BACKEND,
    add_metadata,
    build_package_file,
    read_installed_package,
    write_package_file,
)
from tg.common.system.tar_extraction import extract_files


def make_package(folder: Path, version: str = "0", *requirements: str) -> Package:
    packaging = Packaging("Titanic", version, {"job": {"answer": 42}})
    packaging.dependencies = [DependencyList("test", requirements or ["pandas==3.1.1"])]
    packaging.silent = True
    return packaging.make_package(folder)


def run(command: "list[str]", folder: Path, **environment: str) -> str:
    result = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.strip()


def pip_install(package: Package, target: Path) -> None:
    """Installs without a network: there is nothing at the address of the index."""
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(target), str(package.path)]
    address = "http://127.0.0.1:9/simple"
    run(
        command,
        package.path.parent,
        PIP_INDEX_URL=address,
        PIP_NO_CACHE_DIR="1",
        PIP_CONFIG_FILE=os.devnull,
        PIP_RETRIES="0",
    )


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    files = {"b.txt": b"2", "a/c.txt": b"1"}
    content = build_package_file(files, "x-0")
    assert content == build_package_file(dict(sorted(files.items())), "x-0")
    assert hashlib.sha256(gzip.decompress(content)).hexdigest() == (
        "ffac2a219ff4f24d51400f5ca2e27c716b9c38b854d080b648f6c80dcafd5f98"
    )
    assert content != build_package_file(files, "x-1")


def test_a_file_is_there_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x-0.tar.gz"
    path.write_bytes(b"old")
    assert write_package_file(b"new", path) == hashlib.sha256(b"new").hexdigest()
    assert [each.name for each in tmp_path.iterdir()] == ["x-0.tar.gz"]
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("version", "written"),
    [("0", "0"), ("1.2.3", "1.2.3"), ("2.0rc1", "2.0rc1"), ("3fa85f64", "0+3fa85f64"), ("1_A", "0+1.a")],
)
def test_metadata_are_those_of_a_distribution(version: str, written: str) -> None:
    requirements = ["pandas==3.1.1", "uvicorn[standard] >=1; os_name == 'posix'", "x @ https://e.org/x.whl"]
    more = ["git+https://e.org/x", "./x.whl", "https://e.org/x.whl"]
    properties = {
        "name": "Titanic",
        "version": version,
        "module_name": "Titanic__0",
        "requirements": requirements + more,
    }
    files = add_metadata({"Titanic__0/x.py": b""}, properties)
    assert sorted(files) == [
        "PKG-INFO",
        "Titanic.egg-info/PKG-INFO",
        "Titanic.egg-info/entry_points.txt",
        "Titanic__0/x.py",
        "build_backend.py",
        "pyproject.toml",
    ]
    assert files["Titanic.egg-info/PKG-INFO"] == files["PKG-INFO"]
    assert files["PKG-INFO"].decode().splitlines() == [
        "Metadata-Version: 2.1",
        "Name: Titanic",
        f"Version: {written}",
        *(f"Requires-Dist: {requirement}" for requirement in requirements),
    ]


@pytest.mark.starts_process
@pytest.mark.parametrize("version", ["0", "3fa85f64"])
def test_pip_installs_it_without_a_network(tmp_path: Path, version: str) -> None:
    package = make_package(tmp_path, version)
    site = tmp_path / "site"
    pip_install(package, site)
    script = f"""
import hashlib, importlib.metadata, sys
sys.modules["tg"] = None
sys.path.insert(0, {str(site)!r})
from {package.module_name}.tg.common.delivery.delivery.package.entry_point import EntryPoint
from {package.module_name}.tg.common.delivery.delivery.package.package_file import read_installed_package
entry_point = EntryPoint({package.module_name!r})
print(entry_point.load_resource("job"), entry_point.properties["resources_location"])
print(hashlib.sha256(read_installed_package({package.module_name!r})).hexdigest())
print(importlib.metadata.requires("Titanic"))
print(*(each.name for each in importlib.metadata.distribution("Titanic").entry_points))
"""
    assert run([sys.executable, "-c", script], tmp_path).splitlines() == [
        f"{{'answer': 42}} {site / package.module_name / 'resources'}",
        package.sha256,
        "['pandas==3.1.1']",
        "tg-job file tg-job",
    ]


@pytest.mark.starts_process
def test_its_wheel_records_every_file(tmp_path: Path) -> None:
    package = make_package(tmp_path)
    with tarfile.open(package.path) as archive:
        extract_files(archive, tmp_path)
    source = tmp_path / package.folder_name
    assert (source / "build_backend.py").read_text() == BUILD_BACKEND
    name = run([sys.executable, "-c", "import build_backend as b; print(b.build_wheel('..'))"], source)
    assert name == "Titanic-0-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name) as wheel:
        rows = {row[0]: row[1:] for row in csv.reader(wheel.read("Titanic-0.dist-info/RECORD").decode().splitlines())}
        assert sorted(rows) == sorted(wheel.namelist())
        assert rows.pop("Titanic-0.dist-info/RECORD") == ["", ""]
        for path, (digest, size) in rows.items():
            content = wheel.read(path)
            sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={sha256}", str(len(content)))


def test_the_file_of_an_unpacked_package_is_read_or_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = make_package(tmp_path, "read_again")
    with tarfile.open(package.path) as archive:
        extract_files(archive, tmp_path)
    monkeypatch.syspath_prepend(tmp_path / package.folder_name)
    (tmp_path / package.folder_name / package.module_name / "__pycache__").mkdir()
    (tmp_path / package.folder_name / package.module_name / "__pycache__" / "x.pyc").write_bytes(b"")
    content = package.path.read_bytes()
    package.path.write_bytes(b"what is beside it")
    assert read_installed_package(package.module_name) == b"what is beside it"
    package.path.unlink()
    assert read_installed_package(package.module_name) == content
