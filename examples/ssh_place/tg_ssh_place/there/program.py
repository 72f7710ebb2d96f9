"""Carries out one request about a job on the other machine.

A request is a line of JSON on stdin, and what belongs to it follows. The answer on stdout begins with ``MARKER``, so
that what the user's shell may write before is passed over; then come lines of JSON, and what belongs to them. When
stdin ends, so has the interest in the answer.
"""

import json
import os
import select
import shutil
import signal
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tg.common.delivery.sagemaker.job_files.process_supervisor import LOG_NAME, TIMES_NAME
from tg_ssh_place.there.job_process import (
    POLL_SECONDS,
    find_log_bytes,
    has_ended,
    is_cancelled,
    look,
    send_signal,
    start,
)
from tg_ssh_place.there.store import RefusedError, Store

MARKER = b"\n###tg-ssh-place###\n"

# Where the parts of a new job lie in the stream that follows its request; the last one shows that it is whole.
JOB_PREFIX = "job/"
DATASET_PREFIX = "dataset/"
LAST_NAME = "complete"

_CHUNK_BYTES = 1 << 20


def submit(
    store: Store, job_id: str, digest: str | None, channel: str, texts: dict[str, str], paths: dict[str, str]
) -> None:
    """Starts a job whose files follow the request, with its dataset if that is not here.

    Args:
        store: Where jobs are kept.
        job_id: The job's id.
        digest: What tells the dataset from others; ``None`` if there is none.
        channel: The path of the data channel in the job's folder.
        texts: Variables of the job.
        paths: More of them, whose values are paths in the job's folder.
    """
    job, needs_dataset = store.create(job_id, digest, channel)
    try:
        say(needs_dataset=needs_dataset)
        _receive(job, store.incoming(job))
        if digest is not None and needs_dataset:
            store.add_dataset(job, digest)
        start(job, {**texts, **{name: str(job / path) for name, path in paths.items()}})
    except BaseException:
        store.remove(job)
        raise
    # From here on the job runs, whether anybody hears of it or not.
    say(started=True)


def describe(store: Store, job_id: str, completion: str, failure: str) -> None:
    """Tells how a job stands.

    Args:
        store: Where jobs are kept.
        job_id: The job's id.
        completion: The path, in its folder, of the file that a job writes when it has run to its end.
        failure: The path of the file that says why it failed.
    """
    if (job := store.find(job_id)) is None:
        say(missing=True)
        return
    stage, exit_code = look(job)
    try:
        reason = (job / failure).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        reason = None
    say(
        stage=stage,
        exit_code=exit_code,
        is_complete=(job / completion).is_file(),
        is_cancelled=is_cancelled(job),
        failure=reason,
        log_bytes=find_log_bytes(job),
    )


def stop(store: Store, job_id: str, grace_seconds: float) -> None:
    """Stops a job and waits until it has ended; without a grace period, it is killed at once."""
    if (job := store.find(job_id)) is None:
        say(missing=True)
        return
    deadline = time.monotonic() + grace_seconds
    is_asked = grace_seconds <= 0
    while not has_ended(job):
        if not is_asked:
            is_asked = send_signal(job, signal.SIGTERM)
        elif time.monotonic() >= deadline:
            send_signal(job, signal.SIGKILL)
        _wait(POLL_SECONDS)
    say(stopped=True)


def follow(store: Store, job_id: str, position: int, follow: bool) -> None:
    """Sends a job's output from a position on: ``<milliseconds> <length>``, the bytes, and so on; then ``end``."""
    if (job := store.find(job_id)) is None:
        say(missing=True)
        return
    say()
    while not (job / TIMES_NAME).is_file() and follow and not has_ended(job):
        _wait(POLL_SECONDS)
    if (job / TIMES_NAME).is_file():
        with (job / LOG_NAME).open("rb") as log, (job / TIMES_NAME).open("rb") as times:
            log.seek(position)
            is_last = False
            while not is_last:
                is_last = not follow or has_ended(job)
                next_line = times.tell()
                while (line := times.readline()).endswith(b"\n"):
                    next_line = times.tell()
                    time_ms, end = map(int, line.split())
                    while log.tell() < end:
                        data = log.read(min(_CHUNK_BYTES, end - log.tell()))
                        _write(b"%d %d\n" % (time_ms, len(data)), data)
                times.seek(next_line)  # what is there of the next line is being written
                sys.stdout.buffer.flush()
                if not is_last:
                    _wait(POLL_SECONDS)
    _write(b"end\n")


def fetch(store: Store, job_id: str, path: str, name: str) -> None:
    """Sends a folder of a job as a tar stream.

    Args:
        store: Where jobs are kept.
        job_id: The job's id.
        path: The folder's path in the job's.
        name: What the folder is called in the stream.
    """
    if (job := store.find(job_id)) is None:
        say(missing=True)
        return
    say()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.add(job / path, name)


def discard(store: Store, job_id: str) -> None:
    """Removes what is kept of a job."""
    if (job := store.find(job_id)) is not None:
        store.remove(job)
    say()


def say(**answer: Any) -> None:
    """Writes a line of the answer."""
    _write(json.dumps(answer).encode(), b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Carries out the request."""
    request = json.loads(sys.stdin.buffer.readline())
    command = _COMMANDS[request.pop("command")]
    _write(MARKER)
    try:
        command(Store(request.pop("folder")), **request)
        sys.stdout.buffer.flush()
    except RefusedError as error:
        say(error=str(error))
        sys.exit(1)
    except BrokenPipeError:
        os._exit(1)  # nobody hears more of it
    except OSError as error:
        say(error=f"{error.strerror or error}: {error.filename}")
        sys.exit(1)


def _receive(job: Path, dataset: Path) -> None:
    """Unpacks what follows the request: files and folders that the launcher has chosen."""
    is_whole = False
    try:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as stream:
            for member in stream:
                is_whole = member.name == LAST_NAME
                is_job = member.name.startswith(JOB_PREFIX)
                name = member.name[len(JOB_PREFIX if is_job else DATASET_PREFIX) :]
                source = stream.extractfile(member)
                if not is_whole:
                    _write_member(source, (job if is_job else dataset) / name)
    except tarfile.TarError:
        is_whole = False
    if not is_whole:
        raise RefusedError("the connection has ended before the job was sent completely")


def _write_member(source: Any, target: Path) -> None:
    if source is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def _wait(seconds: float) -> None:
    """Waits; ends this program when nobody waits for it any more."""
    if select.select([sys.stdin], [], [], seconds)[0] and not os.read(sys.stdin.fileno(), 1):
        os._exit(1)


def _write(*parts: bytes) -> None:
    for part in parts:
        sys.stdout.buffer.write(part)


_COMMANDS: dict[str, Callable[..., None]] = {
    "submit": submit,
    "describe": describe,
    "stop": stop,
    "follow": follow,
    "fetch": fetch,
    "discard": discard,
}

if __name__ == "__main__":
    main()
