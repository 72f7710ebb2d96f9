"""Starts jobs as forks of a process that has imported their libraries, as importing them takes a second or two."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....errors import DeliveryError
from ..contract.variables import JOB_NAME_VARIABLE
from ..job_files import fork_server

# Libraries that can be forked: they have no threads of their own, or stop them before. Others, such as PyTorch, are
# imported by each job.
_LIBRARIES = ("joblib", "jsonpickle", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "threadpoolctl")
# Modules that change others when they are imported, or are of no use to a job.
_LEFT_OUT = ("conftest", "experimental", "externals", "testing", "tests")
# Variables that neither an interpreter nor these libraries read as they start: each job may have its own.
_OWN_PREFIXES = ("MLFLOW_", "TG_")
_PYTHON_PATH = "PYTHONPATH"
# Those that scikit-learn sets when it is imported, in this process, too.
_SET_BY_LIBRARIES = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")
# How long importing may take; then jobs are started in another way.
_PATIENCE_SECONDS = 60
# For the command lines of forks.
_LONGEST_COMMAND = 4096


class JobForks:
    """A process that has imported libraries, of which jobs are forks.

    Nothing of it can be seen in a job but that these are imported already. It ends with the process that has it, in
    whatever way that ends; jobs go on. Threads may share it.

    Args:
        variables: The variables of a job. Jobs whose variables differ in what libraries may read as they are imported
            cannot be started so.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = _select_common(variables)
        self._lock = threading.Lock()
        self._is_usable = True
        self._awaited = 0
        self._connection, other = socket.socketpair()
        self._connection.settimeout(_PATIENCE_SECONDS)
        with other, tempfile.TemporaryFile() as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", fork_server.__file__, str(other.fileno()), "." * _LONGEST_COMMAND],
                env=self._variables,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        self._answers = self._connection.makefile("r", encoding="utf-8")

    def import_modules(self, modules: Sequence[str]) -> None:
        """Begins to import modules, for the jobs that are started from now on; those that are not there are left out.

        Jobs are started in another way if importing says anything, which belongs to each job's log.
        """
        with self._lock:
            self._send(list(modules))
            self._awaited += 1

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def suits(self, variables: Mapping[str, str]) -> bool:
        """Returns whether a job with these variables can be started so."""
        return _select_common(variables) == self._variables

    def _send(self, what: object) -> None:
        if self._is_usable:
            try:
                self._connection.sendall(json.dumps(what).encode() + b"\n")
            except OSError:  # it has ended
                self._is_usable = False

    def _await_imports(self) -> None:
        try:
            while self._is_usable and self._awaited:
                self._is_usable = self._answers.readline() == "ready\n"
                self._awaited -= 1
        except (OSError, ValueError):  # it has ended, or is closed, or takes too long
            self._is_usable = False

    def start(self, folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> dict[str, Any] | None:
        """Starts a job with a supervisor.

        Args:
            folder: The job's folder.
            command: This Python, ``-u``, a program, and its arguments.
            variables: The job's variables, of which ``PYTHONPATH`` begins with the job's package.

        Returns:
            The supervisor's process; ``None`` if the job has to be started in another way, as it needs another
            interpreter, or the libraries cannot be imported or forked.

        Raises:
            DeliveryError: If the process has ended just now, so that nobody knows whether the job is started.
        """
        if list(command[:2]) != [sys.executable, "-u"] or not self.suits(variables):
            return None
        if not all(map(os.path.isabs, variables[_PYTHON_PATH].split(os.pathsep))):
            return None  # each job would have another folder there
        with self._lock:
            self._await_imports()
            self._send({"folder": str(folder), "command": list(command), "variables": dict(variables)})
            if not self._is_usable:
                return None
            try:
                answer = self._answers.readline()
            except OSError:
                answer = ""
            if not answer:
                self._is_usable = False
                raise DeliveryError("the process that starts jobs has ended while it started this one; start it again")
            supervisor: dict[str, Any] = json.loads(answer)
            return supervisor

    def close(self) -> None:
        """Ends the process, of which nothing is needed, also while it imports; jobs go on."""
        self._process.kill()
        with self._lock:
            self._is_usable = False
            self._answers.close()
            self._connection.close()
        self._process.wait()


# What nearly each task on a table imports.
USUAL_MODULES = ("numpy", "pandas", "pyarrow.parquet", "sklearn.metrics", "sklearn.pipeline")


def list_common_modules(imported: Iterable[str]) -> list[str]:
    """Selects what all jobs may have imported before they start, from what the task's own code has imported here.

    Args:
        imported: The full names of modules.
    """
    return sorted(name for name in imported if _is_common(name.split(".")))


def _is_common(parts: list[str]) -> bool:
    return parts[0] in _LIBRARIES and not any(each.startswith("_") or each in _LEFT_OUT for each in parts)


def _select_common(variables: Mapping[str, str]) -> dict[str, str]:
    """Selects the variables that an interpreter or libraries may read as they start, without the job's package."""
    chosen = {
        name: value
        for name, value in variables.items()
        if not name.startswith(_OWN_PREFIXES) and name not in (JOB_NAME_VARIABLE, _PYTHON_PATH, *_SET_BY_LIBRARIES)
    }
    others = variables.get(_PYTHON_PATH, "").partition(os.pathsep)[2]
    return {**chosen, _PYTHON_PATH: others} if others else chosen
