"""How often AWS is asked."""

from dataclasses import dataclass, replace

# So many logs are looked at in a second, and each at the usual times as long as there are no more jobs.
_LOGS_PER_SECOND = 20


@dataclass(frozen=True)
class Pacing:
    """How often a job on SageMaker is looked at; so seldom that many jobs keep below AWS's limits.

    AWS allows, for an account and region, 25 GetLogEvents and 25 DescribeLogStreams a second.

    Attributes:
        status_seconds: Between two looks at its state.
        log_seconds: Between two looks at its log.
        quiet_seconds: Between the last looks at the log of a job that has ended: two without anything new end it.
        drain_seconds: So long such a log is read at most.
        search_seconds: Between two looks for log streams while there are fewer than machines.
        streams_seconds: Between two looks for more of them later.
        create_seconds: Between two tries to create a job while a quota is used up.
        patience_seconds: So long credentials, network or AWS may be away before a job is given up.
        list_seconds: Between two listings, which tell how all jobs of a shared account stand.
        described_jobs: A shared account with fewer jobs looks at each of them instead.
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
    described_jobs: int = 8

    def among(self, jobs: int) -> "Pacing":
        """The pace for each log when so many are followed at the same time."""
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
