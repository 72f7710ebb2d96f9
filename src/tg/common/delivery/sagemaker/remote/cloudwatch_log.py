"""Follows a job's log in CloudWatch: the output of all its machines, and the steps of the job itself."""

import heapq
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..aws.errors import error_code
from ..aws.session import AwsSession
from ..contract.log_event import LogEvent
from .pacing import Pacing
from .state import JobDescription, StatusTransition

GROUP = "/aws/sagemaker/TrainingJobs"
LEADER = "algo-1"

_BEFORE_MACHINES = ("Starting", "Pending", "LaunchingMLInstances")
# How long after a job's end its log may still grow.
_LATE_SECONDS = 600
# A page with fewer characters is not full: CloudWatch returns up to 10,000 events and 1 MB.
_FULL_PAGE = 100_000


@dataclass
class _Stream:
    name: str
    host: str
    token: str | None = None

    def read(self, log: "CloudWatchLog", is_brief: bool) -> Iterator[LogEvent]:
        """Yields new events; a page without events is not the end, a repeated token is.

        Args:
            log: The log of this stream.
            is_brief: Whether to stop at a page that is not full.
        """
        while True:
            page = log.aws.follow(log.job_id, lambda: self._get_page(log.aws))
            for event in page["events"]:
                yield _build_event(event, self.host, log.all_hosts)
            if page["nextForwardToken"] == self.token:
                return
            self.token = page["nextForwardToken"]
            if is_brief and sum(len(event["message"]) for event in page["events"]) < _FULL_PAGE:
                return

    def _get_page(self, aws: AwsSession) -> Any:
        token = {} if self.token is None else {"nextToken": self.token}
        client = aws.client("logs")
        return client.get_log_events(logGroupName=GROUP, logStreamName=self.name, startFromHead=True, **token)


def _build_event(event: dict[str, Any], host: str, all_hosts: bool) -> LogEvent:
    is_leader = host == LEADER
    prefix = "" if is_leader else f"{host} | "
    text = event["message"].removesuffix("\n")
    return LogEvent(f"{prefix}{text}\n".encode(), event["timestamp"], has_metrics=is_leader or all_hosts)


@dataclass
class CloudWatchLog:
    """The log of one job, read from its beginning.

    Attributes:
        aws: The account.
        job_id: The job.
        describe: Returns the job's description, at least its status.
        describe_end: Returns the complete description of an ended job; by default ``describe``.
        all_hosts: Whether the metrics of all machines count.
        pacing: How often it is polled.
        crowd: Returns how many logs are followed at the same time; with many, each is polled less often.
    """

    aws: AwsSession
    job_id: str
    describe: Callable[[], JobDescription]
    all_hosts: bool = False
    pacing: Pacing = field(default_factory=Pacing)
    crowd: Callable[[], int] = lambda: 1
    describe_end: Callable[[], JobDescription] | None = None
    _streams: list[_Stream] = field(default_factory=list)
    _told: set[StatusTransition] = field(default_factory=set)

    def follow(self, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the output of all machines and the job's own steps, in chronological order as far as known.

        It ends when the job has ended and nothing new has arrived for a while: logs may be late.

        Args:
            follow: Whether to wait for more output.

        Raises:
            KeyboardInterrupt: If the session is interrupted while this waits.
        """
        self._look()
        searched_at = -math.inf
        while True:
            job = self._job
            is_last = not follow or (job.is_final and self._ended_long_ago(job))
            is_crowd = self._pace is not self.pacing
            # Among many, an ended job's streams are only searched for once more: at the very end.
            is_due = self.aws.clock.monotonic() - searched_at >= self._search_seconds(job)
            if is_due and not (is_crowd and job.is_final and self._streams and not is_last):
                self._find_streams()
                searched_at = self.aws.clock.monotonic()
            yield from self._read(job, is_brief=is_crowd and not is_last)
            if not follow:
                return
            if job.is_final:
                if not is_last:
                    yield from self._drain(job)
                if self.describe_end is not None:
                    yield from self._tell_steps(self.describe_end())
                return
            self._wait()

    @property
    def _pace(self) -> Pacing:
        return self.pacing.among(self.crowd())

    def _look(self) -> None:
        self._job, self._looked_at = self.describe(), self.aws.clock.monotonic()

    def _wait(self) -> None:
        """Waits for the next poll of the log, or for the job's end."""
        end = self.aws.clock.monotonic() + self._pace.log_seconds
        while not self._job.is_final and (left := end - self.aws.clock.monotonic()) > 0:
            self.aws.pause(min(left, self.pacing.status_seconds))
            if self.aws.clock.monotonic() - self._looked_at >= self.pacing.status_seconds:
                self._look()

    def _search_seconds(self, job: JobDescription) -> float:
        """Returns how long after a search for streams the next one is due."""
        if job.is_final:
            return 0
        steps = [each.status for each in job.transitions] or [job.secondary_status]
        if all(each in _BEFORE_MACHINES for each in steps):
            return math.inf  # nothing can write yet
        restarts = sum(each.status == "Restarting" for each in job.transitions)
        is_complete = len(self._streams) >= job.instance_count * (1 + restarts)
        return self._pace.streams_seconds if is_complete else self._pace.search_seconds

    def _ended_long_ago(self, job: JobDescription) -> bool:
        end_ms = max((each.start_ms for each in job.transitions), default=0)
        return end_ms > 0 and self.aws.clock.time() - end_ms / 1000 > _LATE_SECONDS

    def _drain(self, job: JobDescription) -> Iterator[LogEvent]:
        deadline, quiet = self.aws.clock.monotonic() + self._pace.drain_seconds, 0
        while quiet < 2 and self.aws.clock.monotonic() < deadline:
            # One poll after twice the usual time is as good as two.
            looks = 1 if self._pace is self.pacing else 2
            self.aws.pause(self.pacing.quiet_seconds * looks)
            self._find_streams()
            quiet += looks
            for event in self._read(job):
                quiet = 0
                yield event

    def _read(self, job: JobDescription, is_brief: bool = False) -> Iterator[LogEvent]:
        steps = self._tell_steps(job)
        streams = [each.read(self, is_brief) for each in self._streams]
        return heapq.merge(steps, *streams, key=lambda event: event.time_ms)

    def _tell_steps(self, job: JobDescription) -> list[LogEvent]:
        return [self._build_step(each) for each in job.transitions if self._is_new(each)]

    def _is_new(self, step: StatusTransition) -> bool:
        is_new = step not in self._told
        self._told.add(step)
        return is_new

    @staticmethod
    def _build_step(step: StatusTransition) -> LogEvent:
        moment = datetime.fromtimestamp(step.start_ms / 1000, timezone.utc)
        return LogEvent(f"{moment:%Y-%m-%d %H:%M:%S} {step}\n".encode(), step.start_ms, has_metrics=False)

    def _find_streams(self) -> None:
        for name in self.aws.follow(self.job_id, self._list_streams):
            host = re.fullmatch(rf"{re.escape(self.job_id)}/(algo-\d+)(-.*)?", name)
            if host is not None and name not in {each.name for each in self._streams}:
                self._streams.append(_Stream(name, host[1]))

    def _list_streams(self) -> list[str]:
        from botocore.exceptions import ClientError

        pages = self.aws.client("logs").get_paginator("describe_log_streams")
        try:
            found = pages.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{self.job_id}/algo-")
            return sorted(each["logStreamName"] for page in found for each in page["logStreams"])
        except ClientError as e:
            if error_code(e) == "ResourceNotFoundException":
                return []  # before an account's first job there is no group
            raise
