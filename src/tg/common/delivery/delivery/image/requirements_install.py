"""Installs what a training needs while an image is built: with uv, which takes a fraction of pip's time, or with pip.

    python3 requirements_install.py ENVIRONMENT WHAT...

WHAT is in pip's notation. It uses the standard library only. uv comes from the package index; where that has none,
where uv cannot install something, or where pip is told what uv would not know, pip installs it.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

# What may be set for pip and makes no difference for uv, besides the indexes.
_HARMLESS = {"cert", "config-file", "default-timeout", "disable-pip-version-check", "no-cache-dir", "no-input"}
_HARMLESS |= {"progress-bar", "retries", "root-user-action", "timeout"}
_INDEX, _MORE_INDEXES = "index-url", "extra-index-url"
# What an environment that `venv` makes has, and how it is required.
_BROUGHT = {"pip": "pip", **({"setuptools": "setuptools<81"} if sys.version_info < (3, 12) else {})}
# Tests of libraries, two fifths of all modules, are not compiled.
_UNCOMPILED = "/tests?/"


def install(environment: Path, what: Sequence[str]) -> int:
    """Installs into an environment, which need not have pip; returns pip's exit code.

    Args:
        environment: The folder of the environment.
        what: What ``pip install`` is to be given.
    """
    python = str(environment / "bin" / "python")
    variables = None if has_credentials(what) else build_uv_variables(_read_pip_settings())
    uv = None if variables is None else _bring_uv(Path(__file__).parent / "uv")
    if uv is not None:
        command = [str(uv), "pip", "install", "--no-progress", "--python", python]
        told = {**os.environ, **(variables or {})}
        if subprocess.run([*command, *what], env=told).returncode == 0:
            compiling = [python, "-m", "compileall", "-q", "-j", "0", "-x", _UNCOMPILED, str(environment / "lib")]
            # Libraries may hold files of other Pythons, which nobody imports.
            subprocess.run(compiling, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lacking = [named for module, named in _BROUGHT.items() if not _has(python, module)]
            if lacking:  # no training imports them
                subprocess.run([*command, *lacking], env=told, check=True)
            return 0
        sys.stdout.write("uv cannot install it; pip tries\n")
        sys.stdout.flush()
    if not _has(python, "pip"):
        subprocess.run([python, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL, check=True)
    return subprocess.run([python, "-m", "pip", "install", "--no-cache-dir", *what]).returncode


def has_credentials(what: Sequence[str]) -> bool:
    """Returns whether an address in what is to be installed has a user or a password, which pip keeps out of its notes.

    Args:
        what: What ``pip install`` is to be given; ``-r`` stands before a file.
    """
    files = [Path(file).read_text(encoding="utf-8") for option, file in pairwise(what) if option == "-r"]
    return any(re.search(r"://[^/\s]*@", text) for text in (*what, *files))


def build_uv_variables(settings: Mapping[str, str] | None) -> dict[str, str] | None:
    """Builds the variables that tell uv what pip is told.

    Args:
        settings: Those of pip, by their names without sections; ``None`` if they are not known.

    Returns:
        ``None`` if uv cannot be told all of it.
    """
    if settings is None or settings.keys() - _HARMLESS - {_INDEX, _MORE_INDEXES}:
        return None
    found = {"UV_INDEX_URL": settings.get(_INDEX, ""), "UV_EXTRA_INDEX_URL": settings.get(_MORE_INDEXES, "")}
    return {
        **{name: " ".join(value.split()) for name, value in found.items() if value},
        # As pip does: certificates of the system, the best version of all indexes, nothing kept.
        "UV_SYSTEM_CERTS": "1",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_NO_CACHE": "1",
        "UV_NO_CONFIG": "1",
    }


def _has(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


def _read_pip_settings() -> dict[str, str] | None:
    """Reads what pip is told by files and variables; later ones count, as for pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [line.partition("=") for line in told.stdout.splitlines()]
    if told.returncode:
        return None
    return {name.rpartition(".")[2]: str(ast.literal_eval(value)) for name, _, value in lines}


def _bring_uv(folder: Path) -> Path | None:
    """Installs uv into a folder of its own, unless that has been tried; returns the program, if there is one."""
    if not folder.exists():
        folder.mkdir()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile", "--target"]
        subprocess.run([*command, str(folder), "--root-user-action=ignore", "uv"], stderr=subprocess.DEVNULL)
    program = folder / "bin" / "uv"
    return program if program.exists() else None


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1]), sys.argv[2:]))
