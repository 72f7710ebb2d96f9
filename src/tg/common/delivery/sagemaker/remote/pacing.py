"""How often AWS is polled."""

from dataclasses import dataclass, replace

# How many logs are polled per second; with fewer jobs, each is polled at its usual intervals.
_LOGS_PER_SECOND = 20


@dataclass(frozen=True)
class Pacing:
    """How often a job on SageMaker is polled, such that many jobs stay below AWS's limits.

    AWS allows, for an account and region, 25 GetLogEvents and 25 DescribeLogStreams a second.

    Attributes:
        status_seconds: Between two polls of its state.
        log_seconds: Between two polls of its log.
        quiet_seconds: Between the last polls of an ended job's log: two without anything new end it.
        drain_seconds: How long such a log is read at most, unless something is known to be missing.
        search_seconds: Between two searches for log streams while there are fewer than machines.
        streams_seconds: Between two later searches for more of them.
        create_seconds: Between two tries to create a job while a quota is exhausted.
        patience_seconds: How long credentials, network or AWS may be unavailable before a job is given up.
        list_seconds: Between two listings of all jobs of a shared account.
        listing_pause_seconds: How long jobs are described one by one after a listing that has failed.
        late_seconds: How long what is missing of a completed job's log is waited for.
        described_jobs: A shared account with fewer jobs describes each of them instead.
    """

    status_seconds: float = 4
    log_seconds: float = 1
    quiet_seconds: float = 4
    drain_seconds: float = 60
    search_seconds: float = 2
    streams_seconds: float = 20
    create_seconds: float = 60
    patience_seconds: float = 900
    list_seconds: float = 10
    listing_pause_seconds: float = 120
    late_seconds: float = 300
    described_jobs: int = 8

    def among(self, jobs: int) -> "Pacing":
        """Returns the pacing of each log when this many are followed at the same time."""
        if jobs <= _LOGS_PER_SECOND:
            return self
        turn = jobs / _LOGS_PER_SECOND
        return replace(
            self,
            log_seconds=max(self.log_seconds, turn),
            search_seconds=max(self.search_seconds, 2 * turn),
            streams_seconds=max(self.streams_seconds, 4 * turn),
            drain_seconds=max(self.drain_seconds, 8 * turn),
        )
