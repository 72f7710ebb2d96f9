"""A log in CloudWatch is read until it is whole; what is missing is read again, waited for, and said."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.aws.call_rates import CallRates
from tg.common.delivery.sagemaker.aws.clock import Clock
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.contract.log_size import LogCounter, format_log_end
from tg.common.delivery.sagemaker.remote.cloudwatch_log import CloudWatchLog
from tg.common.delivery.sagemaker.remote.state import JobDescription

JOB = JobDescription("job-1", "", "Completed")
LINES = ["one", "###METRIC###loss:0.5###", "three", "four"]


class JumpingClock(Clock):
    """Waiting takes no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return event.is_set()


@dataclass
class Streams:
    """CloudWatch with events that can be read from some moment on; each stands where it was written."""

    clock: Clock
    events: dict[str, list[tuple[float, int, str]]] = field(default_factory=dict)
    reads: int = 0
    region_name: str = "eu-central-1"

    def put(self, stream: str, *messages: str, at: float = 0, first_ms: int = 0) -> None:
        """Puts events a millisecond apart, which can be read from a moment on."""
        self.events.setdefault(stream, []).extend((at, first_ms + i, text) for i, text in enumerate(messages))

    def client(self, service: str, **settings: Any) -> "Streams":
        return self

    def get_paginator(self, operation: str) -> "Streams":
        return self

    def paginate(self, **settings: Any) -> Iterator[dict[str, Any]]:
        names = [name for name, events in self.events.items() if any(at <= self.clock.monotonic() for at, *_ in events)]
        yield {"logStreams": [{"logStreamName": name} for name in names]}

    def get_log_events(self, logStreamName: str, nextToken: str = "-1", **settings: Any) -> dict[str, Any]:
        self.reads += 1
        found = sorted((ms, text) for at, ms, text in self.events[logStreamName] if at <= self.clock.monotonic())
        page = [{"timestamp": ms, "message": text} for ms, text in found if ms > int(nextToken)]
        return {"events": page, "nextForwardToken": str(page[-1]["timestamp"]) if page else nextToken}


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def streams(clock: JumpingClock) -> Streams:
    return Streams(clock)


def end_of(*lines: str) -> str:
    """The last line of a job that has written these."""
    counter = LogCounter()
    counter.feed("".join(f"{line}\n" for line in lines).encode())
    return format_log_end(counter.size).decode()


def told_of(*lines: str, host: str = "algo-1") -> Mapping[str, Any]:
    counter = LogCounter()
    counter.feed("".join(f"{line}\n" for line in lines).encode())
    return {"host": host, **counter.size.to_json()}


def open_log(streams: Streams, job: JobDescription = JOB, told: Mapping[str, Any] | None = None) -> CloudWatchLog:
    aws = AwsSession(session=streams, rates=CallRates({}, streams.clock))
    return CloudWatchLog(aws, "job-1", lambda: job, ask_results=lambda: told)


def read(log: CloudWatchLog) -> list[str]:
    return [event.data.decode().removesuffix("\n") for event in log.follow()]


