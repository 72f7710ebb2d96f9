"""What the remote executor asks of a job that is there; whole jobs are run by the integration tests."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from tests.common.delivery.sagemaker.aws.account import Account, set_running, stop_here
from tg.common import DeliveryError, ResultArchiveError
from tg.common.delivery.sagemaker import (
    JobState,
    JobStatus,
)


def test_a_job_is_cancelled_and_waited_for(account: Account) -> None:
    stopped = stop_here(account)
    executor = account.make()
    executor.submit("points-1")
    set_running(account, "points-1")
    assert executor.status("points-1") == JobState(JobStatus.RUNNING)
    executor.cancel("points-1")
    assert executor.status("points-1") == JobState(JobStatus.STOPPED, None, "it was stopped")
    executor.cancel("points-1")
    assert stopped == ["points-1"]


def test_a_job_that_is_not_there(account: Account) -> None:
    executor = account.make()
    for ask in (executor.status, executor.cancel, executor.load_result, executor.facts):
        with pytest.raises(DeliveryError) as caught:
            ask("points-1")
        assert str(caught.value) == (
            "there is no job 'points-1' in eu-central-1 of account 123456789012; check the id, region and profile"
        )
    executor.discard("points-1")


def test_results_are_loaded_by_the_jobs_name_alone(account: Account, tmp_path: Path) -> None:
    account.make().submit("points-1")
    account.put_result("points-1")
    executor = Account(tmp_path).make()
    with executor.load_result("points-1") as archive:
        assert archive.get_path("runs/text").read_text() == "a result"
        assert archive.path == tmp_path / "jobs" / "points-1" / "model.tar.gz"

    other = Account(tmp_path)
    with other.make().load_result("points-1"):
        assert "GetObject" not in other.calls
    account.put_result("points-1", "another result")
    with other.make().load_result("points-1") as archive:
        assert archive.get_path("runs/text").read_text() == "another result"
    executor.discard("points-1")
    assert list((tmp_path / "jobs").iterdir()) == []


def test_results_that_are_not_there(account: Account) -> None:
    executor = account.make()
    executor.submit("points-1")
    with pytest.raises(ResultArchiveError) as caught:
        executor.load_result("points-1")
    assert str(caught.value) == "job 'points-1' has no results: it has completed without an archive"
    set_running(account, "points-1")
    with pytest.raises(ResultArchiveError) as caught:
        executor.load_result("points-1")
    assert str(caught.value) == "job 'points-1' is running; wait for its end, or cancel it"
    account.jobs["points-1"].training_job_status = "Failed"
    account.jobs["points-1"].failure_reason = "AlgorithmError: no rows"
    with pytest.raises(ResultArchiveError) as caught:
        executor.load_result("points-1")
    assert str(caught.value) == "job 'points-1' has no results: AlgorithmError: no rows"


def test_facts_of_a_job(account: Account) -> None:
    executor = account.make()
    executor.submit("points-1")
    account.jobs["points-1"].training_time_in_seconds = 200
    account.jobs["points-1"].billable_time_in_seconds = 50
    account.jobs["points-1"].enable_managed_spot_training = True
    account.put_result("points-1")
    facts = executor.facts("points-1")
    assert facts.tags["result_uri"] == "s3://pail/sagemaker/points/output/points-1/output/model.tar.gz"
    assert facts.tags["console_url"] == executor.console_url("points-1")
    assert {name: facts.metrics[name] for name in ("training_seconds", "billable_seconds", "spot_saving")} == {
        "training_seconds": 200,
        "billable_seconds": 50,
        "spot_saving": 0.75,
    }
    assert facts.metrics["result_bytes"] > 100


def test_a_life_is_told(account: Account) -> None:
    executor = account.make()
    executor.submit("points-1")
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    account.jobs["points-1"].secondary_status_transitions = [
        {"Status": "Downloading", "StartTime": start, "StatusMessage": "Downloading the training image"}
    ]
    (event,) = executor.logs("points-1")
    assert event.data == b"2026-01-02 03:04:05 Downloading - Downloading the training image\n"
    assert [each.data for each in executor.logs("points-1", position=11)] == [
        b"03:04:05 Downloading - Downloading the training image\n"
    ]
