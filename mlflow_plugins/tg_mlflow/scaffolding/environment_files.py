"""The file in a folder that declares the environment of its scripts, as an MLproject names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_PYTHON_ENV = "python_env.yaml"
_CONDA = ("conda.yaml", "conda.yml", "environment.yml", "environment.yaml")
_REQUIREMENTS = "requirements.txt"
# They are found without being named; MLflow itself does not know them.
_OF_PYTHON = ("uv.lock", "pyproject.toml", "setup.cfg", "setup.py")


@dataclass(frozen=True)
class EnvironmentFile:
    """A declared environment.

    Attributes:
        note: A sentence about it.
        keys: What the MLproject says.
        files: Files to write, by path.
        is_declared: Whether there is one at all.
    """

    note: str
    keys: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    is_declared: bool = True


def find_environment(folder: Path) -> EnvironmentFile:
    """Finds the first that there is, of MLflow's kinds, then of pip's."""
    if (folder / _PYTHON_ENV).is_file():
        return EnvironmentFile(f"{_PYTHON_ENV}, named in MLproject", {"python_env": _PYTHON_ENV})
    if found := next((name for name in _CONDA if (folder / name).is_file()), None):
        return EnvironmentFile(f"{found}, named in MLproject", {"conda_env": found})
    if found := next((name for name in _OF_PYTHON[:2] if (folder / name).is_file()), None):
        return EnvironmentFile(f"what {found} declares")
    if (folder / _REQUIREMENTS).is_file():
        text = f'dependencies:\n  - "-r {_REQUIREMENTS}"\n'
        note = f"{_REQUIREMENTS}, through {_PYTHON_ENV}, which MLproject names"
        return EnvironmentFile(note, {"python_env": _PYTHON_ENV}, {_PYTHON_ENV: text})
    if found := next((name for name in _OF_PYTHON[2:] if (folder / name).is_file()), None):
        return EnvironmentFile(f"what {found} declares")
    return EnvironmentFile("none is declared, so what is installed here", is_declared=False)
