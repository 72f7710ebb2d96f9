"""What is said of a clock that differs from AWS's, and whose policies decide on a caller."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from tg_mlflow.diagnosis import Finding, Outcome
from tg_mlflow.places.sagemaker_checks import find_principal, list_sagemaker_checks
from tg_mlflow.places.sagemaker_config import RemoteConfig

THERE = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)


def find_clock(monkeypatch: pytest.MonkeyPatch, there: datetime | None, ahead_seconds: float) -> Finding:
    monkeypatch.setattr("tg_mlflow.places.sagemaker_checks.read_server_time", lambda aws: there)
    monkeypatch.setattr("time.time", lambda: THERE.timestamp() + ahead_seconds)
    checks = {each.name: each for each in list_sagemaker_checks(RemoteConfig(), Path())}
    return checks["clock"].look()


@pytest.mark.parametrize(
    ("ahead_seconds", "outcome", "said"),
    [
        (59, Outcome.OK, "as AWS's, within a minute"),
        (90, Outcome.WARNING, "90 s ahead of AWS's; from 300 s on, AWS refuses all calls"),
        (-400, Outcome.PROBLEM, "400 s behind AWS's, and AWS refuses calls from 300 s on"),
    ],
)
def test_clocks(monkeypatch: pytest.MonkeyPatch, ahead_seconds: int, outcome: Outcome, said: str) -> None:
    found = find_clock(monkeypatch, THERE, ahead_seconds)
    assert (found.outcome, found.found) == (outcome, said)
    assert (found.remedy is None) == (outcome is Outcome.OK)


def test_an_answer_without_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_clock(monkeypatch, None, 0) == Finding.skipped("not checked, as AWS has not told the time")


def test_docker_is_needed_only_to_build_an_image() -> None:
    names = [each.name for each in list_sagemaker_checks(RemoteConfig(image_uri="an/image:1"), Path())]
    all_names = [each.name for each in list_sagemaker_checks(RemoteConfig(), Path())]
    assert all_names[len(names) :] == ["image repository", "Docker", "platform", "Docker's disk", "base image"]


@pytest.mark.parametrize(
    ("caller", "principal"),
    [
        ("arn:aws:iam::123456789012:user/team/ann", "arn:aws:iam::123456789012:user/team/ann"),
        ("arn:aws:sts::123456789012:assumed-role/Trainer/ann", "arn:aws:iam::123456789012:role/Trainer"),
        ("arn:aws-cn:sts::123456789012:assumed-role/Trainer/a", "arn:aws-cn:iam::123456789012:role/Trainer"),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
    ],
)
def test_whose_policies_decide(caller: str, principal: str) -> None:
    assert find_principal(caller) == principal
