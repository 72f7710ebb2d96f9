"""Stands between a launcher and a server, and lets requests of a name go wrong."""

import os
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tests.integration.seams.faults import Calls, Fate

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Request:
    """A request; its headers have names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class SeamProxy:
    """Passes on HTTP, one request a connection; a context.

    A refused request reaches no server: it is answered with what ``refuse``
    writes, or its connection is cut if that is empty. One
    whose answer is lost reaches the server, and its connection is cut when the server has answered.

    Args:
        server: The address of the server: host and port, or the path of a socket.
        calls: Takes the names of requests, and decides.
        name: Names a request.
        refuse: Writes the answer to a refused request.
        socket_path: Where a socket is made for clients; by default they come to a port.
    """

    def __init__(
        self,
        server: tuple[str, int] | str,
        calls: Calls,
        name: Callable[[Request], str],
        refuse: Callable[[Request], bytes] = lambda request: b"",
        socket_path: Path | None = None,
    ) -> None:
        proxy = self
        self._server_address, self._name, self._calls, self._refuse = server, name, calls, refuse

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    proxy._pass_on(self.request)
                except OSError:
                    return  # one of both has gone

        class TcpServer(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        class SocketServer(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self._listener: socketserver.BaseServer
        if socket_path is None:
            self._listener = TcpServer(("127.0.0.1", 0), Handler)
            self.address = f"http://127.0.0.1:{self._listener.server_address[1]}"
        else:
            self._listener = SocketServer(os.fspath(socket_path), Handler)
            self.address = f"unix://{socket_path}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,))

    def __enter__(self) -> "SeamProxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._calls.ordered is not None:
            self._calls.ordered.over.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def _pass_on(self, client: socket.socket) -> None:
        with client.makefile("rb") as incoming:
            first = incoming.readline()
            if not first:
                return
            method, path, _ = first.decode("latin-1").split(" ", 2)
            headers = dict(_read_headers(incoming))
            if headers.pop("expect", None):
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = _read_body(incoming, headers)
        request = Request(method, path, headers, body)
        fate = self._calls.take(self._name(request))
        if fate is Fate.HANGS:
            self._calls.wait_while_it_hangs()
            return
        if fate is Fate.REFUSED:
            client.sendall(self._refuse(request))
            return
        with self._connect() as server:
            kept = {name: value for name, value in headers.items() if name not in ("connection", "transfer-encoding")}
            lines = [f"{name}: {value}\r\n" for name, value in {**kept, "connection": "close"}.items()]
            if body or method in ("POST", "PUT"):
                lines.append(f"content-length: {len(body)}\r\n" if "content-length" not in kept else "")
            server.sendall(first + "".join(lines).encode("latin-1") + b"\r\n" + body)
            while answer := server.recv(_CHUNK_BYTES):
                if fate is Fate.PASSES:
                    client.sendall(answer)

    def _connect(self) -> socket.socket:
        if isinstance(self._server_address, str):
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server_address)
            return server
        return socket.create_connection(self._server_address)


def _read_headers(incoming: BinaryIO) -> list[tuple[str, str]]:
    headers = []
    while (line := incoming.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name.strip().lower(), value.strip()))
    return headers


def _read_body(incoming: BinaryIO, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return incoming.read(int(headers.get("content-length", 0)))
    body = b""
    while size := int(incoming.readline().split(b";")[0], 16):
        body += incoming.read(size)
        incoming.readline()
    incoming.readline()
    return body
