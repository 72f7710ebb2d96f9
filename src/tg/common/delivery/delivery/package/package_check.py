"""Checks before a training starts that everything its package needs can be imported."""

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ....errors import DeliveryError
from ....logger import Logger
from .entry_point import EntryPoint
from .import_failures import describe_import_failure
from .version_differences import explaining_versions

# The argument with which an image is started to be checked.
CHECK_ARGUMENT = "check"
# How a job's log begins the reason of its failure.
FAILURE_PREFIX = "Job has failed: "


def load_prepared(package: EntryPoint, name: str) -> Any:
    """Imports what a package needs, and loads an object of its payload.

    Raises:
        DeliveryError: If something is missing, or does not fit.
        PackagingError: If the payload has no object of this name.
    """
    prepare_imports(package.properties)
    what, properties = f"{name!r} cannot be loaded", package.properties
    with explaining_versions(what, properties), explaining_imports(what, properties):
        return package.load_resource(name)


def check_package(package: EntryPoint) -> None:
    """Imports what a package needs and loads all its objects, to check an image before it costs anything.

    Raises:
        DeliveryError: If that fails.
    """
    for name in package.resource_names:
        load_prepared(package, name)
    Logger.info(f"All that {package.module_name} needs can be imported")


def prepare_imports(properties: Mapping[str, Any]) -> None:
    """Imports what a package's code and payload import, with the optional parts of libraries that were chosen with it.

    Nothing is imported that the training would not import.

    Args:
        properties: The package's properties; its ``variables`` are set unless the job has others.

    Raises:
        DeliveryError: If something is missing, or does not fit.
    """
    set_variables(properties)
    for module in properties.get("imports", ()):  # none in a package of an older version
        with explaining_imports(f"{module!r} cannot be imported", properties):
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                # A string that looks like a reference to a module may not be one.
                if "." not in module or error.name != module:
                    raise


def set_variables(properties: Mapping[str, Any]) -> None:
    """Makes libraries choose the parts that were chosen with a package, such as the engine behind Keras.

    Args:
        properties: The package's properties; a variable that is set already stays as it is.
    """
    for name, value in properties.get("variables", {}).items():  # none in a package of an older version
        os.environ.setdefault(name, value)


@contextmanager
def explaining_imports(what: str, properties: Mapping[str, Any]) -> Iterator[None]:
    """Translates an import error inside into a DeliveryError that says what is missing.

    Args:
        what: What fails then.
        properties: The package's properties.
    """
    try:
        yield
    except Exception as error:
        line = describe_import_failure(error, properties.get("left_out", {}))
        if line is None:
            raise
        raise DeliveryError(f"{what}: {line}") from error
