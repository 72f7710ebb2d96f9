"""What the trainings of a sweep say that is stopped."""

import pytest

from tests.memory_server import MemoryClient
from tests.tg_mlflow.memory_jobs import make_executor
from tg.common import JobStoppedError
from tg_mlflow.sweeps.trainer import SweepTrainer
from tg_mlflow.tracking.lifecycle import ending_run


def test_trainings_of_a_sweep_that_is_stopped_say_why_also_those_that_come_too_late() -> None:
    client = MemoryClient()
    parent = client.create_run("7")
    trainer = SweepTrainer(client, make_executor(), parent)
    runs = [client.create_run("7").info.run_id for _ in range(2)]
    trainer._add_run(runs[0])
    trainer.stop(reason="C1 has failed, and stop_on_failure is set")
    trainer._add_run(runs[1])
    for run_id in runs:
        with pytest.raises(JobStoppedError), ending_run(client, run_id):
            raise JobStoppedError("job j has stopped: it was stopped")
        assert (
            client.get_run(run_id)
            .data.tags["tg.stop_reason"]
            .startswith(
                f"its sweep, run {parent.info.run_id}, was stopped: C1 has failed, and stop_on_failure is set, 2"
            )
        )
