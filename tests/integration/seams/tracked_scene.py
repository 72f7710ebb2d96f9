"""Faults between a launcher and a tracking server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.integration.seams.faults import Calls
from tests.integration.seams.mlflow_calls import name_call
from tests.integration.seams.proxy import SeamProxy
from tests.integration.seams.scene import Scene

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\nConnection: close\r\n\r\nout of order"


class TrackedScene(Scene):
    """Records at a tracking server, which all launchers share.

    Args:
        place: The place, such as ``process``.
        project: The project.
        folder: Where folders are made.
        uri: The server's address.
    """

    def __init__(self, place: str, project: Path, folder: Path, uri: str) -> None:
        super().__init__(place, project, folder)
        self._uri = uri

    def open_store(self, folder: Path) -> str:
        return self._uri

    @contextmanager
    def open_seam(self, folder: Path, calls: Calls) -> Iterator[dict[str, str]]:
        address = urlsplit(self._uri)
        server = (str(address.hostname), int(address.port or 80))
        with SeamProxy(server, calls, name_call, lambda request: REFUSAL) as proxy:
            yield {"MLFLOW_TRACKING_URI": proxy.address}
