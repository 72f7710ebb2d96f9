"""Follows a job's log in CloudWatch: the output of all its machines, and the steps of the job itself."""

import heapq
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ....errors import DeliveryError
from ....logger import Logger
from ..aws.errors import error_code
from ..aws.session import AwsSession
from ..contract.log_event import JobStep, LogEvent
from .log_streams import GROUP, LogStream, find_missing, has_told
from .pacing import Pacing
from .state import JobDescription, StatusTransition

_BEFORE_MACHINES = ("Starting", "Pending", "LaunchingMLInstances")
# How long after a job's end its log may still grow.
_LATE_SECONDS = 600


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
        ask_results: Returns what the results of a completed job say of its log, as ``ResultArchive.log_size`` does.
        read_bytes: How much has been yielded.
    """

    aws: AwsSession
    job_id: str
    describe: Callable[[], JobDescription]
    all_hosts: bool = False
    pacing: Pacing = field(default_factory=Pacing)
    crowd: Callable[[], int] = lambda: 1
    describe_end: Callable[[], JobDescription] | None = None
    ask_results: Callable[[], Mapping[str, Any] | None] = lambda: None
    read_bytes: int = 0
    _streams: list[LogStream] = field(default_factory=list)
    _told: set[StatusTransition] = field(default_factory=set)
    _job: JobDescription = field(init=False)
    _looked_at: float = field(init=False)

    def follow(self, follow: bool = True) -> Iterator[LogEvent]:
        """Yields the output of all machines and the job's own steps, in chronological order as far as known.

        Logs may be late. It ends when the job has ended and its log is whole, as the last line of each machine says;
        without these lines, when nothing new has arrived for a while. What is missing then of a completed job's log is
        waited for longer.

        Args:
            follow: Whether to wait for more output.

        Raises:
            KeyboardInterrupt: If the session is interrupted while this waits.
        """
        for event in self._follow(follow):
            self.read_bytes += len(event.data)
            yield event

    def has_told(self) -> bool:
        """Returns whether each machine's last line, which says how much there is, has been read."""
        return has_told(self._streams, self._job.instance_count)

    def find_missing(self, told: Mapping[str, Any] | None) -> str | None:
        """Says what is missing of what has been read of an ended job; ``None`` if nothing is.

        Args:
            told: What the job's results say of its log.
        """
        return find_missing(self._streams, self._job.instance_count, told)

    def _follow(self, follow: bool) -> Iterator[LogEvent]:
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
                    self._job = self.describe_end()
                    yield from self._tell_steps(self._job)
                if not is_last and self._job.status == "Completed":
                    yield from self._wait_for_missing()
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
        restarts = max(steps.count("Interrupted"), steps.count("Restarting"))
        is_complete = len(self._streams) >= job.instance_count * (1 + restarts)
        return self._pace.streams_seconds if is_complete else self._pace.search_seconds

    def _ended_long_ago(self, job: JobDescription) -> bool:
        end_ms = max((each.start_ms for each in job.transitions), default=0)
        return end_ms > 0 and self.aws.clock.time() - end_ms / 1000 > _LATE_SECONDS

    def _drain(self, job: JobDescription) -> Iterator[LogEvent]:
        deadline, quiet = self.aws.clock.monotonic() + self._pace.drain_seconds, 0
        while quiet < 2 and self.aws.clock.monotonic() < deadline and not self._is_whole():
            # One poll after twice the usual time is as good as two.
            looks = 1 if self._pace is self.pacing else 2
            self.aws.pause(self.pacing.quiet_seconds * looks)
            self._find_streams()
            quiet += looks
            for event in self._read(job):
                quiet = 0
                yield event

    def _is_whole(self) -> bool:
        return self.has_told() and self.find_missing(None) is None

    def _wait_for_missing(self) -> Iterator[LogEvent]:
        """Reads again what is missing of a completed job's log, at growing intervals, as CloudWatch may be late."""
        try:
            told = None if self.has_told() else self.ask_results()
        except DeliveryError:
            return  # who needs the results is told why there are none
        deadline = self.aws.clock.monotonic() + self.pacing.late_seconds
        pause, is_said = self.pacing.quiet_seconds, False
        while (missing := self.find_missing(told)) is not None:
            for stream in self._streams:
                yield from stream.read_late()
            left = deadline - self.aws.clock.monotonic()
            if self.find_missing(told) is None or left <= 0:
                return
            if not is_said:
                is_said = True
                Logger.warning(
                    f"The log of job {self.job_id!r} is not whole: {missing}; waiting up to "
                    f"{self.pacing.late_seconds / 60:g} minutes for the rest"
                )
            self.aws.pause(min(pause, left))
            pause *= 2
            self._find_streams()

    def _read(self, job: JobDescription, is_brief: bool = False) -> Iterator[LogEvent]:
        steps = self._tell_steps(job)
        streams = [each.read(is_brief) for each in self._streams]
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
        line = f"{moment:%Y-%m-%d %H:%M:%S} {step}\n".encode()
        return LogEvent(line, step.start_ms, has_metrics=False, step=JobStep(step.status, step.message))

    def _find_streams(self) -> None:
        for name in self.aws.follow(self.job_id, self._list_streams):
            host = re.fullmatch(rf"{re.escape(self.job_id)}/(algo-\d+)(-.*)?", name)
            if host is not None and name not in {each.name for each in self._streams}:
                attempt = 1 + sum(each.host == host[1] for each in self._streams)
                self._streams.append(LogStream(self.aws, self.job_id, name, host[1], attempt, self.all_hosts))

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
