"""Has requests carried out on the other machine: one ``ssh`` process for each."""

import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import IO, Any

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.job_files import process_supervisor

from .options import SshOptions
from .there import job_process, program, store

# A connection on which nothing moves is given up after this time.
_CONNECT_SECONDS = 15
_ALIVE_SECONDS = 10
_ALIVE_COUNT = 3
_END_SECONDS = 5
_CHUNK_BYTES = 1 << 20

# How ssh ends when the fault is its own and not the command's.
_SSH_FAILED = 255
# What no second try mends. Source: OpenSSH's ssh.c, sshconnect.c, sshconnect2.c and readconf.c.
_LASTING = re.compile(
    r"Permission denied|Host key verification failed|IDENTIFICATION HAS CHANGED|Too many authentication failures"
    r"|Unable to negotiate|Bad configuration|Bad owner or permissions|[Cc]an't open user config file"
    r"|Could not resolve hostname(?!.*(?:Temporary|try again))|[Bb]ad port|hostname contains invalid characters"
)


class SshError(Exception):
    """What ssh, or the Python on the other machine, says when a request has had no answer."""


class ConnectionLostError(SshError):
    """The machine cannot be reached now, or the connection has ended in the middle of an answer."""


class Call:
    """A request that is being carried out; a context, which ends it.

    Args:
        options: How the machine is reached.
        command: One of the program's commands.
        request: What the command takes.
    """

    def __init__(self, options: SshOptions, command: str, **request: Any) -> None:
        self._options = options
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the context
        program = _build_program()
        try:
            self._process = subprocess.Popen(
                build_command(options, len(program)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for this program, which knows what to do with the connection
            )
        except FileNotFoundError as error:
            raise DeliveryError("there is no program ssh here; install OpenSSH's client") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._output = self._process.stdout
        self.input = self._process.stdin
        self._has_answered = False
        order = json.dumps({"command": command, "folder": _expand(options.folder), **request})
        with suppress(BrokenPipeError):  # the answer says why
            self.input.write(program + order.encode() + b"\n")

    def __enter__(self) -> "Call":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # On the other machine, the program sees that its stdin has ended.
        self._process.terminate()
        with suppress(OSError):
            self.input.close()
        self._output.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def read_answer(self) -> dict[str, Any]:
        """Reads a line of the answer.

        Raises:
            ConnectionLostError: If the machine cannot be reached now.
            DeliveryError: If it cannot be reached so, or refuses the request.
        """
        with suppress(BrokenPipeError):
            self.input.flush()
        if not self._has_answered:
            while (line := self._output.readline()) != program.MARKER[1:]:
                if not line:
                    raise self._explain()
            self._has_answered = True
        line = self._output.readline()
        if not line.endswith(b"\n"):
            raise self._explain()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise DeliveryError(f"{self._options.host}: {answer['error']}")
        return answer

    def read(self, size: int) -> bytes:
        """Reads ``size`` bytes that belong to the answer.

        Raises:
            ConnectionLostError: If it ends before.
        """
        data = self._output.read(size)
        if len(data) < size:
            raise self._explain()
        return data

    def read_line(self) -> bytes:
        """Reads a line that belongs to the answer.

        Raises:
            ConnectionLostError: If it ends before.
        """
        line = self._output.readline()
        if not line.endswith(b"\n"):
            raise self._explain()
        return line

    def read_rest(self) -> Iterator[bytes]:
        """Yields the rest of the answer.

        Raises:
            ConnectionLostError: If it has not come to its end.
        """
        while data := self._output.read(_CHUNK_BYTES):
            yield data
        if self._process.wait() != 0:
            raise self._explain()

    def _explain(self) -> Exception:
        """Makes the error of an answer that has ended too early."""
        code = self._process.wait()
        self._errors.seek(0)
        said = [line.strip() for line in self._errors.read().decode("utf-8", errors="replace").splitlines()]
        lasting = next((line for line in said if _LASTING.search(line)), None)
        last = next((line for line in reversed(said) if line), f"it has ended with exit code {code}")
        host = self._options.host
        if not self._has_answered and lasting is not None and code == _SSH_FAILED:
            command = shlex.join(["ssh", *_build_address(self._options)])
            error = DeliveryError(f"ssh cannot log in on {host}: {lasting.strip('@ ')}; try `{command}`")
            error.__cause__ = SshError("\n".join(said))
            return error
        if code > 0 and code != _SSH_FAILED:
            error = DeliveryError(f"{self._options.python!r} has failed on {host}: {last}; is python the right one?")
            error.__cause__ = SshError("\n".join(said))
            return error
        return ConnectionLostError(last)


def build_command(options: SshOptions, program_bytes: int) -> list[str]:
    """Writes the command that runs on the other machine a Python program that is sent to it.

    Args:
        options: How the machine is reached.
        program_bytes: How much of stdin is the program; what follows is its own input.
    """
    settings = {
        "BatchMode": "yes",
        "ClearAllForwardings": "yes",
        "ConnectTimeout": _CONNECT_SECONDS,
        "LogLevel": "ERROR",
        "ServerAliveCountMax": _ALIVE_COUNT,
        "ServerAliveInterval": _ALIVE_SECONDS,
    }
    command = ["ssh", "-T", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
    run = f"import sys;exec(sys.stdin.buffer.read({program_bytes}))"
    return [*command, *_build_address(options), shlex.join([_expand(options.python), "-I", "-S", "-c", run])]


def _build_address(options: SshOptions) -> list[str]:
    flags = (("-F", options.config_file), ("-p", options.port), ("-i", options.identity_file))
    return [*(word for flag, value in flags if value is not None for word in (flag, str(value))), options.host]


def _expand(path: str) -> str:
    """Writes a path in the home of the user there so that no shell needs to find the home: commands start in it."""
    return f"./{path[2:]}" if path.startswith("~/") else path


@cache
def _build_program() -> bytes:
    """Writes what the other machine runs: modules, each known by its full name, and then the program itself."""
    lines = ["import sys, types"]
    for module in (process_supervisor, store, job_process):
        lines.append(f"module = sys.modules[{module.__name__!r}] = types.ModuleType({module.__name__!r})")
        lines.append(f"exec(compile({_read_source(module)!r}, {module.__name__!r}, 'exec'), module.__dict__)")
    lines.append(f"exec(compile({_read_source(program)!r}, {program.__name__!r}, 'exec'), {{'__name__': '__main__'}})")
    return "\n".join(lines).encode()


def _read_source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")
