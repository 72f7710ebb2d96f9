"""Judges what a launcher has left of a training whose calls went wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.integration.seams.snapshot import Snapshot, take_snapshot

# The tags that say what a run lacks.
_STORY = ("not_uploaded", "missing", "missing_log", "registered")
# How `tg-mlflow status` says that a run has no launcher.
_OF_NOBODY = ("no process of this machine records it", "the process that was to start its job is gone")


@dataclass(frozen=True)
class Remains:
    """What there is when a launcher has ended, and how to go on.

    Attributes:
        client: Reaches the store, without any fault.
        experiment_id: Where the runs are.
        exit_code: The launcher's; ``None`` if it had to be killed.
        output: All that it has said.
        jobs: The states of its jobs, such as ``going on``, ``completed`` or ``stopped``; a job that has been tidied
            away has none.
        keeps_jobs: Whether the place keeps jobs whose runs are complete.
        command: Runs ``tg-mlflow`` without any fault; returns the exit code and what it says.
        folder: Where files may go.
    """

    client: MlflowClient
    experiment_id: str
    exit_code: int | None
    output: str
    jobs: list[str]
    keeps_jobs: bool
    command: Callable[..., tuple[int | None, str]]
    folder: Path


@dataclass(frozen=True)
class Verdict:
    """One cell of the table.

    Attributes:
        word: What is so, in a few words.
        faults: What must not be so; empty if all is well.
    """

    word: str
    faults: list[str] = field(default_factory=list)


def judge(remains: Remains, whole: Snapshot) -> Verdict:
    """Judges by one rule: nothing is lost without a word, no healthy job is stopped, and no run stays open unsaid.

    Args:
        remains: What there is.
        whole: What an undisturbed run has.
    """
    if remains.exit_code is None:
        return Verdict("stuck", ["the launcher does not end"])
    runs = remains.client.search_runs([remains.experiment_id])
    _, _, trace = remains.output.partition("Traceback (most recent call last)")
    faults = ["a traceback"] if "/tg_mlflow/" in trace else []  # others are MLflow's own, after we have ended
    if len(remains.jobs) > 1:
        faults.append(f"there are {len(remains.jobs)} jobs")
    if len(runs) > 1:
        return Verdict(f"{len(runs)} runs", [*faults, "there are two runs"])
    if not runs:
        faults += ["exit 0 without a run"] if remains.exit_code == 0 else []
        faults += [f"a job without a run: {remains.jobs}"] if remains.jobs else []
        return Verdict("no run, no job", faults)
    (run,) = runs
    if "stopped" in remains.jobs and run.info.status != "FINISHED":  # otherwise it was being cleared away
        faults.append("a healthy job was stopped")
    judged = {"FINISHED": _judge_finished, "FAILED": _judge_failed, "KILLED": _judge_killed}
    verdict = judged.get(run.info.status, _judge_open)(remains, run, whole)
    return Verdict(verdict.word, faults + verdict.faults)


def _judge_finished(remains: Remains, run: Run, whole: Snapshot) -> Verdict:
    lost = whole.list_losses(take_snapshot(remains.client, run.info.run_id, remains.folder))
    story = " ".join(run.data.tags.get(f"tg.{name}", "") for name in _STORY)
    if f"tg-mlflow attach {run.info.run_id}" in story:
        return _complete(remains, run, whole, "FINISHED, says what it lacks")
    if not lost:
        tells = "remove it with" in remains.output
        kept = remains.exit_code == 0 and remains.jobs and not (remains.keeps_jobs or tells)
        return Verdict(
            "FINISHED, whole" if remains.exit_code == 0 else "FINISHED, whole; exit 1",
            [f"a job is kept: {remains.jobs}"] if kept else [],
        )
    unsaid = [each for each in lost if not is_said(each, story)]
    if unsaid:
        return Verdict("FINISHED, not whole", [f"lost without a word in the run: {', '.join(unsaid)}"])
    return Verdict("FINISHED, says what it lacks: " + ", ".join(lost))


def is_said(loss: str, said: str) -> bool:
    """Whether a run says what it lacks: the package with its digest, and a dataset, are called so."""
    return loss.partition(" ")[2] in said or any(word in loss and word in said for word in ("dataset", "package"))


def _judge_failed(remains: Remains, run: Run, whole: Snapshot) -> Verdict:
    faults = [] if run.data.tags.get("tg.failure_reason") else ["FAILED without a reason"]
    faults += ["FAILED with exit 0"] if remains.exit_code == 0 else []
    if run.data.metrics or remains.jobs:
        faults.append(f"FAILED, though its job is healthy: {run.data.tags.get('tg.failure_reason')}")
    return Verdict("FAILED, no job", faults)


def _judge_killed(remains: Remains, run: Run, whole: Snapshot) -> Verdict:
    return Verdict("KILLED", ["KILLED, though nobody wanted that"])


def _judge_open(remains: Remains, run: Run, whole: Snapshot) -> Verdict:
    run_id, faults = run.info.run_id, []
    if remains.exit_code == 0:
        faults.append("exit 0 with an open run")
    if not any(f"tg-mlflow {verb} {run_id}" in remains.output for verb in ("attach", "cancel", "status")):
        faults.append("it is not said what to do")
    code, said = remains.command("status", run_id)
    if code or not any(words in said for words in _OF_NOBODY):
        faults.append(f"status does not say that nobody records it: {said}")
    if run.data.metrics or remains.jobs:
        verdict = _complete(remains, run, whole, run.info.status)
        return Verdict(verdict.word, faults + verdict.faults)
    code, said = remains.command("cancel", run_id)
    status = remains.client.get_run(run_id).info.status
    if code or status != "KILLED":
        faults.append(f"cancel leaves it {status}: {said}")
    return Verdict(f"{run.info.status}, no job; cancel ends it", faults)


def _complete(remains: Remains, run: Run, whole: Snapshot, word: str) -> Verdict:
    code, said = remains.command("attach", run.info.run_id)
    status = remains.client.get_run(run.info.run_id).info.status
    faults = [] if (code, status) == (0, "FINISHED") else [f"attach ends with {code}, {status}: {said[-600:]}"]
    lost = whole.list_losses(take_snapshot(remains.client, run.info.run_id, remains.folder))
    faults += [f"attach does not bring: {', '.join(lost)}; it says: {said}"] if lost else []
    return Verdict(f"{word}; attach completes it", faults)
