"""Has SageMaker's own tuner search the hyperparameters of a project, and records each of its jobs in MLflow."""

import argparse
import json
import os
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow

from tg.common.delivery.sagemaker import AccountOptions, RemoteExecutor
from tg.common.delivery.sagemaker.tuning.delivery import deliver_training
from tg.common.delivery.sagemaker.tuning.ranges import NumberRange, check_ranges
from tg.common.delivery.sagemaker.tuning.request import build_tuning_request
from tg_mlflow.delivery.project_training import ProjectTraining
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project
from tg_mlflow.sweeps.existing_job import create_job_run, record_job
from tg_mlflow.sweeps.report.summary import log_sweep_summary
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.lifecycle import ending_run
from tg_mlflow.training.creation import create_run

METRIC = "roc_auc_score_test"
CONSTRUCTOR = "model_provider.constructor.kwargs"
RANGES = {
    f"{CONSTRUCTOR}.C:float": NumberRange(1e-4, 100, "Logarithmic"),
    f"{CONSTRUCTOR}.max_iter:int": NumberRange(100, 1000),
    f"{CONSTRUCTOR}.solver": ["lbfgs", "liblinear"],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Tunes, and shows how each training has ended."""
    options = parse_arguments(arguments)
    project = read_project(options.project)
    config = load_config(RemoteConfig, project.folder, {})
    params = project.resolve_parameters("main", {})
    command = project.build_command("main", params)
    client = TrackingClient(mlflow.get_tracking_uri(), find_secrets(params, project, command, config))
    experiment = os.environ.get("MLFLOW_EXPERIMENT_ID", "0")
    name = f"{project.name.replace('_', '-')[:20]}-{datetime.now():%m%d%H%M%S}"

    with ProjectTraining(project, command).delivering(config) as delivery:
        check_ranges(delivery.job.task, RANGES)
        executor = RemoteExecutor(AccountOptions(config.region, config.profile))
        executor.upload_dataset(delivery.options)
        request = build_tuning_request(
            name,
            deliver_training(executor, executor.plan(delivery, name)),
            RANGES,
            metric=METRIC,
            max_jobs=options.max_jobs,
            max_parallel=options.max_parallel,
            strategy=options.strategy,
            random_seed=options.seed,
        )
        run_id = create_run(client, experiment, project, "main", config.place, name)
        with ending_run(client, run_id):
            parent, futures = client.get_run(run_id), []
            with ThreadPoolExecutor(2 * options.max_parallel) as pool, closing(run_tuner(executor, request)) as jobs:
                for job_id, tuned in jobs:
                    job = create_job_run(client, parent, executor, job_id, tuned, config, delivery.options)
                    futures.append(pool.submit(record_job, client, job, read_numbers(tuned)))
            results = [future.result() for future in futures]
            log_sweep_summary(client, run_id, experiment, results, METRIC, "max", dict.fromkeys(RANGES, ()))
            for each in results:
                print(f"{each.name}  {each.status:8}  {each.metrics.get(METRIC)}  {json.dumps(each.parameters)}")
            if not any(each.status == "FINISHED" for each in results):
                raise SystemExit("No training has succeeded; their runs say why")
    print(f"The best is {client.get_run(run_id).data.tags.get('tg.best_name')}; all are below run {run_id}")


def run_tuner(
    executor: RemoteExecutor, request: Mapping[str, Any]
) -> Generator[tuple[str, Mapping[str, str]], None, None]:
    """Starts the tuner and gives each of its jobs with what the tuner has chosen, until all have ended.

    When it is interrupted or closed before, the tuner is stopped, and its jobs with it.
    """
    aws, name = executor.aws, request["HyperParameterTuningJobName"]
    known = {"HyperParameterTuningJobName": name}
    aws.call(
        f"the tuner {name!r} cannot be created",
        lambda: aws.client("sagemaker").create_hyper_parameter_tuning_job(**request),
    )
    try:
        seen: set[str] = set()
        said = ""
        while True:
            # First the state: what it has created until its end is in the list then.
            state = aws.follow(name, lambda: aws.client("sagemaker").describe_hyper_parameter_tuning_job(**known))
            for job in aws.follow(name, lambda: list_jobs(aws.client("sagemaker"), known)):
                if job["TrainingJobName"] not in seen:
                    seen.add(job["TrainingJobName"])
                    yield job["TrainingJobName"], job["TunedHyperParameters"]
            news = f"{name} is {state['HyperParameterTuningJobStatus']}: {state['TrainingJobStatusCounters']}"
            if news != said:
                print(news, state.get("FailureReason", ""))
                said = news
            if state["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping"):
                return
            aws.pause(executor.pacing.list_seconds)
    except BaseException:
        aws.call(
            f"the tuner {name!r} cannot be stopped",
            lambda: aws.client("sagemaker").stop_hyper_parameter_tuning_job(**known),
        )
        raise


def list_jobs(sagemaker: Any, known: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Lists the tuner's jobs, in the order in which they were created."""
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        **known, SortBy="CreationTime", SortOrder="Ascending"
    )
    return [job for page in pages for job in page["TrainingJobSummaries"]]


def read_numbers(tuned: Mapping[str, str]) -> dict[str, Any]:
    """Reads numbers from the tuner's texts, for plots."""

    def read(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            return text

    return {name: read(text) for name, text in tuned.items()}


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, default=Path(__file__).parent.parent / "breast_cancer")
    parser.add_argument("--max-jobs", type=int, default=10)
    parser.add_argument("--max-parallel", type=int, default=2)
    parser.add_argument("--strategy", default="Bayesian")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
