"""The connection of a host to the leader: messages with data, in order."""

import json
import socket
import threading
from contextlib import suppress
from typing import Any

# A host that is gone without a word, as one without power, is noticed after about half a minute.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4}
_LONGEST_HEADER = 1 << 16


class Connection:
    """Sends and receives messages. Several threads may send, one receives.

    Args:
        stream: A connected socket, which this closes.
    """

    def __init__(self, stream: socket.socket) -> None:
        stream.settimeout(None)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # of Linux
                stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._stream = stream
        self._reader = stream.makefile("rb")
        self._lock = threading.Lock()

    def send(self, content: dict[str, Any], data: bytes = b"") -> bool:
        """Sends a message; returns whether the other end may have it."""
        header = json.dumps({**content, "size": len(data)}).encode() + b"\n"
        try:
            with self._lock:
                self._stream.sendall(header + data)
        except OSError:
            return False
        return True

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Waits for the next message; ``None`` if there will be none."""
        try:
            header = self._reader.readline(_LONGEST_HEADER)
            content = json.loads(header)
            data = self._reader.read(content["size"])
            return (content, data) if len(data) == content["size"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def close(self) -> None:
        """Ends the connection; a thread that waits for a message gets none."""
        with suppress(OSError):
            self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()
