"""Makes a virtual environment and installs libraries in it: with uv, or with pip where there is no uv."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tg.common.delivery.delivery.code.local_versions import find_index_options
from tg.common.logger import Logger
from tg.common.secrets import SecretMask
from tg_mlflow.delivery.pip_settings import build_uv_variables
from tg_mlflow.errors import ProjectError

_HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
_REQUIREMENTS_NAME = "requirements.txt"
_LONGEST_REASON = 600
_MOST_LINES = 40
# uv and pip draw boxes, and name what went wrong and its causes.
_DRAWING = re.compile(r"^[\s×╰─▶│├┤╮╯]*(?:(?:error|cause|ERROR):\s*)?")
_ERROR = re.compile(r"(?:\s*×|error:|ERROR:)")


def find_uv() -> str | None:
    """Finds uv: in the ``PATH``, or beside this Python, where pip installs it."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def find_python(version: str | None) -> Path | None:
    """Finds a Python of a version, such as ``3.12``; ``None`` if it is not to be had.

    It is looked for in the ``PATH`` and among pyenv's; uv may fetch it.
    """
    if version in (None, _HERE):
        return Path(sys.executable)
    variables = _build_variables()
    for each in (shutil.which(f"python{version}"), *_list_pyenv(str(version))):
        if each is not None and _answers([each, "--version"], variables):
            return Path(each)
    uv = find_uv()
    if uv is None:
        return None
    find = [uv, "python", "find", "--no-project", "--system", str(version)]
    found = _answers(find, variables)
    if found is None:
        Logger.info(f"There is no Python {version} here; uv tries to fetch it")
        fetched = _answers([uv, "python", "install", str(version)], variables)
        found = None if fetched is None else _answers(find, variables)
    return Path(found) if found else None


def _list_pyenv(version: str) -> list[str]:
    """Lists the Pythons of a version that pyenv has installed, which need not be in the ``PATH``."""
    root = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    return sorted(map(str, root.glob(f"versions/{version}.*/bin/python")))


def install_environment(
    folder: Path, base: Path, requirements: Sequence[str], index_urls: Sequence[str], lock: int
) -> None:
    """Makes an environment in a folder that does not exist.

    Builds such as ``torch==2.13.0+cpu`` come from PyTorch's index if the usual ones do not have them.

    Args:
        folder: The folder.
        base: The Python to make it of.
        requirements: What to install, in pip's notation.
        index_urls: Package indexes besides the usual ones.
        lock: A descriptor that the programs that work on the folder keep open.

    Raises:
        ProjectError: With the requirement that cannot be installed.
    """
    uv, python, file = find_uv(), folder / "bin" / "python", folder / _REQUIREMENTS_NAME
    variables = _build_variables()
    if uv is None:
        Logger.info("There is no uv, which is faster; pip is used")
        make = [str(base), "-m", "venv", str(folder)]
        install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", str(file)]
    else:
        variables |= build_uv_variables(variables)
        make = [uv, "venv", "--quiet", "--seed", "--python", str(base), str(folder)]
        # Several indexes are searched as pip does it.
        install = [uv, "pip", "install", "--python", str(python), "--index-strategy", "unsafe-best-match"]
        install += ["-r", str(file)]
    _run(make, variables, folder.parent, lock)
    indexes = [f"--extra-index-url {each}" for each in index_urls]
    builds = find_index_options(requirements)
    refused = None
    for options in [indexes, [*indexes, *builds]] if builds else [indexes]:
        _write_privately(file, [*options, *requirements])
        try:
            if requirements:
                _run(install, variables, folder.parent, lock)
            break
        except ProjectError as error:
            refused = ProjectError(f"{refused}; with PyTorch's index, too: {error}") if refused else error
    else:
        raise refused or AssertionError
    file.unlink()  # it may hold the password of an index


def _write_privately(path: Path, lines: Sequence[str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _build_variables() -> dict[str, str]:
    """Returns this process's variables without those of its Python and its environment."""
    hidden = ("PYTHON", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "CONDA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def _answers(command: Sequence[str], variables: Mapping[str, str]) -> str | None:
    """Returns what a program prints; ``None`` if it fails."""
    try:
        ended = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None


def _run(command: Sequence[str], variables: Mapping[str, str], place: Path, lock: int) -> None:
    """Runs a program in a folder that is no project's, and shows the lines of its output that are about progress.

    Raises:
        ProjectError: With its reason, if it fails; its last lines have been shown then.
    """
    lines, held = list[str](), list[str]()
    with subprocess.Popen(
        command,
        env=dict(variables),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=[lock],
    ) as program:
        try:
            for line in _read(program, SecretMask.of_variables(variables)):
                lines.append(line)
                is_progress = line[:1].strip() and not _is_error(line) and not any(map(_is_error, held))
                (Logger.info if is_progress else held.append)(line)
        except BaseException:
            os.killpg(program.pid, signal.SIGKILL)
            raise
    if program.returncode:
        for line in held[-_MOST_LINES:]:
            Logger.info(line)
        raise ProjectError(find_reason(lines) or f"{Path(command[0]).name} ended with {program.returncode}")


def _is_error(line: str) -> bool:
    return _ERROR.match(line) is not None


def _read(program: "subprocess.Popen[str]", mask: SecretMask) -> Iterator[str]:
    assert program.stdout is not None
    for line in program.stdout:
        if not line.startswith("Using "):  # where it works, which we have said
            yield mask.mask(line.rstrip())


def find_reason(lines: Sequence[str]) -> str | None:
    """Finds why uv or pip has failed, in one line: pip says it last, and uv first, with the causes below it."""
    errors = [number for number, line in enumerate(lines) if _is_error(line)]
    if not errors:
        return None
    if lines[errors[-1]].startswith("ERROR:"):
        return _shorten(lines[errors[-1] :][:1])
    paragraph = itertools.takewhile(str.strip, lines[errors[0] :])
    return _shorten(list(paragraph))


def _shorten(lines: Sequence[str]) -> str:
    """Joins lines: what went wrong, and its causes behind colons."""
    text = ""
    for line in lines:
        part = _DRAWING.sub("", line).strip()
        is_cause = re.match(r"\s*(?:╰─▶|├─▶|cause:)", line) is not None
        text += (": " if is_cause and text else " " if text else "") + part
    text = text.rstrip(". ").replace(":: ", ": ")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
