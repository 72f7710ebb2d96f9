"""Answers the calls of a botocore session by a WSGI application, without a network between them."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from werkzeug.test import create_environ, run_wsgi_app

from tests.aws_emulator.server import WsgiApp


class LocalTransport:
    """Handles botocore's event ``before-send``: what it returns is taken for the server's answer."""

    def __init__(self, application: WsgiApp) -> None:
        self._application = application

    def __call__(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {key: value.decode() if isinstance(value, bytes) else value for key, value in request.headers.items()}
        environ = create_environ(
            request.url.partition("://")[2].partition("/")[2] or "/",
            request.url,
            method=request.method,
            headers=headers,
            data=request.body or b"",
        )
        body, status, answer_headers = run_wsgi_app(self._application, environ, buffered=True)
        return AWSResponse(request.url, int(status.split()[0]), answer_headers, _Raw(b"".join(body)))


class _Raw(io.BytesIO):
    def stream(self, amount: int = -1, **_: Any) -> Iterator[bytes]:
        yield self.read()
