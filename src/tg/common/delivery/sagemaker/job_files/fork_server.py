"""Starts jobs as forks of itself, after it has imported the libraries that all of them need.

    python -u fork_server.py SOCKET PADDING

Each line of JSON through the socket is a request. A list names modules to import; the answer ``ready`` says that jobs
can be forked. An object is a job: its ``folder``, ``command`` (a Python, ``-u``, a program and its arguments) and
``variables``; the answer describes its supervisor's process. The server ends when the socket is closed, and jobs go on.

A job's supervisor is a fork of the server, and the job a fork of its supervisor: both are what they are where a job is
started without a server. A fork has what an interpreter reads as it starts from the server: whoever starts the server
gives it the variables of its jobs.

This file is started by its path and imports the standard library only, so that a job finds nothing else imported.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NoReturn

# Arrow's allocator stops this thread before a fork and starts it again.
_HARMLESS_THREADS = {"jemalloc_bg_thd"}
# Where the kernel tells the place of a process's command line (proc_pid_stat(5): arg_start, arg_end), counted from
# the process's state.
_ARGUMENTS_START, _ARGUMENTS_END = 45, 46


class _InJobError(BaseException):
    """Raised in the process that is to become a job: it leaves everything of the server's behind.

    Args:
        request: The job.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request


class _Fork:
    """A child of this process, as its supervisor needs it.

    Attributes:
        pid: The process.
        returncode: Its exit code, negative for a signal; ``None`` until it has been waited for.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self) -> None:
        """Waits for its end."""
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def main() -> None:
    """Serves until the socket is closed; in a job, runs it."""
    given = set(os.environ)
    try:
        _serve(socket.socket(fileno=int(sys.argv[1])))
        return
    except _InJobError as error:
        request = error.request
    # What libraries have set as they were imported, they would have set in the job.
    _run(request["command"], {**{name: os.environ[name] for name in set(os.environ) - given}, **request["variables"]})


def _serve(connection: socket.socket) -> None:
    _name_process([sys.executable, "-u", *sys.argv[:2]])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a supervisor
    supervisor, lines, kept = _load_supervisor(), connection.makefile("r", encoding="utf-8"), set[int]()
    while line := lines.readline():
        asked = json.loads(line)
        if isinstance(asked, list):
            for name in asked:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
            if os.fstat(1).st_size or not _can_fork():
                return  # what has been said belongs to each job's log
            gc.collect()
            gc.freeze()  # what is never looked at again stays shared memory
            kept = _list_descriptors() - {connection.fileno()}
            connection.sendall(b"ready\n")
            continue
        child = os.fork()
        if child == 0:
            os.close(connection.detach())  # or who asks would not notice the server's end
            _supervise(supervisor, asked, kept)
        connection.sendall(json.dumps(supervisor.describe_process(child)).encode() + b"\n")


def _load_supervisor() -> Any:
    path = Path(__file__).with_name("process_supervisor.py")
    spec = importlib.util.spec_from_file_location("process_supervisor", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _list_descriptors() -> set[int]:
    """Lists what is open, without what listing itself has opened."""
    listed = [int(name) for name in os.listdir("/proc/self/fd")]
    return {each for each in listed if _is_open(each)}


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _can_fork() -> bool:
    """Returns whether no thread is left that a fork would lack; libraries may stop theirs before one, for good."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    with contextlib.suppress(ChildProcessError):  # nobody needs to wait for it
        os.waitpid(child, 0)
    own = str(os.getpid())
    others = [each for each in os.listdir("/proc/self/task") if each != own]
    return all(Path(f"/proc/self/task/{each}/comm").read_text().strip() in _HARMLESS_THREADS for each in others)


def _supervise(supervisor: Any, request: dict[str, Any], kept: set[int]) -> NoReturn:
    """Supervises a job to its end, and exits.

    Raises:
        _InJobError: In the job.
    """

    def start(writer: int) -> _Fork:
        child = os.fork()
        if child == 0:
            _become_job(request, writer, kept)
        return _Fork(child)

    code: int | None = 1
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as where a supervisor is started
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _name_process([sys.executable, supervisor.__file__, request["folder"], *request["command"]])
        supervisor.supervise(Path(request["folder"]), start)
        code = 0
    except _InJobError:
        code = None
        raise
    finally:
        if code is not None:
            os._exit(code)


def _become_job(request: dict[str, Any], writer: int, kept: set[int]) -> NoReturn:
    """Makes this fork what a started process is.

    Raises:
        _InJobError: Always.
    """
    os.setsid()
    for stream in (1, 2):
        os.dup2(writer, stream)
    for each in _list_descriptors() - kept:
        os.close(each)
    os.chdir(request["folder"])
    raise _InJobError(request)


def _run(command: list[str], variables: dict[str, str]) -> None:
    """Runs a job's program as the interpreter would that was started with it."""
    _name_process(command)
    os.environ.clear()
    os.environ.update(variables)
    program, sys.argv, sys.orig_argv = command[2], command[2:], command
    sys.path[:1] = [os.path.dirname(program), variables["PYTHONPATH"].partition(os.pathsep)[0]]
    importlib.invalidate_caches()
    _forget_common_state()
    module = types.ModuleType("__main__")
    loader, builtins = SourceFileLoader("__main__", program), sys.modules["builtins"]
    vars(module).update(__file__=program, __cached__=None, __builtins__=builtins, __loader__=loader)
    sys.modules["__main__"] = module
    exec(compile(Path(program).read_bytes(), program, "exec"), vars(module))


def _forget_common_state() -> None:
    """Replaces what libraries have drawn at random, and would be the same in all jobs; Python's own are new by now."""
    numbers: Any = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = os.urandom(32)
        process.ORIGINAL_DIR = os.getcwd()


def _name_process(command: list[str]) -> None:
    """Makes a process's command line, as others see it, another one; it is cut where the padding does not suffice."""
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[_ARGUMENTS_START]), int(fields[_ARGUMENTS_END])
    except (OSError, IndexError, ValueError):
        return
    line = b"".join(os.fsencode(word) + b"\0" for word in command)[: end - start - 1]
    ctypes.memmove(start, line.ljust(end - start, b"\0"), end - start)


if __name__ == "__main__":
    main()
