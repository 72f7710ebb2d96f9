import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common import DeliveryError
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.sagemaker import (
    Autonamer,
    ConfiguredExecutor,
    SagemakerAttachedExecutor,
    SagemakerConfig,
    SagemakerJob,
    SagemakerLocalExecutor,
    SagemakerOptions,
    SagemakerProcessExecutor,
    SagemakerRemoteExecutor,
    format_job_name,
)
from tg.common.delivery.sagemaker.job_files.job_folder import build_job_id
from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment

# Amazon SageMaker API reference, CreateTrainingJob, TrainingJobName; the length is a limit of its own.
PATTERN = re.compile(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\Z")


class Task(AbstractTrainingTask):
    def __init__(self, learning_rate: float) -> None:
        super().__init__()
        self.learning_rate = learning_rate

    def run_with_environment(self, data: object, environment: TrainingEnvironment) -> None:
        environment.log(str(self.learning_rate))


def deliver(task: AbstractTrainingTask) -> SagemakerConfig:
    job = SagemakerJob(task)
    packaging = Packaging("SomeTask", "0", {"job": job})
    options = SagemakerOptions(None, None, "titanic", "datasets")
    return SagemakerConfig(job, packaging, Containering.from_packaging(packaging), options)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LR1-NS10-5", "LR1-NS10-5-7f"),
        ("titanic-LR0.1", "titanic-LR0p1-7f"),
        ("LR1e-05", "LR1e-05-7f"),
        ("LR1e+16", "LR1e16-7f"),
        ("X=-2", "X-2-7f"),
        ("K='a b'", "K-a-b-7f"),
        ("Größe_2", "Gro-e-2-7f"),
        ("--a__b--", "a-b-7f"),
        ("v.1", "v-1-7f"),
        ("火", "job-7f"),
        ("", "job-7f"),
        ("n" * 60 + "-ab", "n" * 60 + "-7f"),
        ("n" * 59 + "-ab", "n" * 59 + "-7f"),
    ],
)
def test_names_are_spelt_readably(name: str, expected: str) -> None:
    assert format_job_name(name, "7f") == expected


@pytest.mark.parametrize("unique", ["", "-a", "a-", "a_b", "é", "a\n", "a" * 41])
def test_a_unique_part_that_cannot_be_kept_is_refused(unique: str) -> None:
    with pytest.raises(DeliveryError, match=r"^the unique part of a job's name is .*; give at most 40 letters"):
        format_job_name("a", unique)


@given(
    st.one_of(st.text(max_size=100), st.text("aA1-_.é ", max_size=100)),
    st.from_regex(r"[a-zA-Z0-9]+(-{1,2}[a-zA-Z0-9]+){0,3}", fullmatch=True).filter(lambda text: len(text) <= 40),
)
def test_every_name_is_one_for_sagemaker_and_keeps_its_unique_part(name: str, unique: str) -> None:
    made = format_job_name(name, unique)
    assert PATTERN.match(made)
    assert len(made) <= 63
    assert made.endswith(f"-{unique}")


def test_ids_of_jobs_with_the_same_name_differ() -> None:
    ids = {build_job_id("titanic-LR0.1-" + "x" * 80) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"titanic-LR0p1-x{20}-\d{4}(-\d\d){5}-[0-9a-f]{8}", each) for each in ids)


@pytest.mark.parametrize(
    "place", [SagemakerAttachedExecutor, SagemakerProcessExecutor, SagemakerLocalExecutor, SagemakerRemoteExecutor]
)
def test_jobs_are_called_as_their_runs_everywhere(place: Callable[[SagemakerConfig], ConfiguredExecutor[Any]]) -> None:
    first, _ = Autonamer(Task).build_tasks(learning_rate=[0.1, 1])
    assert re.fullmatch(r"titanic-LR0p1-\d{4}(-\d\d){5}-[0-9a-f]{8}", place(deliver(first)).build_job_id())
    assert re.fullmatch(r"sometask-\d{4}(-\d\d){5}-[0-9a-f]{8}", place(deliver(Task(0.1))).build_job_id())
