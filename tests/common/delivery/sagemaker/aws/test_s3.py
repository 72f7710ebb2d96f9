"""Datasets and results in S3, against a server; a connection that breaks is a real one through a proxy that cuts it."""

import socket
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tg.common import DatasetError, DeliveryError
from tg.common.delivery.sagemaker.aws.s3_download import download_object
from tg.common.delivery.sagemaker.aws.s3_location import S3Location, find_bucket, find_dataset_location
from tg.common.delivery.sagemaker.aws.s3_upload import plan_dataset_upload, upload_files, warn_of_others
from tg.common.delivery.sagemaker.aws.session import AwsSession

MEGABYTE = 1 << 20


def test_locations() -> None:
    assert S3Location.parse("s3://pail/a/b") == S3Location("pail", "a/b")
    assert str(S3Location("pail", "a/b")) == "s3://pail/a/b"
    with pytest.raises(DeliveryError, match=r"^'https://pail/a' is no S3 URI; give one such as 's3://bucket/path'"):
        S3Location.parse("https://pail/a")


def test_buckets(aws: AwsSession, bucket: str) -> None:
    assert find_bucket(aws, bucket)
    assert not find_bucket(aws, "no-such-bucket")
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="elsewhere")
    with pytest.raises(DeliveryError) as caught:
        find_bucket(aws, "elsewhere")
    assert str(caught.value) == (
        "bucket 'elsewhere' is in us-east-1, and jobs run in eu-central-1; name a bucket there, or set region to "
        "'us-east-1'"
    )


def test_a_dataset_is_an_object_or_a_folder(aws: AwsSession, bucket: str) -> None:
    s3 = boto3.client("s3")
    for key in ("data/a.parquet", "data/folder/x", "data/folder-2/y"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"rows")
    assert find_dataset_location(aws, S3Location(bucket, "data/a.parquet")).key == "data/a.parquet"
    assert find_dataset_location(aws, S3Location(bucket, "data/folder")).key == "data/folder/"
    for key in ("data/fold", "data/a", "data/b"):
        with pytest.raises(DatasetError) as caught:
            find_dataset_location(aws, S3Location(bucket, key))
        assert str(caught.value) == (
            f"the dataset is not in S3: there is no 's3://pail/{key}' ('data/' holds 'a.parquet', 'folder-2/y', "
            "'folder/x'); upload it with `tg-mlflow upload-dataset`, or `upload_dataset()` in Python, or correct "
            "dataset, project_name or bucket"
        )


def test_a_dataset_is_uploaded_once(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_bytes(b"12345")
    (folder / "deep" / "b").write_bytes(b"678")
    uploads = plan_dataset_upload(folder, S3Location(bucket, "sets/data"))
    assert [each.location.key for each in uploads] == ["sets/data/a", "sets/data/deep/b"]
    assert upload_files(aws, uploads, silent=True) == 8
    assert upload_files(aws, uploads, silent=True) == 0
    (folder / "a").write_bytes(b"54321")
    assert upload_files(aws, uploads, silent=True) == 5
    assert boto3.client("s3").get_object(Bucket=bucket, Key="sets/data/a")["Body"].read() == b"54321"


@pytest.fixture
def calls(aws: AwsSession, bucket: str) -> list[str]:
    """What the session calls."""
    calls: list[str] = []
    aws.session.events.register("before-call", lambda model, **_: calls.append(model.name))
    return calls


def write_folder(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}").write_bytes(b"%d" % number)
    return folder


def test_many_files_are_listed_and_not_asked_for(
    aws: AwsSession, bucket: str, calls: list[str], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "data", 12)
    boto3.client("s3").put_object(Bucket=bucket, Key="sets/data/03", Body=b"3")  # by another program
    boto3.client("s3").put_object(Bucket=bucket, Key="sets/data/04", Body=b"other")
    uploads = plan_dataset_upload(folder, S3Location(bucket, "sets/data"))
    assert upload_files(aws, uploads, silent=True) == 13
    assert Counter(calls) == {"ListObjectsV2": 1, "PutObject": 11}
    assert upload_files(aws, uploads, silent=True) == 0
    assert Counter(calls) == {"ListObjectsV2": 2, "PutObject": 11}
    found = boto3.client("s3").get_object(Bucket=bucket, Key="sets/data/04")
    assert (found["Body"].read(), len(found["Metadata"]["tg-sha256"])) == (b"4", 64)


def test_a_file_that_a_list_does_not_tell_is_asked_for(
    aws: AwsSession, bucket: str, calls: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "data", 3)
    (folder / "large").write_bytes(b"x" * (9 * MEGABYTE))
    uploads = plan_dataset_upload(folder, S3Location(bucket, "data"))
    upload_files(aws, uploads, silent=True)
    assert capsys.readouterr().out.partition(" INFO: ")[2] == f"Uploading 9,437,187 bytes to s3://{bucket}\n"
    assert "HeadObject" not in calls
    calls.clear()
    assert upload_files(aws, uploads, silent=True) == 0
    assert capsys.readouterr().out == ""
    assert calls == ["ListObjectsV2", "HeadObject"]
    calls.clear()
    assert upload_files(aws, uploads, kms_key="alias/key", silent=True) == 9 * MEGABYTE + 3
    assert calls.count("HeadObject") == 4  # whether they are encrypted


def test_whether_a_small_file_may_be_sent_is_not_asked(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    sent: list[Any] = []
    aws.session.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request))
    upload_files(aws, plan_dataset_upload(write_folder(tmp_path / "data", 1), S3Location(bucket, "data")), silent=True)
    (request,) = sent
    assert (bytes(request.body), request.headers.get("Expect")) == (b"0", None)


