"""The states of many jobs: one listing covers all, and only changed jobs are described individually."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ....errors import DeliveryError
from ....logger import Logger
from ..aws.call_rates import CallRates
from ..aws.errors import is_denied
from ..aws.session import AwsSession
from ..executor.job_state import JobStatus
from .pacing import Pacing
from .state import JobDescription, build_remote_state
from .training_job import describe_job

_PAGE = 100
# A listing ends when it has found all jobs, and here at the latest.
_MOST_PAGES = 40
# A job that this many listings have missed is described individually.
_MOST_MISSES = 3
_DESCRIBE = "DescribeTrainingJob"


@dataclass(frozen=True)
class _Summary:
    """A listing's entry of a job; two equal entries of a job mean that nothing has changed."""

    arn: str
    status: str
    secondary_status: str
    modified: Any


@dataclass
class _Entry:
    job_id: str
    summary: _Summary | None = None
    description: JobDescription | None = None
    described: _Summary | None = None  # the listing's entry then
    misses: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_known(self) -> bool:
        """Whether the description is as recent as the listing."""
        return self.description is not None and self.described == self.summary

    @property
    def is_final(self) -> bool:
        return self.summary is not None and self.merge().is_final

    def merge(self) -> JobDescription:
        """Returns the description, with the status of the listing."""
        known = self.description or JobDescription(self.job_id, "", "")
        if self.summary is None or self.is_known:
            return known
        summary = self.summary
        secondary_status = summary.secondary_status or known.secondary_status
        return replace(known, arn=summary.arn, status=summary.status, secondary_status=secondary_status)


