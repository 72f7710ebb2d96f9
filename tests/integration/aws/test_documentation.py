"""What the README and docs/ say of SageMaker works as it is printed, against an emulated AWS."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.aws_emulator import AwsEmulator
from tests.documentation import Reader, Story, stories
from tests.integration.aws.backend_support import Job, states_of
from tests.support import all_runs


@pytest.mark.parametrize("story", stories("aws"), ids=lambda story: story.name)
def test_a_page_does_what_it_says(
    story: Story, store: MlflowClient, simulated_aws: AwsEmulator, job: Job, tmp_path: Path
) -> None:
    job.may_end.set()
    reader = Reader(tmp_path / "story", {})
    reader.read(story)
    (run,) = all_runs(store)  # none of the dry run
    assert (run.info.status, run.data.tags["tg.place"]) == ("FINISHED", "tg-sagemaker"), reader.output
    assert "loss" in run.data.metrics
    assert states_of(simulated_aws) == ["Completed"]
    assert '"TrainingJobName"' in reader.output
