"""Fetches and reads an MLflow project.

MLflow offers no public function that fetches a project without checking its entry point as a shell command, so this
module alone uses ``mlflow.projects.utils`` and the project's specification directly.
"""

import shlex
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from mlflow.exceptions import MlflowException
from mlflow.projects import _project_spec
from mlflow.projects.utils import _fetch_project

from tg.common.errors import listed, suggestion
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import DeclaredEnvironment
from tg_mlflow.project.script_command import ScriptCommand, build_script_command
from tg_mlflow.project.train_command import PROGRAM, TrainCommand, is_train_command, parse_train_command

# What runs a script that is given as an entry point.
_PROGRAMS = {".py": "python", ".sh": "bash", ".R": "Rscript"}
_NUMBER_TYPES = {"float": float, "int": int}


ProjectCommand = TrainCommand | ScriptCommand


@dataclass(frozen=True)
class Project:
    """A project on this machine.

    Attributes:
        uri: As the user gave it.
        version: As the user gave it: a commit or a branch, or ``None``.
        folder: Where its MLproject is, absolute.
        name: The MLproject's name, else the folder's.
        spec: MLflow's reading of the MLproject; ``None`` without one.
        environments: What has been read of the environment that it declares, by the folder: it is read once.
    """

    uri: str
    version: str | None
    folder: Path
    name: str
    spec: Any
    environments: dict[Path, DeclaredEnvironment] = field(default_factory=dict, compare=False, repr=False)
    _files: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_declared(self) -> bool:
        """Whether there is an MLproject, so that all modules of the folder belong to the project."""
        return self.spec is not None

    @property
    def modules(self) -> list[str]:
        """The modules of its entry points' factories, as far as commands name them without parameters."""
        commands = [each.command for each in self.spec._entry_points.values()] if self.is_declared else []
        words = [str(command).split() for command in commands]
        targets = [each[len(PROGRAM)] for each in words if tuple(each[: len(PROGRAM)]) == PROGRAM and len(each) > 2]
        return [target.partition(":")[0] for target in targets if "{" not in target]

    def resolve_parameters(self, entry_point: str, given: Mapping[str, Any]) -> dict[str, str]:
        """Resolves the parameters of an entry point, as the user wrote them.

        Args:
            entry_point: Its name.
            given: The user's values; the MLproject's defaults are used for the rest.

        Returns:
            A text for each declared parameter, in the order of the MLproject, then the others that a script gets.

        Raises:
            ProjectError: For an entry point that does not exist, and a parameter that is unknown, missing or not of its
                declared type.
        """
        spec = self._entry_point(entry_point)
        declared = spec.parameters
        others = {name: value for name, value in given.items() if name not in declared}
        if is_train_command(spec.command):
            for name in others:
                raise ProjectError(
                    f"parameter {name!r} is unknown to entry point {entry_point!r}; {suggestion(name, declared)}"
                )
        values = {name: given.get(name, parameter.default) for name, parameter in declared.items()} | others
        if missing := [name for name, value in values.items() if value is None]:
            raise ProjectError(
                f"entry point {entry_point!r} lacks values for {listed(missing)}; "
                "give each as -P name=value, or a default in the MLproject"
            )
        texts = {name: str(value) for name, value in values.items()}
        for name, text in texts.items():
            if name in declared:
                _check_type(name, text, declared[name].type)
        return texts

    def build_command(self, entry_point: str, parameters: Mapping[str, str]) -> ProjectCommand:
        """Reads an entry point's command, with ``parameters`` inserted.

        A ``path`` parameter that names no file here is downloaded first, as MLflow does; the same value only once.

        Raises:
            ProjectError: If there is no command, or a path or URI cannot be used.
        """
        spec = self._entry_point(entry_point)
        if not isinstance(spec.command, str):
            raise ProjectError(
                f"entry point {entry_point!r} has no command; give it one, such as 'python train.py' or 'tg-mlflow "
                "train MODULE:FACTORY'"
            )
        is_ours = is_train_command(spec.command)
        values, others = dict[str, str](), dict[str, str]()
        for position, (name, text) in enumerate(parameters.items()):
            if name not in spec.parameters:
                others[name] = text
                continue
            try:
                text = self._compute_value(spec.parameters[name], text, position)
            except (MlflowException, OSError) as error:
                raise ProjectError(f"parameter {name!r} is {text!r}, which cannot be used: {error}") from error
            values[name] = text
        if is_ours:
            return parse_train_command(spec.command, values)
        files = {name: Path(text) for name, text in values.items() if self._names_file(spec.parameters[name], text)}
        return build_script_command(spec.command, values, files, self.folder, others)

    def _names_file(self, parameter: Any, text: str) -> bool:
        """Returns whether a value is a file or folder here, which has to be where a script runs."""
        return parameter.type == "path" and Path(text).exists()

    def _compute_value(self, parameter: Any, text: str, position: int) -> str:
        """Computes MLflow's form of a parameter's value; the trainings of a sweep share downloads."""
        if parameter.type != "path":  # nothing else is downloaded
            return str(parameter.compute_value(text, None, position))
        if text not in self._files:
            inside = self.folder / text
            # Where `mlflow run` is called elsewhere, a script's default is a file of the project all the same.
            found = str(inside) if not Path(text).exists() and inside.exists() else text
            self._files[text] = _bring_file(parameter, found, position)
        return self._files[text]

    def _entry_point(self, name: str) -> Any:
        entry_points = self.spec._entry_points if self.is_declared else {}
        if name in entry_points:
            return entry_points[name]
        if (program := _PROGRAMS.get(Path(name).suffix)) is not None:
            return self._read_file_entry_point(name, program)
        if not entry_points:
            path = _project_spec._find_mlproject(self.folder)
            what = f"{path} has no entry_points" if path else f"there is no MLproject in {str(self.folder)!r}"
            raise ProjectError(
                f"{what}; write one with 'main' and its command under entry_points, or name a script, as in -e train.py"
            )
        hint = suggestion(name, entry_points)
        raise ProjectError(
            f"the MLproject has no entry point {name!r}; {hint}{'' if hint.endswith('?') else '.'} "
            "A script of the project is one, too, as in -e train.py"
        )

    def _read_file_entry_point(self, name: str, program: str) -> Any:
        """Reads the name of a script as an entry point, as MLflow does; parameters follow it as ``--name value``."""
        if not (self.folder / name).is_file():
            raise ProjectError(f"entry point {name!r} is no file of the project {str(self.folder)!r}; correct -e")
        return _project_spec.EntryPoint(
            name, {}, f"{program} {shlex.quote(name).replace('{', '{{').replace('}', '}}')}"
        )


