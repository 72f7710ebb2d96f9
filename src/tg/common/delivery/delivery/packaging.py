"""Packages objects with the code they need."""

import json
import platform
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import PackagingError
from ...logger import Logger
from .dependency_list import DependencyList
from .import_rewriter import rewrite_imports
from .installed_distributions import CORE, find_distributions, pin_distributions
from .package import Package
from .package_file import add_metadata, write_package_file
from .pickling import dump_renamed_pickle, rename_prefix
from .project_code import ProjectCode
from .project_files import DEFAULT_SIZE_LIMIT_BYTES
from .python_source import read_python_source
from .unpicklable import describe_unpicklable

# The module in which this file is, above `common`: `tg`, or the package's own where a package makes a package.
_TG = __name__.rpartition(".common.delivery.")[0]


class Packaging:
    """Describes a package and makes it.

    The package holds our own modules, the project's, and the payload's objects as pickles. All are renamed to live
    below one module, ``<name>__<version>``, so that several versions can be loaded in one process.

    Args:
        name: The package's name: letters, digits and underscores.
        version: Its version, likewise, and dots.
        payload: Objects by name.

    Attributes:
        project_folder: The project's folder, all modules of which are taken. ``None``: the modules that the payload
            needs and that are not installed are taken, wherever they are.
        data_files: Patterns, as in ``.gitignore``, for other files of the project to take.
        size_limit_bytes: The largest size of one file.
        dependencies: What the package needs where it is installed; by default, what the payload and the modules import,
            in the versions that are installed here.
        silent: Whether making it says nothing.
    """

    def __init__(self, name: str, version: str, payload: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise PackagingError(f"the package's name is {name!r}; give letters, digits and underscores")
        if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", version):
            raise PackagingError(f"the package's version is {version!r}; give letters, digits, underscores and dots")
        self.name = name
        self.version = version
        self.payload = dict(payload)
        self.project_folder: Path | None = None
        self.data_files: Sequence[str] = ()
        self.size_limit_bytes = DEFAULT_SIZE_LIMIT_BYTES
        self.dependencies: list[DependencyList] = []
        self.silent = False

    @property
    def module_name(self) -> str:
        """The package's top module."""
        return f"{self.name}__{self.version.replace('.', '_')}"

    def make_package(self, folder: Path) -> Package:
        """Makes the package in ``folder``, which exists. The same source gives the same bytes.

        Raises:
            PackagingError: If an object cannot be pickled, a module is missing, hides another or is not Python, or a
                file is too large or a secret.
        """
        root = self.module_name
        code = ProjectCode(self.project_folder, self.data_files, self.size_limit_bytes, reserved=_TG)
        resources, referenced = self._pickle_payload(code)
        requirements = self._build_requirements(code.check_imports(referenced))
        files = {f"{root}/tg/{path}": content for path, content in _read_shipped_tree().items()}
        files.update({f"{root}/{path}": content for path, content in self._rewrite(code).items()})
        files.setdefault(f"{root}/__init__.py", b"")
        files.update({f"{root}/resources/{name}.pkl": content for name, content in resources.items()})
        properties = {**self.get_properties(), "modules": sorted(code.names), "requirements": list(requirements)}
        files[f"{root}/properties.json"] = json.dumps(properties, indent=2).encode()
        path = folder / f"{self.name}-{self.version}.tar.gz"
        sha256 = write_package_file(add_metadata(files, self.name, self.version), f"{self.name}-{self.version}", path)
        if not self.silent:
            Logger.info(f"Packaged {len(files)} files as {path} ({path.stat().st_size:,} bytes)")
        return Package(path, self.name, self.version, root, sha256, requirements)

    def get_properties(self) -> dict[str, str]:
        """What a package knows of itself, besides its modules and requirements."""
        return {
            "name": self.name,
            "version": self.version,
            "module_name": self.module_name,
            "tg_import_path": f"{self.module_name}.tg",
            "original_tg_import_path": _TG,
            "resources_location": f"{self.module_name}/resources",
            "python_version": platform.python_version(),
        }

    def _pickle_payload(self, code: ProjectCode) -> tuple[dict[str, bytes], set[str]]:
        def rename(module: str) -> str:
            is_ours = rename_prefix(module, {_TG: ""}) != module
            return f"{self.module_name}.{module}" if is_ours or code.holds(module) else module

        def pickle_all() -> tuple[dict[str, bytes], set[str]]:
            resources, referenced = {}, set[str]()
            for name, value in self.payload.items():
                try:
                    resources[name], modules = dump_renamed_pickle(value, rename)
                except Exception as error:
                    raise PackagingError(describe_unpicklable(value, name, error)) from error
                referenced |= modules
            return resources, referenced

        resources, referenced = pickle_all()
        if self.project_folder is None:
            # Which modules are the project's is known only now; they are renamed in a second round.
            code.add_referenced(referenced)
            resources, referenced = pickle_all()
        return resources, referenced

    def _rewrite(self, code: ProjectCode) -> dict[PurePosixPath, bytes]:
        names = {*code.names, _TG}
        rewritten = {}
        for path, file in code.files.items():
            if path.suffix == ".py":
                source, encoding = read_python_source(file)
                rewritten[path] = rewrite_imports(source, path, self.module_name, names).encode(encoding)
            else:
                rewritten[path] = file.read_bytes()
        return rewritten

    def _build_requirements(self, needed: Set[str]) -> tuple[str, ...]:
        if self.dependencies:
            lines = {line for each in self.dependencies for line in each.dependencies}
            return tuple(sorted(lines, key=str.lower))
        return pin_distributions({*CORE, *find_distributions(needed)})


def _read_shipped_tree() -> dict[str, bytes]:
    """Reads our own modules; their imports are relative, so they are renamed by being put elsewhere."""
    tree = Path(__file__).parents[3]
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
    }
