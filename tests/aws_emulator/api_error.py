"""Writes refusals as each protocol of AWS does."""

import json
from xml.sax.saxutils import escape

from tests.aws_emulator.api_call import ApiCall

_REQUEST_ID = "3f1c0f6e-5d0e-4b7a-9d3c-0a6c1e2b4d5f"


class ApiError(Exception):
    """What a service answers instead of a result."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def write_error(call: ApiCall, error: ApiError) -> tuple[str, bytes]:
    """Returns the content type and the body of a refusal; an answer to HEAD has no body."""
    if call.method == "HEAD":
        return "application/xml", b""
    if call.protocol == "json":
        return "application/x-amz-json-1.1", json.dumps({"__type": error.code, "message": error.message}).encode()
    text = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if call.protocol == "s3":
        text = f"<Error>{text}<RequestId>{_REQUEST_ID}</RequestId></Error>"
    else:
        text = f"<Error><Type>Sender</Type>{text}</Error><RequestId>{_REQUEST_ID}</RequestId>"
        text = f"<ErrorResponse>{text}</ErrorResponse>"
    return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def throttled(call: ApiCall) -> ApiError:
    if call.protocol == "s3":
        return ApiError("SlowDown", "Please reduce your request rate.", 503)
    return ApiError("ThrottlingException" if call.protocol == "json" else "Throttling", "Rate exceeded")


def broken_down(call: ApiCall) -> ApiError:
    if call.protocol == "s3":
        return ApiError("InternalError", "We encountered an internal error. Please try again.", 500)
    return ApiError("InternalFailure", "The request processing has failed because of an unknown error.", 500)


def token_expired(call: ApiCall) -> ApiError:
    if call.protocol == "s3":
        return ApiError("ExpiredToken", "The provided token has expired.")
    message = "The security token included in the request is expired"
    return (
        ApiError("ExpiredTokenException", message)
        if call.protocol == "json"
        else ApiError("ExpiredToken", message, 403)
    )


def access_denied(call: ApiCall, caller_arn: str) -> ApiError:
    message = (
        f"User: {caller_arn} is not authorized to perform: {call.action} on resource: {call.resource} "
        f"because no identity-based policy allows the {call.action} action"
    )
    if call.protocol == "json":
        return ApiError("AccessDeniedException", message)
    return ApiError("AccessDenied", message, 403)
