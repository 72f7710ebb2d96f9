"""Which trainings a sweep has."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support import ProjectFolder
from tg_mlflow.errors import BackendConfigError, ProjectError
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.project import read_project
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.plan import plan_sweep

MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters:
          learning_rate: {type: float, default: 1.0}
          network_size: {default: "[10]"}
          optimizer: {default: adam}
        command: "tg-mlflow train tasks:build_task lr={learning_rate} size={network_size} optimizer={optimizer}"
"""


@pytest.fixture
def swept(project: ProjectFolder) -> ProjectFolder:
    project.write("MLproject", MLPROJECT)
    return project


def plan(folder: ProjectFolder, given: dict[str, Any] | None = None, **config: Any) -> list[SweepMember]:
    return plan_sweep(read_project(folder.path), "main", given or {}, ProcessConfig(**config))


def test_each_combination_is_a_training(swept: ProjectFolder) -> None:
    members = plan(
        swept, {"optimizer": "sgd"}, sweep={"learning_rate": [0.1, 1], "network_size": [[10], [10, 5]], "part.C": [2]}
    )
    assert [each.name for each in members] == ["LR0.1-NS10", "LR0.1-NS10-5", "LR1-NS10", "LR1-NS10-5"]
    second = members[1]
    assert second.combination == {"learning_rate": 0.1, "network_size": [10, 5], "part.C": 2}
    assert second.params == {"learning_rate": "0.1", "network_size": "[10, 5]", "optimizer": "sgd"}
    assert isinstance(second.make_task, partial)
    command = second.make_task.args[0]
    assert command.arguments == {"lr": "0.1", "size": "[10, 5]", "optimizer": "sgd"}
    assert second.config.hyperparameters == {"part.C": 2}


def test_a_sample_depends_on_its_seed_alone(swept: ProjectFolder) -> None:
    grid = {"learning_rate": list(range(1, 1001)), "network_size": [[size] for size in range(1, 1001)]}
    first = plan(swept, sweep=grid, sweep_samples=3)
    assert [each.combination for each in first] == [
        each.combination for each in plan(swept, sweep=grid, sweep_samples=3)
    ]
    assert len({each.name for each in first}) == 3
    other = plan(swept, sweep=grid, sweep_samples=3, sweep_seed=1)
    assert [each.combination for each in other] != [each.combination for each in first]
    assert len(plan(swept, sweep={"learning_rate": [1, 2]}, sweep_samples=5)) == 2


@pytest.mark.parametrize(
    ("given", "config", "message"),
    [
        ({}, {"sweep": {"learning_rate": []}}, "sweep has no values for 'learning_rate'; give a list such as [0.1, 1]"),
        (
            {"learning_rate": "2"},
            {"sweep": {"learning_rate": [1]}},
            "'learning_rate' is swept and given, too; leave out one",
        ),
        (
            {},
            {"sweep": {"part.C": [1]}, "hyperparameters": {"part.C": 2}},
            "'part.C' is swept and among hyperparameters, too; leave out one",
        ),
        (
            {},
            {"sweep": {"learning_rate": list(range(200)), "network_size": list(range(200))}},
            "sweep has 40,000 combinations, more than 10,000; choose some with sweep_samples",
        ),
        ({}, {"sweep": {"learning_rate": [1]}, "detach": True}, "detach does not go with sweep; leave out one"),
    ],
)
def test_a_sweep_that_cannot_be(
    swept: ProjectFolder, given: dict[str, Any], config: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendConfigError) as caught:
        plan(swept, given, **config)
    assert str(caught.value) == message


def test_a_parameter_that_the_entry_point_does_not_know(swept: ProjectFolder) -> None:
    with pytest.raises(ProjectError, match=r"parameter 'learning_rat' is unknown .*'learning_rate'"):
        plan(swept, sweep={"learning_rat": [1, 2]})


def test_jobs_have_names_of_their_own(swept: ProjectFolder) -> None:
    config = RemoteConfig(sweep={"learning_rate": [1, 2]}, job_name="mine")
    members = plan_sweep(read_project(swept.path), "main", {}, config)
    assert [each.config.job_name for each in members if isinstance(each.config, RemoteConfig)] == ["mine-1", "mine-2"]


def test_what_a_path_names_elsewhere_is_downloaded_once_for_all(
    swept: ProjectFolder, store: MlflowClient, temporary: Path
) -> None:
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    store.log_text(run_id, "1,2", "data.csv")
    swept.write(
        "MLproject",
        """
        name: points
        entry_points:
          main:
            parameters: {rate: float, data: path}
            command: "tg-mlflow train tasks:build_task rate={rate} data={data}"
        """,
    )
    config = ProcessConfig(sweep={"rate": [1.0, 2.0, 3.0, 4.0, 5.0]})
    project = read_project(swept.path)
    members = plan_sweep(project, "main", {"data": f"runs:/{run_id}/data.csv"}, config)
    project.build_command("main", members[0].params)
    (file,) = temporary.rglob("data.csv")
    commands = [each.make_task.args[0] for each in members if isinstance(each.make_task, partial)]
    assert [each.arguments for each in commands] == [
        {"rate": f"{rate}", "data": str(file)} for rate in (1.0, 2.0, 3.0, 4.0, 5.0)
    ]
