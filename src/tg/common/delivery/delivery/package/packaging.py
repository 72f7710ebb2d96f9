"""Packages objects with the code they need."""

import json
import platform
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path, PurePosixPath
from typing import Any

from ....errors import PackagingError
from ....logger import Logger
from ....own_root import TG_MODULE
from ..code.import_rewriter import rewrite_outlined
from ..code.installed_distributions import (
    CORE,
    find_distributions,
    find_versions,
    name_distribution,
    pin_builds,
    pin_distributions,
)
from ..code.optional_parts import find_variables
from ..code.project_code import ProjectCode
from ..code.project_files import DEFAULT_SIZE_LIMIT_BYTES, ProjectFiles, collect_project_files
from .dependency_list import DependencyList
from .package import Package
from .package_file import add_metadata, build_package_file, write_package_file
from .pickling import dump_renamed_pickle, rename_prefix
from .project_archive import PROJECT_RESOURCE
from .shipped_tree import read_shipped_tree
from .unpicklable import describe_unpicklable

# How many are named; a folder of old notebooks may hold hundreds.
_MOST_LEFT_OUT = 20


class Packaging:
    """Describes a package and makes it.

    The package holds our own modules, the project's, and the payload's objects as pickles. All are renamed to live
    below one module, ``<name>__<version>``, so that several versions can be loaded in one process.

    Args:
        name: The package's name: letters, digits and underscores.
        version: Its version: letters, digits, underscores and dots.
        payload: Objects by name.

    Attributes:
        project_folder: The project's folder, whose modules are all taken. Modules that the payload needs and that are
            neither there nor installed are taken from anywhere; without a folder, all are found that way.
        data_files: Patterns, as in ``.gitignore``, of other files of the project to take.
        size_limit_bytes: The largest size of one file.
        dependencies: Requirements of the package; by default, what the payload and the modules import, in the versions
            that are installed here.
        additional_dependencies: Further requirements, such as the project's own.
        core: The distributions that each package needs.
        project: The files of a project that a command runs in, as a tar file; nothing of them is imported here.
        environment: What a project declares besides requirements, such as its Python; values for JSON.
        silent: Whether only warnings are logged.
        needed_modules: The project's modules that the payload needs, by their paths in the package; known once it has
            been made.
    """

    def __init__(self, name: str, version: str, payload: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise PackagingError(f"the package's name is {name!r}; give letters, digits and underscores")
        if not re.fullmatch(r"[A-Za-z0-9]+([._][A-Za-z0-9]+)*", version):
            raise PackagingError(f"the package's version is {version!r}; give letters, digits, underscores and dots")
        for each in payload:
            if not (isinstance(each, str) and each.isidentifier()):
                raise PackagingError(f"the payload names an object {each!r}; give letters, digits and underscores")
        self.name = name
        self.version = version
        self.payload = dict(payload)
        self.project_folder: Path | None = None
        self.data_files: Sequence[str] = ()
        self.size_limit_bytes = DEFAULT_SIZE_LIMIT_BYTES
        self.dependencies: list[DependencyList] = []
        self.additional_dependencies: list[DependencyList] = []
        self.core: Sequence[str] = CORE
        self.project: bytes | None = None
        self.environment: Mapping[str, Any] | None = None
        self.silent = False
        self.needed_modules: Mapping[PurePosixPath, Path] = {}
        self._digested: ProjectFiles | None = None

    @property
    def module_name(self) -> str:
        """The package's top module."""
        return f"{self.name}__{self.version.replace('.', '_')}"

    def digest_project(self) -> str:
        """Digests the names and contents of the project's files; the next package holds what is digested.

        Returns:
            The SHA-256, hexadecimal.

        Raises:
            PackagingError: If no folder is set or there is none, or a data file is missing, too large or a secret.
        """
        self._digested = self._collect_project_files()
        if self._digested is None:
            raise PackagingError(f"the package {self.name!r} has no project_folder; set it")
        return self._digested.digest()

    def make_package(self, folder: Path) -> Package:
        """Makes the package in ``folder``, which exists.

        The same code and objects give the same bytes, unless the objects contain sets or come from ``__main__``, which
        Python pickles in an order, or under names, that differ between processes.

        Raises:
            PackagingError: If an object cannot be pickled, if a needed module is missing, hides another, is not Python
                or is too large, or if a data file is too large or a secret.
        """
        project, self._digested = self._digested or self._collect_project_files(), None
        code = ProjectCode(project, self.size_limit_bytes, reserved=TG_MODULE)
        resources, reached = self._pickle_payload(code)
        if code.left_out:
            Logger.warning(_describe_left_out(code.left_out))
        distributions = {*self.core, *find_distributions(reached)}
        distributions |= code.find_optional_parts(reached, distributions)
        code.keep_outlines()
        requirements = self._build_requirements(distributions)
        modules = tuple(sorted(code.names))
        properties = {
            **self.get_properties(),
            **({} if self.environment is None else {"environment": self.environment}),
            "library_versions": find_versions(distributions),
            "modules": modules,
            "requirements": requirements,
            "imports": sorted(code.required),
            "variables": find_variables(distributions),
            "left_out": {_name_module(path): reason for path, reason in sorted(code.left_out.items())},
        }
        files = self._lay_out(code, resources, properties)
        path = folder / f"{self.name}-{self.version}.tar.gz"
        content = build_package_file(add_metadata(files, properties), f"{self.name}-{self.version}")
        sha256 = write_package_file(content, path)
        if not self.silent:
            Logger.info(f"Packaged {len(files)} files as {path} ({len(content):,} bytes)")
        return Package(path, self.name, self.version, self.module_name, sha256, modules, requirements, properties)

    def _collect_project_files(self) -> ProjectFiles | None:
        if self.project_folder is None:
            return None
        return collect_project_files(self.project_folder, self.data_files, self.size_limit_bytes)

    def get_properties(self) -> dict[str, str]:
        """Returns a package's properties, without its modules and requirements."""
        return {
            "name": self.name,
            "version": self.version,
            "module_name": self.module_name,
            "tg_import_path": f"{self.module_name}.tg",
            "original_tg_import_path": TG_MODULE,
            "resources_location": f"{self.module_name}/resources",
            "python_version": platform.python_version(),
        }

    def _pickle_payload(self, code: ProjectCode) -> tuple[dict[str, bytes], set[str]]:
        """Pickles each object, and adds the modules that it needs to ``code``.

        Returns:
            The pickles by the objects' names, and the installed modules that they need, by top-level names.
        """

        def rename(module: str) -> str:
            renamed = rename_prefix(module, {TG_MODULE: f"{self.module_name}.tg"})
            return f"{self.module_name}.{module}" if code.holds(module.partition(".")[0]) else renamed

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
        before = code.names
        reached = code.add_reached(referenced)
        code.leave_out_unusable()
        self.needed_modules = {path: code.files[path] for path in sorted(code.needed)}
        if code.names != before:
            # Only now is it known which modules are the project's; a second round renames them.
            resources, _ = pickle_all()
        for name, content in resources.items():
            if len(content) > self.size_limit_bytes:
                Logger.warning(
                    f"Object {name!r} has {len(content):,} bytes when pickled, more than {self.size_limit_bytes:,}; "
                    "data that it holds are better part of the dataset"
                )
        return resources, reached

    def _lay_out(
        self, code: ProjectCode, resources: Mapping[str, bytes], properties: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """Returns all files by their paths in the distribution."""
        project = {path.as_posix(): content for path, content in self._rewrite(code).items()}
        shipped = read_shipped_tree([*project.values(), *resources.values()])
        own = {f"tg/{path}": content for path, content in shipped.items()}
        own["__init__.py"] = b""
        own["properties.json"] = json.dumps(properties, indent=2).encode()
        own.update({f"resources/{name}.pkl": content for name, content in resources.items()})
        if self.project is not None:
            own[f"resources/{PROJECT_RESOURCE}"] = self.project
        if twice := sorted(own.keys() & project.keys()):
            raise PackagingError(f"project file {twice[0]!r} has the place of one of the package's own; rename it")
        return {f"{self.module_name}/{path}": content for path, content in (own | project).items()}

    def _rewrite(self, code: ProjectCode) -> dict[PurePosixPath, bytes]:
        names = {*code.names, TG_MODULE}
        modules = code.modules
        rewritten = {}
        for path in code.files:
            if path in modules:
                source = code.read(path)
                text = rewrite_outlined(source.text, source.outline, self.module_name, names)
                rewritten[path] = text.encode(source.encoding)
            else:
                rewritten[path] = code.read_data(path)
        return rewritten

    def _build_requirements(self, distributions: Set[str]) -> tuple[str, ...]:
        additional = [line for each in self.additional_dependencies for line in each.dependencies]
        if self.dependencies:
            lines = [line for each in self.dependencies for line in each.dependencies]
        else:
            # The project's own requirements replace ours: two versions of one library cannot be installed.
            asked = {name_distribution(line) for line in additional}
            pinned = pin_distributions(distributions)
            lines = [line for line in pinned if name_distribution(line) not in asked]
            lines += pin_builds(distributions, [*pinned, *additional])
        return tuple(sorted({*lines, *additional}, key=str.lower))


def _name_module(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _describe_left_out(left_out: Mapping[PurePosixPath, str]) -> str:
    shown = [f"{path} ({reason})" for path, reason in sorted(left_out.items())]
    more = f"; and {len(shown) - _MOST_LEFT_OUT:,} more" if len(shown) > _MOST_LEFT_OUT else ""
    return (
        f"{len(shown):,} files of the project are left out of the package, as nothing that is trained needs them: "
        f"{'; '.join(shown[:_MOST_LEFT_OUT])}{more}. To leave one out silently, name it in .tgignore"
    )
