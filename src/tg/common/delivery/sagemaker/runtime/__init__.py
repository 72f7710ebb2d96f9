"""What runs in the job itself: its start, the task's environment, and the handling of worker processes.

It knows the contract, the archive and its own package, but neither executors nor options, Docker or AWS: a container
imports what is here.
"""

from typing import TYPE_CHECKING

from ....lazy_names import lazy_names

_HOMES = {
    "refuse_in_starting_worker": ".starting_workers",
    "SagemakerJob": ".job",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from .job import SagemakerJob as SagemakerJob
    from .starting_workers import refuse_in_starting_worker as refuse_in_starting_worker
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
