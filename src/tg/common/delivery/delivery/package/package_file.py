"""The file of a package: a source distribution whose bytes depend only on its content."""

import gzip
import hashlib
import importlib.resources
import io
import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....system.replaced_file import replacing_file

# Zip files, and so wheels built from the package, have no times before 1980.
_MODIFIED = 315_532_800
_LEVEL = 6
# Many small writes would take longer than the compression of some.
_BLOCK_BYTES = 1 << 20

# Builds a wheel with the standard library alone, so that pip needs no network to install a package.
BUILD_BACKEND = '''"""Builds this distribution's wheel, as PEP 517 has it, with nothing but the standard library."""

import base64
import hashlib
import zipfile
from pathlib import Path

HERE = Path(__file__).parent


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    metadata = (HERE / "PKG-INFO").read_text(encoding="utf-8")
    fields = dict(line.split(": ", 1) for line in metadata.splitlines())
    stem = f"{fields['Name']}-{fields['Version']}"
    info = f"{stem}.dist-info"
    wheel = "Wheel-Version: 1.0\\nGenerator: tg-mlflow\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    module = next(path.parent for path in HERE.glob("*/properties.json"))
    files = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in module.rglob("*") if path.is_file()}
    files |= {f"{info}/{path.name}": path.read_bytes() for path in HERE.glob("*.egg-info/entry_points.txt")}
    files |= {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    files[f"{info}/RECORD"] = build_record(files, f"{info}/RECORD").encode()
    name = f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name


def build_record(files, own_path):
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f'"{path}",sha256={digest},{len(content)}')
    return "\\n".join([*lines, f"{own_path},,"]) + "\\n"


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("this is the source distribution")
'''

_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "build_backend"\nbackend-path = ["."]\n'

# How MLflow, in a job, finds the store that records into the job's log.
_ENTRY_POINTS = """\
[mlflow.tracking_store]
tg-job = {module}.tg.common.delivery.sagemaker.mlflow_store.tracking_plugin:open_tracking_store

[mlflow.artifact_repository]
file = {module}.tg.common.delivery.sagemaker.mlflow_store.artifact_plugin:open_artifact_repository

[mlflow.model_registry_store]
tg-job = {module}.tg.common.delivery.sagemaker.mlflow_store.registry_plugin:open_registry_store
"""

# What a distribution's metadata may name; a requirements file may hold more, such as bare URLs.
_NAMED_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(\[[^\]]*\]\s*)?($|[<>=!~;@(].*)")

# The versions that Python's packaging tools accept; others become the local part of a version.
_KNOWN_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?")


def add_metadata(files: Mapping[str, bytes], properties: Mapping[str, Any]) -> dict[str, bytes]:
    """Adds the files that make a module a source distribution which pip installs without a network.

    Args:
        files: The module's files by their paths in the distribution.
        properties: The package's properties: ``name``, ``version``, ``module_name``, ``requirements``.
    """
    version = properties["version"]
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {properties['name']}",
        f"Version: {version if _KNOWN_VERSION.fullmatch(version) else '0+' + version.replace('_', '.').lower()}",
        *(f"Requires-Dist: {line}" for line in properties["requirements"] if _NAMED_REQUIREMENT.fullmatch(line)),
    ]
    metadata = "".join(f"{line}\n" for line in lines).encode()
    # With these, Python finds the plug-ins also where the unpacked package is on its path.
    found = f"{properties['name']}.egg-info"
    return {
        **files,
        "build_backend.py": BUILD_BACKEND.encode(),
        "PKG-INFO": metadata,
        "pyproject.toml": _PYPROJECT.encode(),
        f"{found}/PKG-INFO": metadata,
        f"{found}/entry_points.txt": _ENTRY_POINTS.format(module=properties["module_name"]).encode(),
    }


def read_installed_package(module_name: str) -> bytes:
    """Reads the file of an unpacked package, which lies beside its folder.

    If it is missing, because pip has installed the package, it is rebuilt from the module's files.
    """
    module = Path(str(importlib.resources.files(module_name)))
    folder = module.parent
    beside = folder.parent / f"{folder.name}.tar.gz"
    if beside.is_file():
        return beside.read_bytes()
    properties = json.loads((module / "properties.json").read_text(encoding="utf-8"))
    files = {f"{module_name}/{name}": content for name, content in read_module_files(module).items()}
    return build_package_file(add_metadata(files, properties), f"{properties['name']}-{properties['version']}")


def read_module_files(module: Path) -> dict[str, bytes]:
    """Reads the files of a package's module by their paths in it, without compiled files."""
    return {
        path.relative_to(module).as_posix(): path.read_bytes()
        for path in module.rglob("*")
        if path.is_file() and "__pycache__" not in path.relative_to(module).parts
    }


def build_package_file(files: Mapping[str, bytes], folder_name: str) -> bytes:
    """Packs ``files`` below one folder into a ``.tar.gz``; the same files give the same bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as compressed,
        io.BufferedWriter(compressed, _BLOCK_BYTES) as blocks,
        tarfile.open(fileobj=blocks, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(f"{folder_name}/{name}")
            member.size, member.mtime, member.mode = len(content), _MODIFIED, 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def write_package_file(content: bytes, path: Path) -> str:
    """Writes what :func:`build_package_file` returned; the file only appears complete.

    Returns:
        Its SHA-256 digest, hexadecimal.
    """
    with replacing_file(path) as file:
        file.write(content)
    return hashlib.sha256(content).hexdigest()
