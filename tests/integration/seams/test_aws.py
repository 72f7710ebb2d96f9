"""Calls to AWS: whatever becomes of one, nothing is lost without a word, and no healthy job is stopped."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.aws_emulator import AwsEmulator
from tests.aws_emulator.api_call import ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.integration.aws.backend_support import MLPROJECT, READY_NAME, TASKS
from tests.integration.seams.aws_scene import ENDLESS_SECONDS, AwsJobs, AwsScene, away, denied, expired
from tests.integration.seams.faults import Fault, OrderedFault
from tests.integration.seams.later import AttachScene, CancelScene
from tests.integration.seams.walk import assert_nothing_is_lost, order_turns
from tests.support import ProjectFolder


@pytest.fixture
def jobs() -> Iterator[AwsJobs]:
    jobs = AwsJobs()
    with AwsEmulator(jobs) as jobs.aws:
        yield jobs


class AttachToAws(AttachScene, AwsScene):
    """Attaches where AWS goes wrong."""


class CancelAtAws(CancelScene, AwsScene):
    """Cancels where AWS goes wrong."""


def order(calls: Sequence[str], refuse: Callable[[ApiCall], ApiError]) -> list[OrderedFault]:
    """Orders what costs little: what a job outlives for all calls at once, the rest in turns."""
    start = calls.index("sagemaker:CreateTrainingJob") + 1
    shared = [OrderedFault(Fault.ONCE, None, calls[:start])]
    if refuse is not away:
        return shared
    return [*shared, OrderedFault(Fault.LOST, None), *order_turns(calls[start::8], [Fault.HANGS, Fault.EVER])]


@pytest.mark.parametrize(
    ("refuse", "title"),
    [(away, "AWS is away (503)"), (denied, "access is denied"), (expired, "the token has expired")],
    ids=["away", "denied", "expired"],
)
def test_nothing_is_lost_of_a_training_on_sagemaker(
    project: ProjectFolder,
    tmp_path: Path,
    empty_store: Path,
    jobs: AwsJobs,
    refuse: Callable[[ApiCall], ApiError],
    title: str,
) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"image_uri": READY_NAME, "dataset": "points.parquet"}))
    scene = AwsScene(project.path, tmp_path, jobs.aws, jobs, empty_store, refuse)
    assert_nothing_is_lost(f"tg-sagemaker: {title}", scene, partial(order, refuse=refuse))


def test_nothing_is_lost_by_attach(project: ProjectFolder, tmp_path: Path, empty_store: Path, jobs: AwsJobs) -> None:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"image_uri": READY_NAME, "dataset": "points.parquet", "detach": True}))
    scene = AttachToAws(project.path, tmp_path, jobs.aws, jobs, empty_store, expired)
    assert_nothing_is_lost(
        "tg-mlflow attach: the token has expired",
        scene,
        lambda calls: [OrderedFault(Fault.ONCE, None)],
    )


def test_nothing_is_lost_by_cancel(project: ProjectFolder, tmp_path: Path, empty_store: Path, jobs: AwsJobs) -> None:
    jobs.seconds = ENDLESS_SECONDS
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    project.write("tg.json", json.dumps({"image_uri": READY_NAME, "dataset": "points.parquet", "detach": True}))
    scene = CancelAtAws(project.path, tmp_path, jobs.aws, jobs, empty_store)
    assert_nothing_is_lost(
        "tg-mlflow cancel: AWS is away", scene, lambda calls: [OrderedFault(Fault.ONCE, None)], word="KILLED, whole"
    )
