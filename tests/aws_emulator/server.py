"""An HTTP server on a free port of this machine, in a thread of this process."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class QuietRequestHandler(MotoRequestHandler):
    """Keeps no log of requests: the emulator has its own record."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


def make_moto_application() -> WsgiApp:
    """All of moto's services as one application that finds the service from a request's signature."""
    application: WsgiApp = DomainDispatcherApplication(create_backend_app)
    return application


class Server:
    """Serves an application from :meth:`start` until :meth:`close`."""

    def __init__(self, application: WsgiApp) -> None:
        self._server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietRequestHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        # Not by the name "localhost": clients would put the name of a bucket before it.
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
