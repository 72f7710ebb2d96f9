"""Says, before a run is trained again with what is installed here, in what that differs from its own environment."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator

from tg_mlflow.reproduction.recorded_training import RecordedTraining


def describe_differences(recorded: RecordedTraining) -> Iterator[str]:
    """Describes how Python and the libraries here differ from those of a run, each in a few words."""
    there = recorded.environment.get("python") or recorded.package.properties.get("python_version")
    if there is not None and there != platform.python_version():
        yield f"Python {there} then, {platform.python_version()} now"
    for name, version in sorted(recorded.libraries.items()):
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{name} {version} then, not installed now"
            continue
        if here != version:
            yield f"{name} {version} then, {here} now"


def describe_variables(recorded: RecordedTraining) -> Iterator[str]:
    """Describes how variables of this process differ from those of a run, which are not set in a running process."""
    for name, value in sorted(recorded.variables.items()):
        here = os.environ.get(name)
        if here != value:
            yield f"{name} {value} then, {'not set' if here is None else here} now"
