"""How often AWS is asked."""

from dataclasses import dataclass


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
    """

    status_seconds: float = 4
    log_seconds: float = 1
    quiet_seconds: float = 4
    drain_seconds: float = 60
    search_seconds: float = 2
    streams_seconds: float = 20
    create_seconds: float = 60
    patience_seconds: float = 900
