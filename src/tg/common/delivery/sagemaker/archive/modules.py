"""Finds the modules that an archive's pickles refer to: the installed ones, or else those of the archived package."""

import hashlib
import importlib
import importlib.util
import json
import re
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....errors import ResultArchiveError
from ....module_specs import find_module_spec, read_held
from ....own_root import TG_MODULE
from ...delivery.package.pickling import rename_prefix
from .safe_extraction import ArchiveLimits, extract_archive

# Marks the top module of a loaded archived package with the digest of the package's file.
_DIGEST = "__archived_package_sha256__"

_LOADING = threading.Lock()


@dataclass(frozen=True)
class PackageProperties:
    """An archive's description of its package.

    Attributes:
        module_name: The package's top module, such as ``Titanic__0``.
        tg_import_path: Our modules in it, such as ``Titanic__0.tg``.
    """

    module_name: str
    tg_import_path: str

    @staticmethod
    def parse(text: "str | bytes") -> "PackageProperties":
        """Reads ``package.json``.

        Raises:
            ValueError: If it is not JSON, or lacks one of the names.
        """
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("it holds no properties")
        names = [content.get("module_name"), content.get("tg_import_path")]
        if not all(isinstance(name, str) and all(map(str.isidentifier, name.split("."))) for name in names):
            raise ValueError(f"it names the modules {names}")
        return PackageProperties(*map(str, names))


class ArchivedModules:
    """Finds the modules of an archive's classes.

    Args:
        properties: The package's names.
        package: Returns the package's file; called when a class is not found here.
        limits: How large the package may be.
    """

    def __init__(self, properties: PackageProperties, package: Callable[[], Path], limits: ArchiveLimits) -> None:
        self._properties = properties
        self._package = package
        self._limits = limits

    def find(self, module: str, name: str) -> str:
        """Finds the module to import for one that a pickle refers to.

        ``Titanic__0.tg.common`` becomes ``tg.common`` and ``Titanic__0.tasks`` becomes ``tasks``, if these have
        ``name``; otherwise the archived package is loaded and its module used. Others stay as they are.

        Args:
            module: The module's name in the pickle.
            name: The qualified name wanted from it; empty if the module itself is wanted.

        Raises:
            ResultArchiveError: If the archived package is needed and cannot be loaded.
        """
        root = self._properties.module_name
        below = rename_prefix(module, {root: ""}).removeprefix(".")
        if below == module:
            return module
        here = rename_prefix(module, {self._properties.tg_import_path: TG_MODULE})
        if here == module:
            here = below
        if here and _has(here, name):
            return here
        return rename_prefix(module, {root: load_archived_package(self._package(), root, self._limits)})

    def provide(self, module: str | None) -> bool:
        """Loads the archived package for code that imports its modules directly, as a pickle within a pickle does.

        Returns:
            Whether ``module`` belongs to the package and can now be imported, which it could not before.

        Raises:
            ResultArchiveError: If the archived package cannot be loaded.
        """
        root = self._properties.module_name
        if (module or "").partition(".")[0] != root or root in sys.modules:
            return False
        return load_archived_package(self._package(), root, self._limits) == root


def load_archived_package(file: Path, module_name: str, limits: ArchiveLimits) -> str:
    """Loads the top module of a package, whose other modules can then be imported until the process ends.

    If another package has the name ``module_name``, this one is loaded under a name of its own. A package that was
    loaded from another archive is not loaded again, so that its classes are the same.

    Returns:
        The name under which it is loaded.

    Raises:
        ResultArchiveError: If the file does not hold the module.
    """
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    own_name = f"{module_name}_{digest[:12]}"
    with _LOADING:
        for name in (module_name, own_name):
            if read_held(sys.modules.get(name), _DIGEST) == digest:
                return name
        is_taken = module_name in sys.modules or find_module_spec(module_name) is not None
        name = own_name if is_taken else module_name
        folder = Path(tempfile.mkdtemp(prefix="tg-package-"))
        try:
            extract_archive(file, folder / "content", limits=limits)
            _load(_rename(_find(folder / "content", module_name), module_name, name), name, digest)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(sys.modules[name], shutil.rmtree, folder, ignore_errors=True)
        return name


def _find(folder: Path, module_name: str) -> Path:
    found = [path.parent for path in folder.glob(f"*/{module_name}/__init__.py")]
    if len(found) != 1:
        raise ResultArchiveError(f"the archived package does not hold the module {module_name!r}; it is damaged")
    return found[0]


def _rename(package: Path, module_name: str, name: str) -> Path:
    """Renames a package, also in its modules' absolute imports and references."""
    if name == module_name:
        return package
    word = re.compile(rf"(?<!\w){module_name}(?!\w)".encode())
    for path in [*package.rglob("*.py"), package / "properties.json"]:
        if path.is_file():
            path.write_bytes(word.sub(name.encode(), path.read_bytes()))
    return package.rename(package.with_name(name))


def _load(package: Path, name: str, digest: str) -> None:
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    setattr(module, _DIGEST, digest)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def _has(module: str, name: str) -> bool:
    """Returns whether a module can be imported here and has a qualified name."""
    try:
        value: object = importlib.import_module(module)
        for part in filter(None, name.split(".")):
            value = getattr(value, part)
    except Exception:  # noqa: BLE001 - a module here may raise anything; there is the archived one
        return False
    return True