def test_a_log_ends_with_its_last_line(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", *LINES, end_of(*LINES))
    log = open_log(streams)
    assert read(log) == LINES
    assert (log.has_told(), log.find_missing(None)) == (True, None)
    assert clock.now == 0  # without that line, it takes two looks of four seconds


def test_a_last_line_that_comes_late_is_waited_for(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", *LINES[:3])
    streams.put("job-1/algo-1-1700", LINES[3], end_of(*LINES), at=70, first_ms=10)
    log = open_log(streams, told=told_of(*LINES))
    assert read(log) == LINES
    assert log.find_missing(told_of(*LINES)) is None
    assert 70 <= clock.now < 140


def test_events_that_come_late_before_others_are_read_again(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", LINES[0], at=0)
    streams.put("job-1/algo-1-1700", LINES[1], at=30, first_ms=5)
    streams.put("job-1/algo-1-1700", LINES[2], LINES[3], end_of(*LINES), at=0, first_ms=10)
    log = open_log(streams)
    assert read(log) == [LINES[0], LINES[2], LINES[3], LINES[1]]
    assert log.find_missing(None) is None
    assert 30 <= clock.now < 80


def test_equal_lines_of_one_moment_are_all_counted(streams: Streams) -> None:
    streams.events["job-1/algo-1-1700"] = [
        (0, 1, "same"),
        (0, 1, "same"),
        (30, 1, "same"),
        (0, 2, end_of(*["same"] * 3)),
    ]
    log = open_log(streams)
    assert read(log) == ["same"] * 3
    assert log.find_missing(None) is None


def test_what_stays_away_is_said_after_some_minutes(
    streams: Streams, clock: JumpingClock, capsys: pytest.CaptureFixture[str]
) -> None:
    streams.put("job-1/algo-1-1700", LINES[0], LINES[2], end_of(*LINES))
    log = open_log(streams)
    assert read(log) == [LINES[0], LINES[2]]
    assert log.find_missing(None) == "2 of its 4 lines are here"
    assert 300 <= clock.now < 330
    assert streams.reads < 40
    assert capsys.readouterr().out.count("is not whole: 2 of its 4 lines are here; waiting up to 5 minutes") == 1


def test_a_job_without_any_stream(streams: Streams, clock: JumpingClock) -> None:
    log = open_log(streams, told=told_of(*LINES))
    assert read(log) == []
    assert log.find_missing(told_of(*LINES)) == (
        "0 of its 4 lines are here, as CloudWatch has no log stream of it; may the job's role do logs:CreateLogStream "
        "and logs:PutLogEvents?"
    )
    assert log.find_missing(told_of()) is None
    assert log.find_missing(None) is None


def test_a_stream_that_comes_late_is_found(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", *LINES, end_of(*LINES), at=100)
    log = open_log(streams, told=told_of(*LINES))
    assert read(log) == LINES
    assert log.find_missing(None) is None
    assert 100 <= clock.now < 200


@pytest.mark.parametrize("told", [None, DeliveryError("access is denied")])
def test_a_job_that_says_nothing_of_its_log_is_read_as_before(
    streams: Streams, clock: JumpingClock, told: Exception | None
) -> None:
    def ask() -> None:
        if told is not None:
            raise told

    streams.put("job-1/algo-1-1700", *LINES)
    log = replace(open_log(streams), ask_results=ask)
    assert read(log) == LINES
    assert log.find_missing(None) is None
    assert clock.now == 8


def test_a_job_that_could_not_note_the_length_of_its_log_is_not_known_to_be_whole(streams: Streams) -> None:
    streams.put("job-1/algo-1-1700", *LINES)
    log = open_log(streams)
    read(log)
    assert log.find_missing({}) == "its last line, which says how long it is, is not here"


def test_a_failed_job_is_not_waited_for(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", LINES[0], end_of(*LINES))
    assert read(open_log(streams, replace(JOB, status="Failed"))) == [LINES[0]]
    assert clock.now == 8


def test_each_machine_says_how_long_its_log_is(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-1700", *LINES, end_of(*LINES))
    streams.put("job-1/algo-2-1700", *LINES[:2], end_of(*LINES))
    streams.put("job-1/algo-3-1700", *LINES)
    log = open_log(streams, replace(JOB, instance_count=4))
    assert len(read(log)) == 10
    assert log.find_missing(told_of(*LINES)) == (
        "algo-2: 2 of its 4 lines are here; algo-3: its last line, which says how long it is, is not here; algo-4: 0 "
        "of its lines are here, as CloudWatch has no log stream of it; may the job's role do logs:CreateLogStream and "
        "logs:PutLogEvents?"
    )


def test_a_machine_that_was_restarted_says_it_in_its_last_stream(streams: Streams, clock: JumpingClock) -> None:
    streams.put("job-1/algo-1-900", "before")
    streams.put("job-1/algo-1-1700", *LINES, end_of(*LINES), first_ms=10)
    log = open_log(streams)
    assert read(log) == ["before", *LINES]
    assert (log.find_missing(None), clock.now) == (None, 0)


def test_a_line_that_only_looks_like_the_last_one_is_output(streams: Streams, clock: JumpingClock) -> None:
    lines = ["one", end_of("one").rstrip(), end_of("one").rstrip(), "two"]
    streams.put("job-1/algo-1-1700", *lines, end_of(*lines))
    log = open_log(streams)
    assert read(log) == lines
    assert (log.find_missing(None), clock.now) == (None, 0)


def test_what_cloudwatch_does_to_lines_is_no_loss(streams: Streams) -> None:
    written = ["a" * 300_000, "", "  ", "5%\r 9%", "###METRIC###loss:1###"]
    streams.put(
        "job-1/algo-1-1700", "a" * 262_118, "a" * 37_882, "5%#015 9%", "###METRIC###loss:1###", end_of(*written)
    )
    log = open_log(streams)
    read(log)
    assert log.find_missing(None) is None
