"""Translates the errors of AWS's SDK."""

from typing import Any

from ....errors import DeliveryError, listed

_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidToken",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "TokenRefreshRequired",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "SlowDown",
}

# The permissions that an answer without a body, as to HEAD in S3, does not name.
_PERMISSIONS = {
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject and s3:ListBucket",
    "GetObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
}


def error_code(error: BaseException | None) -> str:
    """Returns the service's error code, such as ``ResourceInUse``; empty if it is not a service's answer."""
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def http_status(error: BaseException) -> int:
    """Returns the HTTP status of an error; 0 if it is not a service's answer."""
    response: Any = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    return int(metadata.get("HTTPStatusCode", 0))


def is_throttled(error: BaseException) -> bool:
    """Returns whether a service is throttling."""
    return error_code(error) in _THROTTLED


def is_denied(error: BaseException | None) -> bool:
    """Returns whether a permission is missing."""
    return error_code(error) in _DENIED


def is_expired(error: BaseException) -> bool:
    """Returns whether credentials have expired, or cannot be renewed at the moment."""
    from botocore import exceptions

    # HEAD has no body with a reason; our requests are well-formed.
    is_bad_head = error_code(error) == "400" and getattr(error, "operation_name", "").startswith("Head")
    return (
        is_bad_head
        or error_code(error) in _EXPIRED
        or isinstance(
            error,
            (
                exceptions.CredentialRetrievalError,
                exceptions.TokenRetrievalError,
                exceptions.SSOError,
                exceptions.NoCredentialsError,
                exceptions.PartialCredentialsError,
            ),
        )
    )


def is_passing(error: BaseException) -> bool:
    """Returns whether an error is temporary: the network or the service is down, or is throttling."""
    from botocore import exceptions

    return (
        is_throttled(error)
        or http_status(error) >= 500
        or isinstance(error, (exceptions.HTTPClientError, exceptions.EndpointConnectionError))
    )


def translate(error: BaseException, what: str) -> DeliveryError:
    """Formats an error of AWS's SDK as one line that begins with ``what``."""
    return DeliveryError(f"{what}: {_explain(error)}")


def _explain(error: BaseException) -> str:
    from botocore import exceptions

    code, text = error_code(error), " ".join(str(error).split())
    if code in _EXPIRED or (code == "400" and is_expired(error)):
        return f"the AWS credentials are not accepted ({code}); renew them, for example with `aws sso login`"
    if isinstance(error, exceptions.NoRegionError):
        return "no AWS region is known; set region, AWS_DEFAULT_REGION, or a region in the profile"
    if isinstance(error, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return (
            "no AWS credentials are found; run `aws configure` or `aws sso login`, or set profile, AWS_PROFILE or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, exceptions.ProfileNotFound):
        return f"the AWS profile {error.kwargs.get('profile')!r} is not configured; {_list_profiles()}"
    if isinstance(error, (exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError, exceptions.SSOError)):
        return f"the AWS credentials cannot be retrieved ({text}); renew them, for example with `aws sso login`"
    if isinstance(
        error, (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError, exceptions.ReadTimeoutError)
    ):
        return f"{text}; check the network, the region and AWS_ENDPOINT_URL"
    if isinstance(error, exceptions.ClientError):
        message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
        if code in _DENIED:
            return _explain_denial(error.operation_name, message)
        return f"{error.operation_name} answers {code}: {message}"
    return text


def _explain_denial(operation: str, message: str) -> str:
    permission = _PERMISSIONS.get(operation)
    said = message if "authorized" in message or permission is None else f"the permission {permission} may be missing"
    return f"access is denied: {said.rstrip('.')}; ask for that permission, or use other credentials"


def _list_profiles() -> str:
    import botocore.session

    return f"there is {listed(sorted(botocore.session.Session(profile=None).available_profiles))}"
