"""Starts a package that reached the container as files, in a ready-made image.

    python3 start.py

It is uploaded with the package and started by its path, so it uses the standard library only. Requirements that the
image lacks are installed with pip; if that fails, `/opt/ml/output/failure` says what is missing.
"""

from __future__ import annotations  # so that an older Python can report that it is too old

import importlib.metadata
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

_OLDEST_PYTHON = (3, 10)

# Copies of the contract's: until the package is unpacked, this program cannot import it.
_ML_FOLDER_VARIABLE = "TG_ML_FOLDER"
_ML_FOLDER = "/opt/ml"
_LONGEST_FAILURE = 1024
_FAILURE_PREFIX = "Job has failed: "
_EXIT_FAILED = 1
_EXIT_TERMINATED = 143

_PIP = [sys.executable, "-m", "pip"]
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]+\])?\s*(?P<rest>$|[<>=!~@(].*)")


def main() -> None:
    """Unpacks the package beside this file, installs what is missing, and runs it."""
    signal.signal(signal.SIGTERM, _terminate)
    if sys.version_info[:2] < _OLDEST_PYTHON:
        fail(f"the image has Python {_dotted(sys.version_info)}; take one with {_dotted(_OLDEST_PYTHON)} or later")
    work = Path(tempfile.mkdtemp(prefix="tg-"))
    folder = unpack(find_package(Path(__file__).resolve().parent), work)
    (properties_path,) = folder.glob("*/properties.json")
    properties = json.loads(properties_path.read_text(encoding="utf-8"))
    made_with = properties["python_version"]
    if made_with.split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        say(f"The image has Python {_dotted(sys.version_info)}, and the package was made with {made_with}")
    install(find_missing(properties["requirements"]), folder / properties["module_name"])
    run(folder, properties["module_name"])


def find_package(folder: Path) -> Path:
    """Finds the package's file."""
    found = sorted(folder.glob("*.tar.gz"))
    if len(found) != 1:
        fail(f"there is not one package in {folder}, but {[path.name for path in found]}")
    return found[0]


def unpack(package: Path, work: Path) -> Path:
    """Unpacks a package and copies its file beside it, where the training reads it."""
    copy = work / package.name
    shutil.copyfile(package, copy)
    with tarfile.open(copy) as archive:
        for member in archive:
            if not member.isfile() or member.name.startswith("/") or ".." in member.name.split("/"):
                fail(f"{package.name} is not a package: it holds {member.name!r}")
            if hasattr(tarfile, "data_filter"):
                archive.extract(member, work, filter="data")
            else:  # Python before 3.10.12 and 3.11.4
                archive.extract(member, work)
    return work / package.name.removesuffix(".tar.gz")


def find_missing(requirements: list[str]) -> list[str]:
    """Returns the requirements of which the image has no version at all; those without a name count as missing.

    Requirements for another Python or system are not missing. A library with extras is required again even if the image
    has it, as only pip knows whether the extras are there.
    """
    missing = []
    for requirement in requirements:
        what, _, marker = (part.strip() for part in requirement.partition(";"))
        if marker and not is_meant(marker):
            continue
        found = _REQUIREMENT.fullmatch(what)
        try:
            if found is None:
                raise importlib.metadata.PackageNotFoundError
            present = importlib.metadata.version(found["name"])
        except importlib.metadata.PackageNotFoundError:
            missing.append(requirement)
            continue
        if found["extras"]:
            missing.append(f"{found['name']}{found['extras']}=={present}")
        if found["rest"].startswith("==") and found["rest"].lstrip("= ") != present:
            say(f"The image has {found['name']} {present}, and the package asks for {requirement}; the image's is used")
    return missing


def is_meant(marker: str) -> bool:
    """Returns whether a requirement's marker, such as ``python_version < "3.11"``, is true here or unknown."""
    try:
        from pip._vendor.packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
    except ImportError:
        return True  # pip decides, if there is one
    try:
        return Marker(marker).evaluate()
    except (InvalidMarker, UndefinedEnvironmentName):
        return True


def install(requirements: list[str], folder: Path) -> None:
    """Installs what is missing, builds such as ``torch==2.13.0+cpu`` from the index that has them.

    Args:
        requirements: In pip's notation.
        folder: The package's module, which contains the code that finds these indexes.
    """
    if not requirements:
        return
    knowledge = runpy.run_path(str(folder / "tg" / "common" / "delivery" / "delivery" / "code" / "local_versions.py"))
    is_own = has_own_index()
    try:
        sources = knowledge["find_sources"](requirements, has_own_index=is_own)
    except ValueError as error:
        fail(f"{error}; take an image that has it, or name an index that has it in the image's PIP_EXTRA_INDEX_URL")
    for note in sources.notes:
        say(note)
    for index, builds in sources.builds.items():
        if is_own and pip_install(["--no-deps", *builds]) is None:
            continue
        trouble = pip_install(["--no-deps", "--index-url", index, *builds])
        if trouble is not None:
            fail(
                f"the image lacks {' '.join(builds)}, and {index} does not give them ({trouble}); take an image that "
                "has them, or let the job reach that index"
            )
    trouble = pip_install(sources.requirements)
    if trouble is not None:
        fail(
            f"the image lacks {' '.join(requirements)}, and they cannot be installed ({trouble}); take an image "
            "that has them, or let the job reach a package index"
        )


def has_own_index() -> bool:
    """Returns whether the image configures an index; it may have builds that no public index has."""
    if any(os.environ.get(name) for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS")):
        return True
    settings = subprocess.run([*_PIP, "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return re.search(r"\.(extra-)?index-url=|\.find-links=", settings.stdout) is not None


def pip_install(arguments: list[str]) -> str | None:
    """Runs ``pip install``; returns why it failed, or ``None`` if it succeeded."""
    say(f"Installing {' '.join(arguments)}")
    # The container is thrown away, so nothing else can break.
    environment = {**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    command = [*_PIP, "install", "--no-input", "--disable-pip-version-check", "--retries", "1"]
    result = subprocess.run(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    say(result.stdout.rstrip("\n"))
    if result.returncode == 0:
        return None
    errors = [line for line in result.stdout.splitlines() if line.startswith("ERROR")]
    return (errors or ["pip has failed"])[-1]


def run(folder: Path, module_name: str) -> NoReturn:
    """Replaces this process by the program that runs the job, as in any other image."""
    writer = folder / module_name / "tg" / "common" / "delivery" / "delivery" / "package" / "run_file.py"
    run_file = folder.parent / "train.py"
    run_file.write_text(runpy.run_path(str(writer))["build_run_file"](module_name), encoding="utf-8")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    sys.stdout.flush()
    # Until that program handles it; a container's first process would ignore it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.execve(sys.executable, [sys.executable, "-u", str(run_file)], {**os.environ, "PYTHONPATH": path})


def say(line: str) -> None:
    """Writes a line to the job's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def fail(reason: str) -> NoReturn:
    """Writes the reason to SageMaker's failure file, and exits."""
    text = " ".join(reason.split())[:_LONGEST_FAILURE].encode("utf-8", "backslashreplace").decode()
    say(f"{_FAILURE_PREFIX}{text}")
    failure = Path(os.environ.get(_ML_FOLDER_VARIABLE, _ML_FOLDER)) / "output" / "failure"
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(text + "\n", encoding="utf-8")
    sys.exit(_EXIT_FAILED)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(_EXIT_TERMINATED)


def _dotted(version: Any) -> str:
    return f"{version[0]}.{version[1]}"


if __name__ == "__main__":
    main()
