"""Following a job's log: on a server, and, for what a server does only at times, on a client that is written here."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tg.common.delivery.sagemaker import LogEvent
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.contract.log_event import JobStep, skip_bytes
from tg.common.delivery.sagemaker.remote.cloudwatch_log import CloudWatchLog
from tg.common.delivery.sagemaker.remote.log_streams import GROUP
from tg.common.delivery.sagemaker.remote.pacing import Pacing
from tg.common.delivery.sagemaker.remote.state import JobDescription, StatusTransition

NOW = int(time.time() * 1000)
FAST = Pacing(0, 0.001, 0.01, 1, 0, 0)
STARTING = StatusTransition("Starting", NOW, "Preparing the instances for training")
DOWNLOADING = StatusTransition("Downloading", NOW + 10, "Downloading the training image")
TRAINING = StatusTransition("Training", NOW + 20, "Training image download completed. Training in progress.")
COMPLETED = StatusTransition("Completed", NOW + 900, "Training job completed")
RUNNING_JOB = JobDescription("job-1", "", "InProgress", "Training", transitions=(STARTING, DOWNLOADING, TRAINING))
ENDED_JOB = JobDescription("job-1", "", "Completed", transitions=(STARTING, DOWNLOADING, TRAINING, COMPLETED))


def put(stream: str, *messages: str, time_ms: int = NOW + 100) -> None:
    logs = boto3.client("logs")
    for create in (
        lambda: logs.create_log_group(logGroupName=GROUP),
        lambda: logs.create_log_stream(logGroupName=GROUP, logStreamName=stream),
    ):
        try:
            create()
        except logs.exceptions.ResourceAlreadyExistsException:
            continue
    events = [{"timestamp": time_ms + number, "message": text} for number, text in enumerate(messages)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def turns(*jobs: JobDescription) -> Callable[[], JobDescription]:
    """Answers with each in turn, and then with the last one."""
    left = list(jobs)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def output_of(log: CloudWatchLog) -> list[str]:
    return [event.data.decode() for event in log.follow() if b" - " not in event.data]


def test_the_life_and_the_output_of_a_job(aws: AwsSession) -> None:
    put("job-1/algo-1-1700", "one", "two\n", "é")
    put("job-10/algo-1-1700", "another job's")
    events = list(CloudWatchLog(aws, "job-1", turns(ENDED_JOB), pacing=FAST).follow())
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(NOW / 1000))
    line = f"{moment} Starting - Preparing the instances for training\n".encode()
    step = JobStep("Starting", "Preparing the instances for training")
    assert events[0] == LogEvent(line, NOW, has_metrics=False, step=step)
    assert [event.data.partition(b" ")[2][9:] for event in (*events[:3], events[-1])] == [
        b"Starting - Preparing the instances for training\n",
        b"Downloading - Downloading the training image\n",
        b"Training - Training image download completed. Training in progress.\n",
        b"Completed - Training job completed\n",
    ]
    assert events[3:-1] == [
        LogEvent(b"one\n", NOW + 100),
        LogEvent(b"two\n", NOW + 101),
        LogEvent("é\n".encode(), NOW + 102),
    ]


def test_a_job_without_a_log_group(aws: AwsSession) -> None:
    assert output_of(CloudWatchLog(aws, "job-1", turns(RUNNING_JOB, ENDED_JOB), pacing=FAST)) == []


def test_output_comes_while_the_job_runs_and_after_its_end(aws: AwsSession) -> None:
    is_ended = False
    put("job-1/algo-1-1700", "one")
    log = CloudWatchLog(aws, "job-1", lambda: ENDED_JOB if is_ended else RUNNING_JOB, pacing=FAST)
    events = (event.data for event in log.follow() if b" - " not in event.data)
    assert next(events) == b"one\n"
    put("job-1/algo-1-1700", "two")
    assert next(events) == b"two\n"
    is_ended = True
    put("job-1/algo-1-1700", "late")
    assert list(events) == [b"late\n"]


def test_what_is_there_now_is_not_waited_for(aws: AwsSession) -> None:
    put("job-1/algo-1-1700", "one")
    log = CloudWatchLog(aws, "job-1", turns(RUNNING_JOB), pacing=FAST)
    assert [event.data for event in log.follow(follow=False)][3:] == [b"one\n"]


def test_a_log_of_many_pages(aws: AwsSession) -> None:
    for part in range(3):
        put("job-1/algo-1-1700", *[f"{part} {number} {'x' * 100}" for number in range(5000)])
    output = output_of(CloudWatchLog(aws, "job-1", turns(ENDED_JOB), pacing=FAST))
    assert len(output) == len(set(output)) == 15_000


def test_a_long_ended_job_is_not_waited_for(aws: AwsSession) -> None:
    put("job-1/algo-1-1700", "one")
    hour_ago = replace(COMPLETED, start_ms=NOW - 3_600_000)
    job = replace(ENDED_JOB, transitions=(hour_ago,))
    start = time.monotonic()
    assert output_of(CloudWatchLog(aws, "job-1", turns(job), pacing=Pacing(quiet_seconds=60))) == ["one\n"]
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("all_hosts", [False, True])
def test_several_machines_are_named_and_one_of_them_has_the_metrics(aws: AwsSession, all_hosts: bool) -> None:
    put("job-1/algo-1-1700", "first", "third", time_ms=NOW + 100)
    put("job-1/algo-2-1701", "fourth", time_ms=NOW + 102)
    put("job-1/algo-10-1701", "fifth", time_ms=NOW + 103)
    job = replace(ENDED_JOB, instance_count=3)
    log = CloudWatchLog(aws, "job-1", turns(job), all_hosts, FAST)
    assert [(e.data, e.has_metrics, e.host) for e in log.follow() if b" - " not in e.data] == [
        (b"first\n", True, None),
        (b"third\n", True, None),
        (b"algo-2 | fourth\n", all_hosts, "algo-2"),
        (b"algo-10 | fifth\n", all_hosts, "algo-10"),
    ]


def test_an_interrupted_machine_goes_on_in_a_new_stream(aws: AwsSession) -> None:
    interrupted = StatusTransition("Interrupted", NOW + 150, "")
    restarting = StatusTransition("Restarting", NOW + 160, "")
    put("job-1/algo-1-1700", "one")
    job = replace(RUNNING_JOB, transitions=(*RUNNING_JOB.transitions, interrupted, restarting), is_spot=True)
    is_ended = False
    log = CloudWatchLog(aws, "job-1", lambda: replace(job, status="Completed") if is_ended else job, pacing=FAST)
    events = (event for event in log.follow() if b" - " not in event.data)
    assert next(events) == LogEvent(b"one\n", NOW + 100, attempt=1)
    assert [next(events).step for _ in range(2)] == [("Interrupted", ""), ("Restarting", "")]
    put("job-1/algo-1-1800", "two", time_ms=NOW + 200)
    assert next(events) == LogEvent(b"two\n", NOW + 200, attempt=2)
    is_ended = True
    assert list(events) == []


def test_a_message_that_changes_is_told_again(aws: AwsSession) -> None:
    waiting = replace(STARTING, message="Launching requested ML instances")
    job = JobDescription("job-1", "", "InProgress", "Starting", transitions=(waiting,))
    log = CloudWatchLog(aws, "job-1", turns(job, job, ENDED_JOB), pacing=FAST)
    told = [event.data.decode().partition(" - ")[2].strip() for event in log.follow()]
    assert told[:2] == ["Launching requested ML instances", "Preparing the instances for training"]
    assert len(told) == 5


def test_steps_of_the_same_moment_are_told_once(aws: AwsSession) -> None:
    twins = (DOWNLOADING, replace(DOWNLOADING, message="Downloading input data"))
    log = CloudWatchLog(aws, "job-1", turns(replace(ENDED_JOB, transitions=twins)), pacing=FAST)
    assert len(list(log.follow())) == 2


class Pages:
    """CloudWatch as it is at times: with empty pages, errors, and events that come late."""

    region_name = "eu-central-1"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.tokens: list[str | None] = []

    def client(self, service: str, **settings: Any) -> "Pages":
        return self

    def get_paginator(self, operation: str) -> "Pages":
        return self

    def paginate(self, **settings: Any) -> Iterator[dict[str, Any]]:
        yield {"logStreams": [{"logStreamName": "job-1/algo-1-1700"}]}

    def get_log_events(self, nextToken: str | None = None, **settings: Any) -> dict[str, Any]:
        assert settings["startFromHead"] is True
        self.tokens.append(nextToken)
        answer = self.answers.pop(0) if self.answers else (nextToken, [])
        if isinstance(answer, Exception):
            raise answer
        token, messages = answer
        return {"nextForwardToken": token, "events": [{"timestamp": NOW, "message": each} for each in messages]}


def test_an_empty_page_is_not_the_end(aws: AwsSession) -> None:
    pages = Pages(("a", ["one"]), ("b", []), ("c", []), ("d", ["two"]), ("d", []))
    log = CloudWatchLog(AwsSession(session=pages), "job-1", turns(ENDED_JOB), pacing=FAST)
    assert output_of(log) == ["one\n", "two\n"]
    assert pages.tokens == [None, "a", "b", "c", "d", "d", "d"]


def test_late_events_are_waited_for(aws: AwsSession) -> None:
    pages = Pages(("a", ["one"]), ("a", []), ("a", []), ("b", ["late"]), ("b", []))
    log = CloudWatchLog(AwsSession(session=pages), "job-1", turns(ENDED_JOB), pacing=FAST)
    assert output_of(log) == ["one\n", "late\n"]


def test_nothing_is_lost_or_doubled_by_errors(aws: AwsSession) -> None:
    def error(code: str, status: int) -> ClientError:
        answer = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return ClientError(answer, "GetLogEvents")  # type: ignore[arg-type]

    pages = Pages(
        ("a", ["one"]),
        error("ThrottlingException", 400),
        ("b", ["two"]),
        error("InternalFailure", 500),
        error("ExpiredTokenException", 400),
        ("c", ["three"]),
    )
    aws = AwsSession(session=lambda: pages, pause_seconds=0)
    assert output_of(CloudWatchLog(aws, "job-1", turns(ENDED_JOB), pacing=FAST)) == ["one\n", "two\n", "three\n"]


def test_a_reader_can_go_on_at_a_position() -> None:
    events = [LogEvent(b"abc\n", 1), LogEvent(b"de\n", 2, has_metrics=False)]
    assert list(skip_bytes(iter(events), 0)) == events
    assert list(skip_bytes(iter(events), 4)) == events[1:]
    assert list(skip_bytes(iter(events), 5)) == [LogEvent(b"e\n", 2, has_metrics=False)]
    assert list(skip_bytes(iter(events), 99)) == []
