"""Runs a program as a child of the job, which ends with it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..contract.variables import is_one_of_several


def run_program(arguments: Sequence[str], folder: Path, variables: Mapping[str, str], has_own_session: bool) -> int:
    """Runs a program to its end; its output is this process's, and ends with an empty line.

    The program may leave its last line open, and what this process says next must not become a part of it: a number at
    its end would be another one.

    What ends the training here, such as SIGTERM, reaches the program and all that it has started; it has the time that
    the place gives to the job.

    Args:
        arguments: The program and its arguments.
        folder: Its current folder.
        variables: All its variables.
        has_own_session: Whether it is apart from this process's group, which is not the job's alone. In a job's own
            group, it ends with the job even by SIGKILL.

    Returns:
        Its exit code; if it was killed by a signal, the signal's number below 0.

    Raises:
        OSError: If it cannot be started.
    """
    program = subprocess.Popen(
        _end_together(arguments, variables),
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        start_new_session=has_own_session,
    )
    try:
        code = program.wait()
    except BaseException as error:
        number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM
        _send(program, number, has_own_session)
        try:
            program.wait()
        except KeyboardInterrupt:  # who presses Ctrl-C again does not want to wait
            _send(program, signal.SIGKILL, has_own_session)
            program.wait()
        raise
    with suppress(OSError):  # if nothing reads the output, the training goes on
        sys.stdout.write("\n")
        sys.stdout.flush()
    return code


def _end_together(arguments: Sequence[str], variables: Mapping[str, str]) -> Sequence[str]:
    """Lets a program end with this process where that is not in the job's group, as an engine gives it its own.

    Raises:
        FileNotFoundError: If there is no such program.
    """
    if not is_one_of_several():
        return arguments
    from ..distribution.engine import ending_together

    if shutil.which(arguments[0], path=variables.get("PATH")) is None:
        raise FileNotFoundError(arguments[0])
    return ending_together(arguments)


def _send(program: "subprocess.Popen[bytes]", number: signal.Signals, has_own_session: bool) -> None:
    if has_own_session:
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            return
    elif number is signal.SIGKILL:
        program.kill()
    else:
        before = signal.signal(number, signal.SIG_IGN)  # this process is one of the group
        try:
            os.killpg(os.getpgrp(), number)
        finally:
            signal.signal(number, before)
