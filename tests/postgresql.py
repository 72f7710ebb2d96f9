"""A PostgreSQL server of the tests' own, from Debian's package."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

_INSTALLED = Path("/usr/lib/postgresql")
_START_SECONDS = 30
# Who runs it where the tests run as root, whom PostgreSQL refuses: the package's own user, or whoever owns nothing.
_UNPRIVILEGED = ("postgres", "nobody")


def find_programs() -> Path | None:
    """Finds the folder with ``initdb`` and ``postgres`` of the newest version here; ``None`` if there is none."""
    found = [path.parent for path in _INSTALLED.glob("*/bin/initdb") if path.with_name("postgres").exists()]
    return max(found, key=lambda path: float(path.parent.name), default=None)


class PostgreSQL:
    """Listens on a socket in a new temporary folder and nowhere else; a context, which leaves nothing behind.

    Args:
        programs: The folder with ``initdb`` and ``postgres``.
    """

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # Not below a test's folder, into which another user cannot look, and where a socket's path gets too long.
        self._folder = Path(tempfile.mkdtemp(prefix="tg-postgresql-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _find_unprivileged_user()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def __enter__(self) -> "PostgreSQL":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # an end without a checkpoint: nobody needs the data any more
            self._process.wait()
        shutil.rmtree(self._folder)

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its address, as SQLAlchemy reads it."""
        self._run("createdb", f"--host={self._folder}", "--username=tests", name)
        return f"postgresql+psycopg2://tests@/{name}?host={self._folder}"

    def _start(self) -> None:
        data = self._folder / "data"
        self._run(
            "initdb",
            f"--pgdata={data}",
            "--username=tests",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        options = ("-D", data, "-k", self._folder, "-c", "listen_addresses=", "-c", "fsync=off")
        log = self._folder / "server.log"
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), *map(str, options)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                **self._identity,
            )
        deadline = time.monotonic() + _START_SECONDS
        ready = [str(self._programs / "pg_isready"), "--quiet", f"--host={self._folder}"]
        while subprocess.run(ready, check=False).returncode != 0:
            assert self._process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def _run(self, program: str, *words: str) -> None:
        result = subprocess.run(
            [str(self._programs / program), *words],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            **self._identity,
        )
        assert result.returncode == 0, result.stderr


def _find_unprivileged_user() -> pwd.struct_passwd:
    users = {user.pw_name: user for user in pwd.getpwall()}
    return next(users[name] for name in _UNPRIVILEGED if name in users)
