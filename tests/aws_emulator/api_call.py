"""Reads from a request which operation of which AWS service it calls, and who calls."""

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.aws_emulator.s3_operations import name_action, name_s3_operation

ACCOUNT_ID = "123456789012"
# Services whose permissions have another name than their signatures.
_SERVICES = {"monitoring": "cloudwatch"}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class ApiCall:
    """One call: ``protocol`` is ``json``, ``query`` or ``s3``; ``parameters`` are those of a JSON protocol.

    ``resource`` is the ARN that a policy must allow; ``context`` has values for a policy's conditions, by their keys.
    """

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    method: str
    resource: str = "*"
    parameters: dict[str, Any] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Service and operation, such as ``s3:ListObjectsV2``."""
        return f"{self.service}:{self.operation}"

    @property
    def action(self) -> str:
        """The permission that the call needs, such as ``s3:ListBucket``."""
        return name_action(self.service, self.operation)


def read_call(environ: dict[str, Any]) -> ApiCall:
    """Reads a call; the body of the request can be read again afterwards, unless it is an S3 object's."""
    query, method = environ.get("QUERY_STRING", ""), environ["REQUEST_METHOD"]
    signature = environ.get("HTTP_AUTHORIZATION") or unquote(query).replace("X-Amz-Credential", "Credential")
    match = _CREDENTIAL.search(signature)
    access_key, region, service = match.groups() if match else ("", "us-east-1", "s3")
    service = _SERVICES.get(service, service)
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        parameters = json.loads(_read_body(environ) or b"{}")
        operation = target.rpartition(".")[2]
        resource = _name_resource(service, region, parameters)
        return ApiCall(service, operation, region, access_key, "json", method, resource, parameters)
    if service != "s3":
        form = parse_qs(_read_body(environ).decode())
        return ApiCall(service, form.get("Action", ["?"])[0], region, access_key, "query", method)
    path, words = environ.get("PATH_INFO", "/").lstrip("/"), parse_qs(query, keep_blank_values=True)
    headers = {key for key in environ if key.startswith("HTTP_X_AMZ_")}
    operation = name_s3_operation(method, path, words, headers)
    context = {"s3:prefix": words["prefix"][0]} if "prefix" in words else {}
    resource = f"arn:aws:s3:::{path}" if path else "*"
    return ApiCall(service, operation, region, access_key, "s3", method, resource, context=context)


def _name_resource(service: str, region: str, parameters: dict[str, Any]) -> str:
    names = {
        "TrainingJobName": "training-job/",
        "HyperParameterTuningJobName": "hyper-parameter-tuning-job/",
        "repositoryName": "repository/",
        "logGroupName": "log-group:",
    }
    prefix = f"arn:aws:{service}:{region}:{ACCOUNT_ID}:"
    for parameter, kind in names.items():
        if parameter in parameters:
            stream = f":log-stream:{parameters.get('logStreamName', '')}" if service == "logs" else ""
            return f"{prefix}{kind}{parameters[parameter]}{stream}"
    repositories = parameters.get("repositoryNames", ())  # of one only, as our clients ask
    return f"{prefix}repository/{repositories[0]}" if len(repositories) == 1 else "*"


def _read_body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def pass_over_body(environ: dict[str, Any]) -> None:
    """Reads what a client still sends: one whose connection is closed before it is done never sees the answer."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0:
        chunk = environ["wsgi.input"].read(min(left, 1 << 20))
        if not chunk:
            return
        left -= len(chunk)
