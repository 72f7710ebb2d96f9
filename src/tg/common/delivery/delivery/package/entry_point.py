"""A package that can be imported, and the objects in it."""

import functools
import gzip
import hashlib
import importlib
import importlib.resources
import io
import json
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import PackagingError, listed
from ....own_root import PACKAGE_MODULE, TG_MODULE
from ....system.tar_extraction import extract_files
from ....system.temporary_folder import temporary_folder
from .package_file import read_module_files
from .pickling import load_pickle


class EntryPoint:
    """Loads the objects of a package.

    Args:
        module_name: The package's top module, which must be importable.

    Attributes:
        module_name: The package's top module.
        properties: The package's ``properties.json``, with ``resources_location``, the folder of its objects.

    Raises:
        PackagingError: If there is no such package.
    """

    def __init__(self, module_name: str) -> None:
        self.module_name = module_name
        try:
            self._files = importlib.resources.files(module_name)
            text = (self._files / "properties.json").read_text(encoding="utf-8")
        except (ModuleNotFoundError, FileNotFoundError) as error:
            raise PackagingError(f"{module_name!r} is not an installed package: {error}") from error
        self.properties: dict[str, Any] = {**json.loads(text), "resources_location": str(self._files / "resources")}

    @property
    def tg_import_path(self) -> str:
        """Our own top module in the package, such as ``Titanic__0.tg``."""
        return str(self.properties["tg_import_path"])

    @property
    def resource_names(self) -> list[str]:
        """The names of the payload's objects, sorted."""
        files = (self._files / "resources").iterdir()
        return sorted(file.name.removesuffix(".pkl") for file in files if file.name.endswith(".pkl"))

    def load_resource(self, name: str) -> Any:
        """Loads one object of the payload.

        Raises:
            PackagingError: If the payload has no object of this name.
        """
        resource = self._files / "resources" / f"{name}.pkl"
        if not resource.is_file():
            raise PackagingError(
                f"the package {self.module_name!r} holds no object {name!r}; it holds {listed(self.resource_names)}"
            )
        return load_pickle(resource.read_bytes())


def open_own_package() -> EntryPoint:
    """Opens the package that contains this code.

    Raises:
        PackagingError: If none does.
    """
    if not PACKAGE_MODULE:
        raise PackagingError(f"{TG_MODULE!r} is installed as such, in no package; start the job of a package")
    return EntryPoint(PACKAGE_MODULE)


def install_package_and_get_loader(path: Path, folder: Path | None = None) -> EntryPoint:
    """Unpacks a package and makes it importable in this process. Only for trusted packages: it runs code.

    Versions of one package can be loaded side by side; the same package can be loaded again.

    Args:
        path: The package's file.
        folder: Where to unpack it, below a folder named by its digest, which is reused. By default, a folder that is
            removed when this process ends.

    Raises:
        PackagingError: If the file is not a package, or another package with the same name and version is loaded.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PackagingError(f"package {str(path)!r} cannot be read: {error.strerror}") from error
    below = Path(_process_folder().name if folder is None else folder).absolute()
    target = below / hashlib.sha256(content).hexdigest()
    if not target.is_dir():
        _unpack(content, str(path), target)
    (properties,) = target.glob("*/*/properties.json")
    module_name = properties.parent.name
    if str(properties.parents[1]) not in sys.path:
        sys.path.append(str(properties.parents[1]))
        importlib.invalidate_caches()
    entry_point = EntryPoint(module_name)
    loaded = Path(entry_point.properties["resources_location"]).parent
    if loaded != properties.parent and read_module_files(loaded) != read_module_files(properties.parent):
        raise PackagingError(
            f"another package with the module {module_name!r} is loaded in this process; give this one another "
            "version, or start a new process"
        )
    return entry_point


@functools.cache
def _process_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="tg-packages-")


def _unpack(package: bytes, path: str, target: Path) -> None:
    """Unpacks a package's file into ``target``, which only appears complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(parent=target.parent) as temporary:
        content = temporary / "content"
        try:
            # All at once: tarfile does not read a compressed archive up to the checksum at its end.
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(package)), mode="r:") as archive:
                _check_members(archive)
                extract_files(archive, content)
        except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
            raise PackagingError(f"{path!r} is not a package: {error}; build it with Packaging") from error
        try:
            content.rename(target)
        except OSError:
            if not target.is_dir():  # else another process has unpacked it meanwhile
                raise


def _check_members(archive: tarfile.TarFile) -> None:
    """Raises ValueError unless all members are files in one folder, with a module that has properties."""
    names = set()
    for member in archive:
        if not member.isfile():
            raise ValueError(f"its member {member.name!r} is not a file")
        names.add(PurePosixPath(member.name))
    if len({name.parts[0] for name in names if len(name.parts) > 1}) != 1:
        raise ValueError("its members are not all in one folder")
    modules = [name.parts[1] for name in names if len(name.parts) == 3 and name.name == "properties.json"]
    if len(modules) != 1 or not modules[0].isidentifier():
        raise ValueError("it has no module with a properties.json")