def test_files_are_sent_at_the_same_time(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    uploads = plan_dataset_upload(write_folder(tmp_path / "data", 10), S3Location(bucket, "data"))
    together = threading.Barrier(10)

    def wait_for_others(**_: Any) -> None:
        together.wait(60)

    aws.session.events.register("before-send.s3.PutObject", wait_for_others)
    assert upload_files(aws, uploads, silent=True) == 10


def test_the_first_file_that_fails_is_told_and_no_more_are_sent(
    aws: AwsSession, bucket: str, calls: list[str], tmp_path: Path
) -> None:
    uploads = plan_dataset_upload(write_folder(tmp_path / "data", 90), S3Location("no-such-bucket", "data"))
    with pytest.raises(DeliveryError) as caught:
        upload_files(aws, uploads, silent=True)
    assert str(caught.value) == (
        f"'{tmp_path}/data/00' cannot be uploaded to 's3://no-such-bucket/data/00': PutObject answers NoSuchBucket: "
        "The specified bucket does not exist"
    )
    assert calls.count("PutObject") < 90


def test_a_file_that_is_gone(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    uploads = plan_dataset_upload(write_folder(tmp_path / "data", 3), S3Location(bucket, "data"))
    (tmp_path / "data" / "01").unlink()
    with pytest.raises(DatasetError) as caught:
        upload_files(aws, uploads, silent=True)
    assert str(caught.value) == (
        f"'{tmp_path}/data/01' cannot be read: No such file or directory; correct its permissions"
    )


def test_large_files_go_in_parts_with_progress_and_the_key(
    aws: AwsSession, bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * (9 * MEGABYTE))
    upload_files(aws, plan_dataset_upload(path, S3Location(bucket, "large")), kms_key="alias/key")
    found = boto3.client("s3").head_object(Bucket=bucket, Key="large")
    assert found["ETag"].endswith('-2"')  # two parts
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/key")
    assert "9.44M/9.44M" in capsys.readouterr().err


def test_an_upload_that_is_refused(aws: AwsSession, endpoint: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    with pytest.raises(DeliveryError) as caught:
        upload_files(aws, plan_dataset_upload(path, S3Location("no-such-bucket", "file")), silent=True)
    assert str(caught.value) == (
        f"'{path}' cannot be uploaded to 's3://no-such-bucket/file': PutObject answers NoSuchBucket: The specified "
        "bucket does not exist"
    )


def test_what_else_is_in_a_datasets_folder_is_told(
    aws: AwsSession, bucket: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_bytes(b"1")
    uploads = plan_dataset_upload(tmp_path / "data", S3Location(bucket, "data"))
    upload_files(aws, uploads, silent=True)
    warn_of_others(aws, uploads, S3Location(bucket, "data/"))
    assert capsys.readouterr().out == ""
    boto3.client("s3").put_object(Bucket=bucket, Key="data/old", Body=b"2")
    warn_of_others(aws, uploads, S3Location(bucket, "data/"))
    assert capsys.readouterr().out.endswith(
        " WARNING: s3://pail/data/ holds 1 objects that are not here, such as 'data/old'; a training sees them, too\n"
    )


class CuttingProxy(socketserver.ThreadingTCPServer):
    """Passes requests on and cuts each of the first answers that are long, after some megabytes."""

    daemon_threads = True

    def __init__(self, target: tuple[str, int], cuts: int) -> None:
        super().__init__(("127.0.0.1", 0), _Cut)
        self.target, self.cuts, self.requests = target, cuts, list[bytes]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Cut(socketserver.BaseRequestHandler):
    server: CuttingProxy

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as upstream:
            back = threading.Thread(target=self._pass_back, args=(upstream,))
            back.start()
            while data := self.request.recv(1 << 16):
                self.server.requests.append(data)
                upstream.sendall(data)
            upstream.shutdown(socket.SHUT_WR)
            back.join()

    def _pass_back(self, upstream: socket.socket) -> None:
        count = 0
        while data := upstream.recv(1 << 16):
            count += len(data)
            if count > 2 * MEGABYTE and self.server.cuts > 0:
                self.server.cuts -= 1
                self.request.shutdown(socket.SHUT_RDWR)
                return
            self.request.sendall(data)


@contextmanager
def cutting(endpoint: str, cuts: int) -> Iterator[CuttingProxy]:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    with CuttingProxy((host, int(port)), cuts) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


def put_numbers(bucket: str) -> bytes:
    content = b"".join(b"%07d\n" % number for number in range(5 * MEGABYTE // 8))
    boto3.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=content)
    return content


def test_a_download_goes_on_where_the_connection_broke(
    endpoint: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = put_numbers(bucket)
    with cutting(endpoint, cuts=2) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        aws = AwsSession()
        download_object(aws, S3Location(bucket, "model.tar.gz"), tmp_path / "model", pause_seconds=0)
    assert (tmp_path / "model").read_bytes() == content
    ranges = [
        line for request in proxy.requests for line in request.split(b"\r\n") if line.lower().startswith(b"range:")
    ]
    assert len(ranges) == 2
    assert all(int(line.partition(b"=")[2].rstrip(b"-")) > 0 for line in ranges)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_part_from_an_earlier_process_is_used_and_that_of_another_object_is_not(
    aws: AwsSession, bucket: str, tmp_path: Path
) -> None:
    content, place = put_numbers(bucket), S3Location(bucket, "model.tar.gz")
    etag = boto3.client("s3").head_object(Bucket=bucket, Key="model.tar.gz")["ETag"].strip('"')
    (tmp_path / f".model.{etag}.part").write_bytes(b"X" * 100)
    (tmp_path / ".model.0123.part").write_bytes(b"Y" * 100)
    download_object(aws, place, tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == b"X" * 100 + content[100:]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_is_not_there_cannot_be_fetched(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError) as caught:
        download_object(aws, S3Location(bucket, "nothing"), tmp_path / "model")
    assert str(caught.value) == "there is no 's3://pail/nothing'; see whether the job has come to its end"


def test_an_object_that_is_replaced_meanwhile(aws: AwsSession, bucket: str, tmp_path: Path, monkeypatch: Any) -> None:
    put_numbers(bucket)
    client = aws.client("s3")
    head = client.head_object(Bucket=bucket, Key="model.tar.gz")
    boto3.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=b"other")
    monkeypatch.setattr(client, "head_object", lambda **_: head)
    with pytest.raises(DeliveryError) as caught:
        download_object(aws, S3Location(bucket, "model.tar.gz"), tmp_path / "model")
    assert str(caught.value) == (
        "'s3://pail/model.tar.gz' cannot be fetched: it was replaced in the meantime; try again"
    )
