"""The traits of an executor's jobs, for code that follows them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """How jobs of an executor behave. The defaults are those of a job in a process or container of this machine.

    Attributes:
        may_queue: Whether a job may wait for a machine before it starts.
        repeats_logs: Whether :meth:`Executor.logs` yields the same bytes each time, so that a position in them stays
            valid.
        is_in_process: Whether a job runs in the process that submits it, so that jobs take turns.
        needs_credentials: Whether following a job needs the variables that hold its account's credentials.
        needs_local_dataset: Whether the dataset has to be on this machine when a job is submitted.
        keeps_results: Whether a job's results remain available after :meth:`Executor.discard`.
        is_found_anywhere: Whether other machines can find the job by its id, too.
        starts_at_once: Whether a job that can be seen has been started. Otherwise its traces may be those of a start
            that was cut short.
        has_own_machine: Whether a job has a machine to itself that was chosen for it, and may be too large.
        takes_checkpoints: Whether a job can begin with the checkpoints of another one, as ``start_checkpoints`` of its
            options asks for it.
    """

    may_queue: bool = False
    repeats_logs: bool = True
    is_in_process: bool = False
    needs_credentials: bool = False
    needs_local_dataset: bool = True
    keeps_results: bool = False
    is_found_anywhere: bool = False
    starts_at_once: bool = False
    has_own_machine: bool = False
    takes_checkpoints: bool = False
