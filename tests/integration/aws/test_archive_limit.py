"""Result archives that are too large for the tracking server; jobs are functions here, and need no Docker."""

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.backend_support import Job, artifacts_of, the_run, train
from tests.integration.aws.support import BUCKET
from tests.support import ProjectFolder


@pytest.mark.parametrize(("limit", "is_logged"), [(0, False), (1, True)])
def test_a_large_archive_stays_where_it_is(
    small_project: ProjectFolder, simulated_aws: AwsEmulator, job: Job, store: MlflowClient, limit: int, is_logged: bool
) -> None:
    job.may_end.set()
    assert train(small_project, store, log={"archive_limit_mb": limit}).get_status() == "FINISHED"
    run = the_run(store)
    assert ("result" in artifacts_of(store, run)) is is_logged
    assert {"package", "task.json", "logs"} <= artifacts_of(store, run)
    place = f"s3://{BUCKET}/sagemaker/points/output/{run.data.tags['tg.job_id']}/output/model.tar.gz"
    assert run.data.tags["tg.result_uri"] == place
