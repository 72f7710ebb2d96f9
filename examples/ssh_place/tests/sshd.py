"""A real sshd of the test's own, as a child process."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

SSHD = "/usr/sbin/sshd"

_START_SECONDS = 20


class Sshd:
    """Lets the current user in with a key of its own; a context, in which it runs.

    Args:
        folder: Where its files are made.
        settings: More lines of its configuration.

    Attributes:
        host: Whom and where to log in.
        port: Its port, on 127.0.0.1.
        identity_file: The user's key.
        config_file: A configuration of ssh that knows its key, and nothing else of the user's.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.host = f"{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.identity_file = folder / "user_key"
        self.config_file = folder / "ssh_config"
        for key in (self.identity_file, folder / "host_key", folder / "stranger_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        self.trust(folder / "host_key.pub")
        self.config_file.write_text(
            f"Host *\n  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n"
            "  StrictHostKeyChecking yes\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        )
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {folder}/host_key\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nPidFile none\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "SetEnv SHLVL=2\n"  # else bash reads the user's start files for each request, whatever they do
            + "\n".join(settings)
        )

    @property
    def stranger_key(self) -> Path:
        """A key that lets nobody in."""
        return self._folder / "stranger_key"

    def trust(self, key: Path) -> None:
        """Has the client take a key for the host's."""
        kind, text, *_ = key.read_text().split()
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {text}\n")

    def start(self) -> None:
        """Starts it, and returns when it listens."""
        # As root, sshd wants a folder of its own; elsewhere it does without.
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (self._folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self._folder / "sshd_config")], stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self._folder / "sshd.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        """Ends it and all of its connections; what was started through them goes on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)  # no connection is added any more
            self.cut()
            self._process.kill()
            self._process.wait()
            self._process = None

    def cut(self) -> None:
        """Ends all connections."""
        assert self._process is not None
        for pid in _find_children(self._process.pid):
            os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> "Sshd":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _find_children(pid: int) -> list[int]:
    """Finds the processes of sshd that another one has started, and those that these have started."""
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        servers = [each for each in children if Path(f"/proc/{each}/comm").read_text().startswith("sshd")]
    except FileNotFoundError:
        return []
    return [found for each in servers for found in (*_find_children(each), each)]
