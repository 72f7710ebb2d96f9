"""``examples/sagemaker_tuner``, run as a user runs it: its jobs train in real containers and are runs in MLflow."""

import importlib.util
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Sequence

import boto3
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.aws_emulator import AwsEmulator
from tests.documentation import stories
from tests.integration.aws.backend_support import artifacts_of
from tests.integration.aws.test_sagemaker_backend import build_options, example, trained_metrics
from tests.launcher import END_SECONDS
from tests.processes import wait_for
from tests.support import ROOT, ProjectFolder, all_runs
from tests.warm import WarmPopen

__all__ = ["build_options", "example"]

C = "model_provider.constructor.kwargs.C:float"
MAX_ITER = "model_provider.constructor.kwargs.max_iter:int"
SOLVER = "model_provider.constructor.kwargs.solver"


SCRIPT = ROOT / "examples" / "sagemaker_tuner" / "tune.py"


def load_main() -> Callable[[Sequence[str]], None]:
    spec = importlib.util.spec_from_file_location("tune", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Callable[[Sequence[str]], None] = module.main
    return main


def split_runs(store: MlflowClient) -> tuple[Run, list[Run]]:
    """The parent and its children, these in the order of the names of their jobs."""
    runs = all_runs(store)
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1
    return parent, sorted(children, key=lambda run: str(run.info.run_name))


def test_each_job_of_the_tuner_is_a_run(
    example: ProjectFolder, aws: AwsEmulator, store: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    (story,) = stories("aws", [SCRIPT.parent / "README.md"])
    prepare, tune = map(shlex.split, story.commands)
    assert prepare == ["python", "../breast_cancer/prepare_data.py"]  # as the fixture has done
    assert tune[:2] == ["python", "tune.py"]
    load_main()(["--project", str(example.path), *tune[2:]])
    parent, children = split_runs(store)
    name = parent.info.run_name
    assert name is not None
    assert re.fullmatch(r"breast-cancer-\d{10}", name)
    assert [each.name for each in aws.jobs] == [run.info.run_name for run in children]
    assert [each.status for each in aws.jobs] == ["Completed"] * 3
    tuner = boto3.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert tuner["HyperParameterTuningJobStatus"] == "Completed"
    objective = {"Type": "Maximize", "MetricName": "roc_auc_score_test"}
    assert tuner["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"] == objective

    listed = boto3.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )["TrainingJobSummaries"]
    values = {each["TrainingJobName"]: each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in listed}
    for number, (run, job) in enumerate(zip(children, aws.jobs, strict=True), 1):
        assert re.fullmatch(rf"{name}-00{number}-[0-9a-f]{{8}}", job.name)
        given = dict(job.request["HyperParameters"])
        assert given.pop("_tuning_objective_metric") == "roc_auc_score_test"
        assert set(given) == {C, MAX_ITER, SOLVER}
        assert 1e-4 <= float(given[C]) <= 100
        assert 100 <= int(given[MAX_ITER]) <= 1000
        assert given[SOLVER] in ("lbfgs", "liblinear")
        assert run.data.params == given
        assert run.info.status == "FINISHED"
        assert set(trained_metrics(run)) == {
            "accuracy_score_test",
            "accuracy_score_train",
            "roc_auc_score_test",
            "roc_auc_score_train",
        }
        # SageMaker has the same value, in single precision.
        assert values[job.name] == pytest.approx(run.data.metrics["roc_auc_score_test"], rel=1e-6)
        made = {"environment.json", "figures", "logs", "package", "result", "tables", "task.json"}
        assert artifacts_of(store, run) == made
        assert run.data.tags["tg.job_id"] == job.name
        assert run.data.tags["mlflow.source.type"] == "PROJECT"
    assert len({each.request["AlgorithmSpecification"]["TrainingImage"] for each in aws.jobs}) == 1
    assert len({run.data.metrics["roc_auc_score_train"] for run in children}) > 1  # what was tuned has come to the task

    assert parent.info.status == "FINISHED"
    best = tuner["BestTrainingJob"]["TrainingJobName"]
    assert parent.data.tags["tg.best_name"] == best
    assert parent.data.metrics["roc_auc_score_test"] == pytest.approx(max(values.values()), rel=1e-6)
    assert parent.data.metrics["tg.sweep_finished"] == 3
    assert {"sweep/summary.csv", "sweep/summary.json"} <= artifacts_of(store, parent, "sweep")
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == f"The best is {best}; all are below run {parent.info.run_id}"
    assert f"{name} is InProgress: " in output
    assert f"{name} is Completed: " in output


def test_ctrl_c_stops_the_tuner_and_its_jobs(example: ProjectFolder, aws: AwsEmulator, store: MlflowClient) -> None:
    aws.faults.hold_ends()
    command = [str(SCRIPT), "--project", str(example.path), "--max-jobs", "9"]
    with WarmPopen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            # Both train, and both are recorded.
            wait_for(lambda: [job.secondary_status for job in aws.jobs] == ["Uploading"] * 2, 120)
            wait_for(lambda: sum("roc_auc_score_test" in run.data.metrics for run in all_runs(store)) == 2)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=END_SECONDS)
        finally:
            process.kill()
    assert process.returncode != 0, output
    parent, children = split_runs(store)
    assert (parent.info.status, [run.info.status for run in children]) == ("KILLED", ["KILLED"] * 2), output
    assert [job.status for job in aws.jobs] == ["Stopped"] * 2
    tuner = boto3.client("sagemaker").describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=str(parent.info.run_name)
    )
    assert tuner["HyperParameterTuningJobStatus"] == "Stopped"
