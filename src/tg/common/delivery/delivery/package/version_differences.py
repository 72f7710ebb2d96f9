"""Says which versions differ from those with which something was pickled, where it cannot be loaded."""

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ....errors import DeliveryError, TgError
from ....exception_text import describe_exception


@contextmanager
def explaining_versions(what: str, properties: Mapping[str, Any]) -> Iterator[None]:
    """Translates an error inside into a DeliveryError if versions differ from a package's; other errors stay.

    Args:
        what: What fails then.
        properties: The package's properties.
    """
    try:
        yield
    except TgError:
        raise
    except Exception as error:
        if differences := describe_differences(properties):
            raise DeliveryError(f"{what}: {describe_exception(error)}; {differences}") from error
        raise


def describe_differences(properties: Mapping[str, Any]) -> str | None:
    """Describes which versions of Python and of libraries differ here from those of a package.

    Args:
        properties: The package's properties; those of an older version may say less.

    Returns:
        ``it was made with numpy 1.26.4 (here 2.4.6) and Python 3.10.1 (here 3.11.7); use these versions``, or ``None``
        if nothing differs.
    """
    libraries = properties.get("library_versions")
    made = {name: (version, _find_version(name)) for name, version in dict(libraries or {}).items()}
    made["Python"] = properties.get("python_version"), platform.python_version()
    known = {name: pair for name, pair in made.items() if pair[0] is not None and pair[0] != pair[1]}
    if not known:
        return None
    shown = [
        f"{name} {there} ({f'here {here}' if here else 'not installed here'})" for name, (there, here) in known.items()
    ]
    listed = " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
    return f"it was made with {listed}; use these versions"


def _find_version(name: str) -> str | None:
    import importlib.metadata  # which no job that goes well needs

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
