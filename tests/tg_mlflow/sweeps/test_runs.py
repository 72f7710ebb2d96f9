"""The runs of a sweep's trainings, found by the sweep's run."""

from mlflow import MlflowClient

from tg_mlflow.sweeps.runs import group_children, list_children

NAMES = ["C10-S2", "C2-S10", "C0.1-S1", "C2-S2", "trial-9", "trial-10", "C2-S2", "C0.03-S1"]


def test_they_are_in_the_order_of_their_names(store: MlflowClient) -> None:
    experiment = store.get_experiment_by_name("test").experiment_id
    parent = store.create_run(experiment)
    runs = []
    for number, name in enumerate(NAMES):
        tags = {"mlflow.parentRunId": parent.info.run_id, "tg.sweep_name": name}
        runs.append(store.create_run(experiment, start_time=1000 - 10 * number, tags=tags).info.run_id)
    store.create_run(experiment, tags={"mlflow.parentRunId": parent.info.run_id})  # somebody else's
    found = list_children(store, parent)
    assert [run.data.tags["tg.sweep_name"] for run in found] == [
        "C0.03-S1",
        "C0.1-S1",
        "C2-S2",
        "C2-S2",
        "C2-S10",
        "C10-S2",
        "trial-9",
        "trial-10",
    ]
    (earlier, later) = group_children(found)["C2-S2"]
    assert (earlier.info.run_id, later.info.run_id) == (runs[6], runs[3])
