"""Stands in front of a tracking server and answers 500 to some requests."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class FailingProxy:
    """Refuses every second request of a kind for each path, the first one of all included; a context.

    Of two refused requests, one does not reach the server, and one does, with its answer lost. Where that would make
    something new, as creating a run does, no answer is lost: no client could repeat that.

    Args:
        uri: The server's address.
        concerns: Whether a request is of the kind, by its path.

    Attributes:
        counts: How many requests of the kind were ``passed``, ``lost`` on their way, and ``unanswered``.
    """

    def __init__(self, uri: str, concerns: Callable[[str], bool]) -> None:
        self.counts = {"passed": 0, "lost": 0, "unanswered": 0}
        self._concerns = concerns
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        place = urlsplit(uri).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fate = proxy._decide(self.path)
                status, headers, content = 500, [], b"out of order"
                if fate != "lost":
                    server = http.client.HTTPConnection(place)
                    server.request(self.command, self.path, body, dict(self.headers))
                    answer = server.getresponse()
                    if fate == "passed":
                        status, headers, content = answer.status, answer.getheaders(), answer.read()
                    server.close()
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FailingProxy":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _decide(self, path: str) -> str:
        if not self._concerns(path):
            return "passed"
        with self._lock:
            place = urlsplit(path).path
            number = self._asked[place]
            self._asked[place] += 1
            fate = "passed" if number % 2 else "lost" if number % 4 or place.endswith("/create") else "unanswered"
            self.counts[fate] += 1
        return fate
