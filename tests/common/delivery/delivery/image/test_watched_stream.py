import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from tg.common.delivery.delivery.image.watched_stream import note_response, read_watched

_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


class Daemon:
    """Answers one request with a line, and then says nothing more; a context.

    Args:
        head: What the answer begins with.

    Attributes:
        has_noticed: Set when the connection has ended.
    """

    def __init__(self, head: bytes) -> None:
        self._head = head
        self.has_noticed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self) -> "Daemon":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join()

    def _answer(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(20)
        with connection:
            connection.recv(65536)
            connection.sendall(self._head + b"\r\n4\r\none\n\r\n")
            if not connection.recv(1):
                self.has_noticed.set()


@pytest.fixture(params=[_HEAD, _HEAD + b"Connection: close\r\n"], ids=["kept alive", "to be closed"])
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    with Daemon(request.param) as daemon:
        yield daemon


def begin(daemon: Daemon) -> Iterator[bytes]:
    session = requests.Session()
    session.hooks["response"].append(note_response)
    response = session.get(daemon.url, stream=True)
    return iter(response.iter_lines(1))


@pytest.mark.starts_process
def test_a_silent_stream_is_looked_at_and_cut(daemon: Daemon) -> None:
    seen: list[float] = []

    def look(silent_seconds: float) -> bool:
        seen.append(silent_seconds)
        return len(seen) < 3

    assert list(read_watched(lambda: begin(daemon), look, 0.05)) == [b"one"]
    assert len(seen) == 3
    assert 0.05 <= seen[0] < seen[1] < seen[2]
    assert daemon.has_noticed.wait(20)


@pytest.mark.starts_process
def test_what_a_look_raises_is_raised_and_the_stream_cut(daemon: Daemon) -> None:
    def look(silent_seconds: float) -> bool:
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        list(read_watched(lambda: begin(daemon), look, 0.05))
    assert daemon.has_noticed.wait(20)


@pytest.mark.starts_process
def test_a_stream_that_nobody_takes_any_more_is_cut(daemon: Daemon) -> None:
    with closing(read_watched(lambda: begin(daemon), lambda silent_seconds: True, 20)) as lines:
        assert next(iter(lines)) == b"one"
    assert daemon.has_noticed.wait(20)


def test_what_never_begins_is_looked_at() -> None:
    ends = threading.Event()

    def never() -> Iterator[bytes]:
        ends.wait(20)
        return iter(())

    assert list(read_watched(never, lambda silent_seconds: False, 0.05)) == []
    ends.set()


def test_the_error_of_a_stream_is_raised_behind_what_it_has_brought() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("reset")

    lines = read_watched(broken, lambda silent_seconds: True)
    assert next(lines) == 1
    with pytest.raises(OSError, match="reset"):
        next(lines)


def test_a_long_stream_comes_whole_and_in_order() -> None:
    assert list(read_watched(lambda: range(50_000), lambda silent_seconds: True)) == list(range(50_000))
