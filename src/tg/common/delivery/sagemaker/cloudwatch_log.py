"""A job's log in CloudWatch: the output of all its machines and the steps of its life, while they come."""

import heapq
import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .aws_errors import error_code
from .aws_session import AwsSession
from .log_event import LogEvent
from .pacing import Pacing
from .remote_state import JobDescription, StatusTransition

GROUP = "/aws/sagemaker/TrainingJobs"
LEADER = "algo-1"

_BEFORE_MACHINES = ("Starting", "Pending", "LaunchingMLInstances")
# So long after a job's end nothing more comes into its log.
_LATE_SECONDS = 600


@dataclass
class _Stream:
    name: str
    host: str
    token: str | None = None

    def read(self, aws: AwsSession, job_id: str, all_hosts: bool, count: int) -> Iterator[LogEvent]:
        """Yields what is new; a page without events is not the end, a token that comes again is."""
        while True:
            page = aws.follow(job_id, lambda: self._get_page(aws))
            for event in page["events"]:
                yield _build_event(event, self.host, all_hosts, count)
            if page["nextForwardToken"] == self.token:
                return
            self.token = page["nextForwardToken"]

    def _get_page(self, aws: AwsSession) -> Any:
        token = {} if self.token is None else {"nextToken": self.token}
        client = aws.client("logs")
        return client.get_log_events(logGroupName=GROUP, logStreamName=self.name, startFromHead=True, **token)


def _build_event(event: dict[str, Any], host: str, all_hosts: bool, count: int) -> LogEvent:
    is_leader = host == LEADER
    prefix = "" if is_leader or count == 1 else f"{host} | "
    text = event["message"].removesuffix("\n")
    return LogEvent(f"{prefix}{text}\n".encode(), event["timestamp"], has_metrics=is_leader or all_hosts)


@dataclass
class CloudWatchLog:
    """The log of one job, read from its beginning.

    Attributes:
        aws: The account.
        job_id: The job.
        describe: Says where the job stands.
        all_hosts: Whether the metrics of all machines count.
        pacing: How often it is looked at.
    """

    aws: AwsSession
    job_id: str
    describe: Callable[[], JobDescription]
    all_hosts: bool = False
    pacing: Pacing = field(default_factory=Pacing)
    _streams: list[_Stream] = field(default_factory=list)
    _told: set[StatusTransition] = field(default_factory=set)

    def follow(self, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the output of all machines and the steps of the job's life, in the order of time as far as known.

        It ends when the job has ended and nothing new has come for a while: a log comes late at times.

        Args:
            follow: Whether to wait for more than there is now.
        """
        job, looked_at = self.describe(), time.monotonic()
        searched_at = -math.inf
        while True:
            if time.monotonic() - searched_at >= self._search_seconds(job):
                self._find_streams()
                searched_at = time.monotonic()
            yield from self._read(job)
            if not follow:
                return
            if job.is_final:
                if not self._ended_long_ago(job):
                    yield from self._drain(job)
                return
            time.sleep(self.pacing.log_seconds)
            if time.monotonic() - looked_at >= self.pacing.status_seconds:
                job, looked_at = self.describe(), time.monotonic()

    def _search_seconds(self, job: JobDescription) -> float:
        """So long after a search for streams there is another one."""
        if job.is_final:
            return 0
        if all(each.status in _BEFORE_MACHINES for each in job.transitions):
            return math.inf  # nothing can write yet
        restarts = sum(each.status == "Restarting" for each in job.transitions)
        is_complete = len(self._streams) >= job.instance_count * (1 + restarts)
        return self.pacing.streams_seconds if is_complete else self.pacing.search_seconds

    def _ended_long_ago(self, job: JobDescription) -> bool:
        end_ms = max((each.start_ms for each in job.transitions), default=0)
        return end_ms > 0 and time.time() - end_ms / 1000 > _LATE_SECONDS

    def _drain(self, job: JobDescription) -> Iterator[LogEvent]:
        deadline, quiet = time.monotonic() + self.pacing.drain_seconds, 0
        while quiet < 2 and time.monotonic() < deadline:
            time.sleep(self.pacing.quiet_seconds)
            self._find_streams()
            quiet += 1
            for event in self._read(job):
                quiet = 0
                yield event

    def _read(self, job: JobDescription) -> Iterator[LogEvent]:
        steps = [self._build_step(each) for each in job.transitions if self._is_new(each)]
        streams = [each.read(self.aws, self.job_id, self.all_hosts, job.instance_count) for each in self._streams]
        return heapq.merge(steps, *streams, key=lambda event: event.time_ms)

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