class JobBoard:
    """Provides the states of jobs to many threads; it has none of its own.

    A thread that finds the last listing too old makes the next one, while the others use the present one. Few jobs are
    not listed, nor are many if listing is not permitted, or not possible at the moment: each is described on request. A
    job is watched from the first query until its end is completely known, which is kept.

    Args:
        aws: The account.
        pacing: How old a listing may be.
        rates: Tells whether a call would have to wait.
    """

    def __init__(self, aws: AwsSession, pacing: Pacing, rates: CallRates) -> None:
        self._aws = aws
        self._pacing = pacing
        self._rates = rates
        self._entries: dict[str, _Entry] = {}
        self._ended: dict[str, JobDescription] = {}
        self._listed: dict[str, _Summary] = {}
        self._listed_at = float("-inf")
        self._is_denied = False
        self._listing_again_at = float("-inf")
        self._lock = threading.Lock()
        self._listing = threading.Lock()

    def describe(self, job_id: str) -> JobDescription | None:
        """Returns SageMaker's full description of a job; ``None`` if there is none.

        Raises:
            JobUnreachableError: As :meth:`AwsSession.follow` does, like the methods below.
        """

        def read(entry: _Entry) -> JobDescription | None:
            with entry.lock:
                return entry.description if entry.is_known and entry.summary else self._describe(entry)

        return self._answer(job_id, read)

    def glance(self, job_id: str) -> JobDescription | None:
        """Returns a job's state by the listing, with the reason if it has not completed."""

        def read(entry: _Entry) -> JobDescription | None:
            job = entry.merge()
            if entry.summary is None or not job.secondary_status or job.status in ("Failed", "Stopped"):
                return self.describe(job_id)
            return job

        return self._answer(job_id, read)

    def wait_for_news(self, job_id: str) -> JobDescription | None:
        """Returns a job's state by the listing, and more if a call need not wait now."""

        def read(entry: _Entry) -> JobDescription | None:
            if entry.summary is None or (not entry.is_known and self._rates.delay_of(_DESCRIBE) == 0):
                return self.describe(job_id)
            return entry.merge()

        return self._answer(job_id, read)

    def statuses(self) -> dict[str, JobStatus]:
        """Returns the listed status of each job that was ever queried; waits for no description."""
        with self._lock:
            entries, ended = list(self._entries.values()), dict(self._ended)
        if self._is_listing and entries:
            self._list(entries[0])
        elif not self._is_listing:
            for each in entries:
                self._describe(each)
        known = {each.job_id: each.merge() for each in entries if each.summary or each.description}
        return {name: build_remote_state(job).status for name, job in {**known, **ended}.items()}

    def _answer(self, job_id: str, read: Callable[[_Entry], JobDescription | None]) -> JobDescription | None:
        """Returns a job's kept end, the result of ``read`` on the listing, or else a new description."""
        if job_id in self._ended:
            return self._ended[job_id]
        entry = self._enter(job_id)
        if not self._is_listing:
            return self._describe(entry)
        self._list(entry)
        return read(entry)

    @property
    def _is_listing(self) -> bool:
        is_crowd = len(self._entries) >= self._pacing.described_jobs
        return is_crowd and not self._is_denied and self._aws.clock.monotonic() >= self._listing_again_at

    @property
    def _is_old(self) -> bool:
        return self._aws.clock.monotonic() - self._listed_at >= self._pacing.list_seconds

    def _enter(self, job_id: str) -> _Entry:
        with self._lock:
            if job_id not in self._entries:
                self._entries[job_id] = _Entry(job_id, self._listed.get(job_id))
            return self._entries[job_id]

    def _describe(self, entry: _Entry) -> JobDescription | None:
        summary = entry.summary
        job = self._aws.follow(entry.job_id, lambda: describe_job(self._aws, entry.job_id))
        entry.description, entry.described = job, summary
        if job is None or job.is_final:
            with self._lock:
                self._entries.pop(entry.job_id, None)
                if job is not None:
                    self._ended[entry.job_id] = job
        return job

    def _list(self, entry: _Entry) -> None:
        """Keeps the listing recent; waits for it only if it does not have the job yet."""
        is_new = entry.summary is None and entry.description is None
        if not is_new and not self._is_old:
            return
        if not self._listing.acquire(blocking=is_new):
            if self._aws.clock.monotonic() - self._listed_at > self._pacing.patience_seconds:
                entry.summary = None  # the listing thread hangs: describe each job by itself
            return
        try:
            # Another thread may have listed them meanwhile, or have given that up.
            if self._is_old and self._is_listing:
                self._refresh()
        except DeliveryError as e:
            self._give_up_listing(e)
            entry.summary = None
            return
        finally:
            self._listing.release()
        entry.summary = entry.summary or self._listed.get(entry.job_id)

    def _refresh(self) -> None:
        """Lists the newest jobs of the account until all on the board are found."""
        started = self._aws.clock.monotonic()
        listed: dict[str, _Summary] = {}
        token: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = self._aws.call("the training jobs cannot be listed", partial(self._get_page, token))
            for each in page["TrainingJobSummaries"]:
                name = each["TrainingJobName"]
                listed[name] = _Summary(
                    each["TrainingJobArn"],
                    each["TrainingJobStatus"],
                    each.get("SecondaryStatus", ""),
                    each.get("LastModifiedTime"),
                )
                self._note(name, listed[name])
            missing = self._find_missing(listed)
            if not missing or not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        self._listed, self._listed_at = listed, started
        for entry in missing:
            entry.misses += 1
            entry.summary = None  # so that it is described individually

    def _give_up_listing(self, problem: DeliveryError) -> None:
        """Lets each job be looked at by itself: for some minutes, or for good if a permission is missing."""
        self._is_denied = problem.__cause__ is not None and is_denied(problem.__cause__)
        self._listing_again_at = self._aws.clock.monotonic() + self._pacing.listing_pause_seconds
        if self._is_denied:
            why = "without sagemaker:ListTrainingJobs, each job is looked at by itself"
        else:
            why = f"for {self._pacing.listing_pause_seconds / 60:g} minutes, each job is looked at by itself"
        Logger.warning(f"{problem}; {why}, which is slower")

    def _get_page(self, token: dict[str, str]) -> Any:
        client = self._aws.client("sagemaker")
        # Not sorted by their last change: AWS then answers with many empty pages and throttling
        # (https://github.com/aws/aws-sdk/issues/486).
        return client.list_training_jobs(SortBy="CreationTime", SortOrder="Descending", MaxResults=_PAGE, **token)

    def _note(self, job_id: str, summary: _Summary) -> None:
        self._listed[job_id] = summary
        with self._lock:
            entry = self._entries.get(job_id)
        if entry is not None:
            entry.summary, entry.misses = summary, 0

    def _find_missing(self, listed: Mapping[str, _Summary]) -> list[_Entry]:
        """Returns the running jobs that are not listed yet, including new ones."""
        with self._lock:
            entries = list(self._entries.values())
        return [e for e in entries if e.job_id not in listed and not e.is_final and e.misses < _MOST_MISSES]
