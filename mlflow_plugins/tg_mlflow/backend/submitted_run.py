"""The handle of a run that MLflow gets."""

from mlflow.exceptions import ExecutionException
from mlflow.projects.submitted_run import SubmittedRun


class EndedRun(SubmittedRun):
    """A run that has ended before MLflow gets this handle, or whose job goes on without this process.

    Args:
        run_id: The MLflow run's id.
        status: The run's status, such as ``FAILED``; ``RUNNING`` if the job goes on by itself.
        failure: Why it failed, in one line; ``None`` if it did not.
        raises: Whether :meth:`wait` raises the failure, which shows its reason, or returns ``False``.
    """

    def __init__(self, run_id: str, status: str, failure: str | None = None, raises: bool = False) -> None:
        super().__init__()
        self._run_id = run_id
        self._status = status
        self._failure = failure
        self._raises = raises

    @property
    def run_id(self) -> str:
        """The MLflow run's id."""
        return self._run_id

    def wait(self) -> bool:
        """Returns whether the training succeeded.

        Raises:
            ExecutionException: With the reason, if it failed and this run was asked to raise.
        """
        if self._failure is not None and self._raises:
            raise ExecutionException(self._failure)
        return self._failure is None

    def get_status(self) -> str:
        """Returns the run's status."""
        return self._status

    def cancel(self) -> None:
        """Does nothing: the run has ended, or is stopped with ``tg-mlflow cancel``."""
