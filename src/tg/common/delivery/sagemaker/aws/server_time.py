"""Asks AWS for the time, by which it judges whether a call is too old."""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .session import AwsSession


def read_server_time(aws: AwsSession) -> datetime | None:
    """Returns AWS's time, to the second, as an answer of it says, also one that refuses; ``None`` if it does not.

    Raises:
        DeliveryError: If AWS does not answer.
    """
    answer = aws.call("AWS has not told the time", lambda: _ask(aws))
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None


def _ask(aws: AwsSession) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    try:
        return dict(aws.client("sts").get_caller_identity())
    except ClientError as error:
        return dict(error.response)