def _bring_file(parameter: Any, text: str, position: int) -> str:
    """Downloads the file or folder that a value names, unless it is here, and returns its path for the training."""
    downloads = Path(tempfile.mkdtemp(prefix="tg-mlflow-"))
    try:
        value = str(parameter.compute_value(text, downloads, position))
    except BaseException:
        shutil.rmtree(downloads, ignore_errors=True)
        raise
    with suppress(OSError):  # something was downloaded
        downloads.rmdir()
    return value


def fetch_project(uri: str, version: str | None = None) -> Project:
    """Fetches a project and reads its MLproject.

    Args:
        uri: A folder, a git repository or a zip file, each with an optional ``#sub-folder``.
        version: A commit or branch of a git repository.

    Raises:
        ProjectError: If it cannot be fetched, or its MLproject cannot be read.
    """
    _check_exists(uri)
    # GitPython looks for the git program when it is imported; a project in a folder needs none.
    try:
        folder = Path(_fetch_project(uri, version))
    except MlflowException as error:
        raise ProjectError(f"project {uri!r} cannot be fetched: {error}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("git", "requests", "zipfile"):
            raise
        raise ProjectError(
            f"project {uri!r} cannot be fetched: {find_git_cause(error)}; correct the address, or give a folder"
        ) from error
    return read_project(folder, uri, version)


def _check_exists(uri: str) -> None:
    """Raises ProjectError for a path of nothing, which MLflow would take for the address of a git repository."""
    path = uri.strip("'\"").partition("#")[0].removeprefix("file://")
    is_path = ":" not in path.partition("/")[0]
    if is_path and not Path(path).exists():
        kind = "file" if path.endswith(".zip") else "folder"
        raise ProjectError(f"project {uri!r} does not exist: there is no such {kind}; correct the path")


def find_git_cause(error: Exception) -> str:
    """Returns the line that says why git failed: the first on its stderr that is no warning, not the advice below."""
    text = str(error).partition("stderr: '")[2] or str(error)
    lines = [line.strip(" '\r") for line in text.splitlines()]
    said = [line for line in lines if line and not line.lower().startswith("warning")]
    return said[0].removeprefix("fatal: ").rstrip(".") if said else type(error).__name__


def read_project(folder: Path, uri: str | None = None, version: str | None = None) -> Project:
    """Reads the MLproject in ``folder``.

    Without one, scripts of the folder can be entry points, as for MLflow.

    Raises:
        ProjectError: If there is no such folder, or MLflow cannot read its MLproject.
    """
    if folder.is_file():
        raise ProjectError(f"project {str(folder)!r} is a file; give the folder that has the MLproject")
    if not folder.is_dir():
        raise ProjectError(f"project folder {str(folder)!r} does not exist; correct the path")
    path = _project_spec._find_mlproject(folder) or folder / "MLproject"
    try:
        spec = _project_spec.load_project(str(folder))
    except yaml.YAMLError as error:
        raise ProjectError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except MlflowException as error:
        raise ProjectError(f"{path} cannot be used: {error}") from error
    except (AttributeError, TypeError) as error:
        raise ProjectError(f"{path} does not have the form of an MLproject ({error}); see docs/scripts.md") from error
    return Project(uri or str(folder), version, folder.resolve(), str(spec.name or folder.resolve().name), spec)


def _check_type(name: str, text: str, type_name: str) -> None:
    if type_name not in _NUMBER_TYPES:
        return
    try:
        _NUMBER_TYPES[type_name](text)
    except ValueError as error:
        raise ProjectError(
            f"parameter {name!r} is {text!r}, not the {type_name} that the MLproject declares"
        ) from error
