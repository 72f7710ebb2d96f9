"""Commands that come to a job later, when nobody records it: they meet the faults, and not what has started the job."""

from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.integration.seams.haste import CALM_VARIABLE, PATIENCE_SECONDS
from tests.integration.seams.scene import Scene
from tests.integration.seams.snapshot import Snapshot, take_snapshot
from tests.integration.seams.verdict import Remains, Verdict, is_said
from tests.processes import wait_for

_BEGIN_SECONDS = 60


class AttachScene(Scene):
    """Attaches to a job that a command has started and left; before a scene of a place.

    The project's ``tg.json`` has ``detach``.
    """

    def prepare(self, folder: Path, words: Sequence[str], variables: dict[str, str]) -> Sequence[str]:
        run = self._leave(words, variables)
        self.note_job(folder, run.data.tags["tg.job_id"])
        return ["tg-mlflow", "attach", run.info.run_id]

    def _leave(self, words: Sequence[str], variables: dict[str, str]) -> Run:
        code, output = self.run(words, {**variables, CALM_VARIABLE: "1"})
        assert code == 0, output
        (run,) = MlflowClient(variables["MLFLOW_TRACKING_URI"]).search_runs([variables["MLFLOW_EXPERIMENT_ID"]])
        return run


class CancelScene(AttachScene):
    """Cancels such a job when it has said all that it says before its end; for one that waits then.

    The run of one that is cancelled has what was said.
    """

    def prepare(self, folder: Path, words: Sequence[str], variables: dict[str, str]) -> Sequence[str]:
        run = self._leave(words, variables)
        job_id = run.data.tags["tg.job_id"]
        self.note_job(folder, job_id)
        wait_for(lambda: self.has_begun(folder, job_id), _BEGIN_SECONDS)
        return ["tg-mlflow", "cancel", run.info.run_id]

    def judge(self, remains: Remains, whole: Snapshot) -> Verdict:
        if remains.exit_code is None:
            return Verdict("stuck", ["the command does not end"])
        faults = ["a traceback"] if "Traceback (most recent call last)" in remains.output else []
        (run,) = remains.client.search_runs([remains.experiment_id])
        word = run.info.status
        if word in ("RUNNING", "SCHEDULED"):
            if remains.exit_code == 0:
                faults.append("exit 0 with an open run")
            code, said = remains.command("cancel", run.info.run_id)
            run = remains.client.get_run(run.info.run_id)
            if (code, run.info.status) != (0, "KILLED"):
                faults.append(f"cancel ends with {code}, {run.info.status}: {said}")
            word += "; cancel ends it"
        elif word != "KILLED":
            faults.append(f"{word}, though it was to be cancelled")
        if "going on" in self.list_jobs(remains.folder):
            faults.append("the job goes on")
        lost = whole.list_losses(take_snapshot(remains.client, run.info.run_id, remains.folder))
        story = " ".join(run.data.tags.get(f"tg.{name}", "") for name in ("not_uploaded", "missing", "missing_log"))
        unsaid = [each for each in lost if not is_said(each, story)]
        faults += [f"lost without a word in the run: {', '.join(unsaid)}"] if unsaid else []
        return Verdict(f"{word}, {'says what it lacks: ' + ', '.join(lost) if lost else 'whole'}", faults)


DETACHED = '{"dataset": "points.parquet", "detach": true}'
# A job that says all, and waits to be stopped longer than anyone waits for it.
WAITING_TASKS = f"""
    import time

    from tg.common.ml.training_core import AbstractTrainingTask


    class Small(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range(5):
                environment.output_metric("loss", 1 / (step + 1), step)
            time.sleep({100 * PATIENCE_SECONDS})


    def build_task(rate: float = 0.5):
        return Small()
"""
