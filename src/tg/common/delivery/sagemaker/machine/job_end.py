"""What the folder of a job says of its end."""

from ...delivery.package.package_check import FAILURE_PREFIX
from ..archive.result_archive import COMPLETION
from ..contract.killed import explain_signal
from ..contract.ml_folder import MlFolder
from ..contract.variables import EXIT_TERMINATED
from ..executor.job_state import JobState, JobStatus
from ..job_files.job_folder import JobFolder

# The file that says that a job is to be stopped.
CANCELLED_NAME = "cancelled"

# So much of the end of a log is searched for the reason of a failure.
_LONGEST_END = 1 << 16


def judge_end(folder: JobFolder, exit_code: object) -> JobState:
    """Judges how a job has ended that ran in a process of its own.

    Args:
        folder: The job's folder.
        exit_code: The exit code of its process; anything else if nobody knows it.
    """
    ml = MlFolder(folder.ml)
    code = exit_code if isinstance(exit_code, int) else None
    if code in (0, None) and (ml.model / COMPLETION).is_file():
        return JobState(JobStatus.COMPLETED, code)
    if (folder.path / CANCELLED_NAME).exists() or code == EXIT_TERMINATED:
        return JobState(JobStatus.STOPPED, code, "it was stopped")
    if reason := _read_failure(folder):
        return JobState(JobStatus.FAILED, code, reason)
    if code is not None and code < 0:
        return JobState(JobStatus.FAILED, code, explain_signal(-code))
    return JobState(JobStatus.FAILED, code, f"it ended with exit code {code} and gave no reason")


def _read_failure(folder: JobFolder) -> str | None:
    """Returns why a job has failed; what it could not write to its file, as the disk was full, is in its log."""
    failure = MlFolder(folder.ml).failure
    if failure.is_file() and (line := failure.read_text(encoding="utf-8").partition("\n")[0]):
        return line
    if not folder.log.is_file():
        return None
    with folder.log.open("rb") as log:
        log.seek(max(0, folder.log.stat().st_size - _LONGEST_END))
        end = log.read().decode("utf-8", "replace")
    return end.rpartition(f" ERROR: {FAILURE_PREFIX}")[2].partition("\n")[0] if FAILURE_PREFIX in end else None
