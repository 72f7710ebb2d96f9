"""``tg-mlflow upload-dataset``, against an emulated S3."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests import warm
from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import BUCKET, list_keys
from tests.launcher import BIN
from tests.support import ProjectFolder
from tg.common import TgError
from tg_mlflow.cli.upload import upload_project_dataset

PREFIX = "sagemaker/points/datasets"


@pytest.fixture
def aws(make_simulated_aws: Callable[..., AwsEmulator]) -> AwsEmulator:
    return make_simulated_aws()


@pytest.fixture
def ready(project: ProjectFolder) -> ProjectFolder:
    """A project with data, a bucket, and code that cannot be run."""
    project.write("tasks.py", "raise AssertionError('nothing of the project is run')")
    project.write("tg.json", json.dumps({"dataset": "all", "bucket": BUCKET, "cpus": 2}))
    folder = project.path / "datasets" / "points" / "all"
    (folder / "more").mkdir(parents=True)
    (folder / "a.csv").write_text("x\n1\n")
    (folder / "more" / "b.csv").write_text("x\n22\n")
    return project


def upload(project: ProjectFolder, *words: str, **streams: Any) -> "subprocess.CompletedProcess[str]":
    return warm.run(
        [str(BIN / "tg-mlflow"), "upload-dataset", *words],
        cwd=project.path,
        **streams,
        timeout=60,
    )


def read_terminal(terminal: int) -> bytes:
    """The next of what was written; nothing when nobody can write any more."""
    try:
        return os.read(terminal, 10_000)
    except OSError:  # as Linux says that
        return b""


def test_the_dataset_goes_where_a_training_looks_for_it(aws: AwsEmulator, ready: ProjectFolder) -> None:
    result = upload(ready)
    place = f"s3://{BUCKET}/{PREFIX}/all"
    assert (result.returncode, result.stdout) == (0, f"{place}: 2 files, 9 bytes (9 bytes sent)\n"), result.stderr
    assert result.stderr == ""  # it is no terminal
    assert list_keys("") == [f"{PREFIX}/all/a.csv", f"{PREFIX}/all/more/b.csv"]


def test_a_terminal_is_shown_progress(aws: AwsEmulator, ready: ProjectFolder) -> None:
    terminal, its_end = pty.openpty()
    fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    result = upload(ready, str(ready.path), stderr=its_end)
    os.close(its_end)
    shown = b"".join(iter(lambda: read_terminal(terminal), b"")).decode()
    os.close(terminal)
    assert result.returncode == 0, shown
    assert "Uploading" in shown
    assert "9.00/9.00" in shown


def test_what_cannot_be_uploaded_is_told_in_one_line(aws: AwsEmulator, ready: ProjectFolder) -> None:
    result = upload(ready, "--backend-config", '{"dataset": "none.csv"}')
    folder = ready.path / "datasets" / "points"
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(
        f"=== dataset 'none.csv' is not in '{folder}' (that folder holds 'all', 'points.parquet'); prepare it, or "
        "correct dataset, project_name or datasets_folder ===\n"
    )
    result = upload(ready, "--backend-config", "[1]")
    assert (result.returncode, result.stdout) == (1, "")
    assert "--backend-config '[1]' holds a list; give an object" in result.stderr


def test_only_what_has_changed_is_sent_again(aws: AwsEmulator, ready: ProjectFolder) -> None:
    place = f"s3://{BUCKET}/{PREFIX}/all"
    assert upload_project_dataset(ready.path, {}) == f"{place}: 2 files, 9 bytes (9 bytes sent)"
    assert upload_project_dataset(ready.path, {}) == f"{place}: 2 files, 9 bytes (nothing sent, all of it was there)"
    (ready.path / "datasets" / "points" / "all" / "a.csv").write_text("x\n2\n")
    assert upload_project_dataset(ready.path, {}) == f"{place}: 2 files, 9 bytes (4 bytes sent)"
    assert len([call for call in aws.calls if call.name == "s3:PutObject"]) == 3


def test_a_key_encrypts_what_was_sent_without_it(aws: AwsEmulator, ready: ProjectFolder) -> None:
    config = {"dataset": "all/a.csv", "kms_key": "arn:aws:kms:eu-central-1:123456789012:key/0815"}
    upload_project_dataset(ready.path, {"dataset": "all/a.csv"})
    for sent in ("4 bytes sent", "nothing sent, all of it was there"):
        assert upload_project_dataset(ready.path, config) == (
            f"s3://{BUCKET}/{PREFIX}/all/a.csv: 1 file, 4 bytes ({sent})"
        )
    found = boto3.client("s3").head_object(Bucket=BUCKET, Key=f"{PREFIX}/all/a.csv")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", config["kms_key"])


def test_the_default_bucket_is_made(aws: AwsEmulator, ready: ProjectFolder) -> None:
    ready.write("tg.json", '{"dataset": "all"}')
    assert upload_project_dataset(ready.path, {}).startswith(
        f"s3://sagemaker-eu-central-1-123456789012/{PREFIX}/all: 2 files"
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"bucket": "no-such-bucket"}, "there is no bucket 'no-such-bucket'; create it with `aws s3 mb s3://no-such-"),
        ({"dataset": None}, "there is no dataset to upload; set dataset"),
        ({"datset": "all"}, "the backend config has the unknown key 'datset'; did you mean 'dataset'?"),
        ({"profile": "nobody"}, "the AWS profile 'nobody' is not configured; there is nothing"),
    ],
)
def test_a_wrong_key_is_told(aws: AwsEmulator, ready: ProjectFolder, config: dict[str, Any], message: str) -> None:
    with pytest.raises(TgError) as caught:
        upload_project_dataset(ready.path, config)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("denied", ["s3:PutObject", "s3:HeadBucket"])
def test_a_permission_that_is_missing_is_told(aws: AwsEmulator, ready: ProjectFolder, denied: str) -> None:
    aws.faults.deny(denied)
    with pytest.raises(TgError, match=r"^[^\n]*: access is denied: [^\n]*; ask for that permission, or use other"):
        upload_project_dataset(ready.path, {})


def test_credentials_come_from_the_projects_environment_or_are_missed(
    aws: AwsEmulator, ready: ProjectFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    text = "\n".join(f"{name}={os.environ[name]}" for name in names)
    for name in names:
        monkeypatch.delenv(name)
    with pytest.raises(TgError, match=r"^[^\n]*: no AWS credentials are found; run `aws configure`[^\n]*$"):
        upload_project_dataset(ready.path, {})
    (ready.path / "environment.env").write_text(text)
    assert upload_project_dataset(ready.path, {}).endswith(" (9 bytes sent)")


def test_a_file_that_cannot_be_read_is_told(aws: AwsEmulator, ready: ProjectFolder) -> None:
    path = ready.path / "datasets" / "points" / "all" / "a.csv"
    path.unlink()
    path.symlink_to("/proc/self/mem")  # whoever reads it gets an error, root too
    with pytest.raises(TgError) as caught:
        upload_project_dataset(ready.path, {})
    assert str(caught.value) == f"'{path}' cannot be read: Input/output error; correct its permissions"
