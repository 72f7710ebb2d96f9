"""A server of AWS's interfaces on this machine: objects, logs, repositories and jobs, of which none really runs."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.common.delivery.sagemaker.aws.account import REGION, Account
from tg.common.delivery.sagemaker.aws.session import AwsSession


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint(aws_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The server, empty; the only configuration of AWS that is seen is the one for it."""
    requests.post(f"{aws_server}/moto-api/reset", timeout=10)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "jobs"))
    return aws_server


@pytest.fixture
def aws(endpoint: str) -> AwsSession:
    return AwsSession(patience_seconds=1, pause_seconds=0.01)


@pytest.fixture
def bucket(endpoint: str) -> str:
    boto3.client("s3").create_bucket(Bucket="pail", CreateBucketConfiguration={"LocationConstraint": REGION})
    return "pail"


@pytest.fixture
def account(bucket: str, tmp_path: Path) -> Account:
    (tmp_path / "datasets" / "points").mkdir(parents=True)
    (tmp_path / "datasets" / "points" / "points.csv").write_text("x,label\n1,0\n")
    return Account(tmp_path)
