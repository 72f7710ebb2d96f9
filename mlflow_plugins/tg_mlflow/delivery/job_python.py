"""Finds the Python of a job in a child process: of the environment that its project declares, or this one."""

from pathlib import Path

from tg.common.delivery.delivery import Package
from tg_mlflow.delivery.environment_cache import EnvironmentRecipe, make_environment
from tg_mlflow.places.config import PlaceConfig


def uses_declared_environment(config: PlaceConfig) -> bool:
    """Whether a place makes the environment that a script's project declares on this machine."""
    return getattr(config, "env_manager", None) == "declared"


def is_local(config: PlaceConfig) -> bool:
    """Whether the user wants a script to run with what is installed here."""
    return getattr(config, "env_manager", None) == "local"


def has_own_python(package: Package, config: PlaceConfig) -> bool:
    """Whether a package's job runs in an environment of its own on this machine, rather than with what is installed."""
    declared = package.properties.get("environment")
    return declared is not None and declared["base_image"] is None and uses_declared_environment(config)


def trains_with_this_python(package: Package, config: PlaceConfig) -> bool:
    """Whether a package's job is a child process with the Python and the libraries of this one."""
    return getattr(config, "env_manager", None) is not None and not has_own_python(package, config)


def find_job_python(package: Package, config: PlaceConfig) -> Path | None:
    """Finds the Python of a package's job, and makes its environment first if it is not there.

    The package alone says what its environment is: it may be trained again where its project is not.

    Args:
        package: The package.
        config: The place's configuration.

    Returns:
        The Python; ``None`` for this one.

    Raises:
        ProjectError: If the environment cannot be made.
    """
    if not has_own_python(package, config):
        return None
    declared = package.properties["environment"]
    recipe = EnvironmentRecipe(
        declared["source"], package.requirements, declared["python_version"], declared["index_urls"]
    )
    return make_environment(recipe)
