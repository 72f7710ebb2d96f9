"""Describes what an image lacks when a library cannot be imported in it, and which key adds it."""

import re
from collections.abc import Mapping

from ....exception_text import list_causes, message_of
from .system_libraries import DEBIAN_PACKAGES

_NOTHING: Mapping[str, str] = {}

_IN_IMAGE = "for an image that is built here"
_SHARED_LIBRARY = re.compile(r"([\w./+-]+\.so[.\d]*): cannot open shared object file")
_LOADED_LIBRARY = re.compile(r"([^\s:]+\.so[.\d]*): version `(\w+_[\d.]+)' not found")
_OTHER_PROCESSOR = re.compile(r"invalid ELF header|wrong ELF class|Exec format error|incompatible architecture")
_MISSING_NAME = re.compile(r"cannot import name '([^']+)' from (?:partially initialized module )?'([^']+)'")
_OPTIONAL = re.compile(r"[Mm]issing optional dependency '([^']+)'")


def describe_import_failure(error: BaseException, left_out: Mapping[str, str] = _NOTHING) -> str | None:
    """Describes in one line why an import failed: what is missing, and what adds it.

    Args:
        error: The exception of the import; its causes are searched, too.
        left_out: The project's own modules that are not in the package, and why. A library of such a name would be
            another's.

    Returns:
        The line; ``None`` if the error is of another kind.
    """
    lines = (_describe_left_out(each, left_out) or _describe(each) for each in list_causes(error))
    return next(filter(None, lines), None)


def _describe_left_out(error: BaseException, left_out: Mapping[str, str]) -> str | None:
    if not isinstance(error, ImportError):
        return None
    found = _MISSING_NAME.search(message_of(error))
    wanted = f"{found[2]}.{found[1]}" if found else str(error.name)
    for name, reason in left_out.items():
        if f".{wanted}".endswith(f".{name}"):  # it may be named from the package
            return f"the project's module {name!r} is not in the package ({reason}); correct it, or do without it"
    return None


def _describe(error: BaseException) -> str | None:
    text = message_of(error)
    # Some libraries wrap the system's message into errors of their own.
    if found := _SHARED_LIBRARY.search(text):
        return _describe_library(found[1].rpartition("/")[2])
    if isinstance(error, (ImportError, OSError)):
        if found := _LOADED_LIBRARY.search(text):
            return (
                f"{found[2]} is missing: the system is older than an installed library expects ({text}); "
                f"{_IN_IMAGE}, name a newer base_image"
            )
        if _OTHER_PROCESSOR.search(text):
            return f"an installed library is made for another processor ({text}); name a base_image of this platform"
    if isinstance(error, ImportError):
        if found := _OPTIONAL.search(text):
            return _describe_module(found[1])
        if found := _MISSING_NAME.search(text):
            top = found[2].partition(".")[0]
            return (
                f"{found[2]!r} has no {found[1]!r}: the installed version of {top!r} is another one than this code "
                f'expects; {_IN_IMAGE}, name the version, such as "requirements": ["{top}==…"]'
            )
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _describe_module(error.name)
    return None


def _describe_library(name: str) -> str:
    package = DEBIAN_PACKAGES.get(name)
    key = f'"build": {{"apt_packages": ["{package or "…"}"]}}'
    return f"the shared library {name!r} is missing; {_IN_IMAGE}, add " + (
        key if package else f"the Debian package that has it: {key}"
    )


def _describe_module(name: str) -> str:
    top = name.partition(".")[0]
    return f'the module {name!r} is missing; {_IN_IMAGE}, add its library, such as "requirements": ["{top}"]'
