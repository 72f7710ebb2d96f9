"""Names the requests to a tracking server."""

import json
import re
from urllib.parse import unquote, urlsplit

from tests.integration.seams.proxy import Request

_API = re.compile(r"^/(?:api|ajax-api)/[\d.]+/mlflow(-artifacts)?/(.*)$")
_ARTIFACT = re.compile(r"^artifacts/\d+/(?:models/m-\w+|\w{32})/artifacts/")
_ID = re.compile(r"\bm-[0-9a-f]{32}\b|\b[0-9a-f]{32}\b|(?<=/)\d+(?=/|$)")
_VERSION = re.compile(r"-\w{8}(?=\.tar\.gz$)")
_CODE = re.compile(r"(?<=^code/).*")


def name_call(request: Request) -> str:
    """Names a request by its endpoint, a tag by its key, and a file by its path in the run; modules are one."""
    method, path, body = request.method, request.path, request.body
    found = _API.match(unquote(urlsplit(path).path))
    if found is None:
        return f"{method} {path}"
    files, endpoint = found.groups()
    if files:
        name = _CODE.sub("*", _ARTIFACT.sub("", endpoint))
        return f"{method} file {_VERSION.sub('-*', name)}"
    endpoint = _ID.sub("*", endpoint)
    if endpoint in ("runs/set-tag", "runs/delete-tag"):
        return f"{endpoint} {json.loads(body)['key']}"
    if endpoint == "runs/update":
        return f"{endpoint} {json.loads(body).get('status', '')}"
    if endpoint == "runs/log-batch":
        content = json.loads(body)
        return f"{endpoint} {' '.join(each for each in ('metrics', 'params', 'tags') if content.get(each))}"
    return f"{method} {endpoint}" if method != "POST" else endpoint
