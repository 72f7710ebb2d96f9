"""What becomes of the model of a run that asks to be registered."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, LoggedModelStatus, Metric, RunTag
from mlflow.exceptions import MlflowException

from tg_mlflow.registration import settle_registration
from tg_mlflow.tracking.client import TrackingClient

CHAMPION = {"name": "wine", "alias": "champion", "if_better": "auc"}


class Registry:
    """A tracking server's registry, and runs that ask to be in it."""

    def __init__(self, store: MlflowClient) -> None:
        self.store = store
        self.client = TrackingClient(store.tracking_uri, patience_seconds=0)
        self.experiment = store.get_experiment_by_name("test").experiment_id

    def add_run(
        self,
        wish: dict[str, Any],
        auc: float | None = 0.5,
        digest: str | None = "1a2b",
        models: tuple[str, ...] = ("model",),
        status: str = "FINISHED",
        tags: dict[str, str] | None = None,
    ) -> str:
        """Makes a run that has ended."""
        run_id = str(self.store.create_run(self.experiment).info.run_id)
        points = [] if auc is None else [Metric("auc", auc, 1, 0)]
        given = {"tg.register": json.dumps(wish), **(tags or {})}
        self.store.log_batch(run_id, points, tags=[RunTag(name, value) for name, value in given.items()])
        if digest is not None:
            data = Dataset("wine.csv", digest, "local", "{}")
            self.store.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
        for name in models:
            model = self.store.create_logged_model(self.experiment, name, run_id)
            self.store.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
            self.store.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
        self.store.set_terminated(run_id, status)
        return run_id

    def settle(self, run_id: str, client: TrackingClient | None = None) -> str | None:
        """Registers what a run asks for; returns what the run says of it."""
        settle_registration(client or self.client, run_id)
        return self.store.get_run(run_id).data.tags.get("tg.registered")

    def versions(self) -> dict[int, str]:
        """The runs of all versions, by their numbers."""
        return {int(each.version): each.run_id for each in self.store.search_model_versions("name = 'wine'")}

    def champion(self) -> int | None:
        """The version that has the alias."""
        version = self.store.get_registered_model("wine").aliases.get("champion")
        return None if version is None else int(version)


@pytest.fixture
def registry(store: MlflowClient) -> Registry:
    return Registry(store)


def test_a_model_is_registered_with_its_run_and_the_wish_is_gone(registry: Registry) -> None:
    run_id = registry.add_run({"name": "wine"})
    assert registry.settle(run_id) == "version 1 of wine"
    (version,) = registry.store.search_model_versions("name = 'wine'")
    run = registry.store.get_run(run_id)
    assert (version.run_id, version.source) == (run_id, f"models:/{run.outputs.model_outputs[0].model_id}")
    assert "tg.register" not in run.data.tags
    assert registry.champion() is None
    assert registry.settle(run_id) == "version 1 of wine"
    assert registry.versions() == {1: run_id}


@pytest.mark.parametrize(
    ("changes", "run", "said", "champion"),
    [
        ({}, {"auc": 0.6}, "the champion: its auc of 0.6 is better than the 0.5 of version 1", 2),
        ({}, {"auc": 0.5}, "not the champion: its auc of 0.5 is not better than the 0.5 of version 1", 1),
        ({"mode": "min"}, {"auc": 0.4}, "the champion: its auc of 0.4 is better than the 0.5 of version 1", 2),
        ({}, {"auc": float("nan")}, "not the champion: its auc is nan", 1),
        ({}, {"auc": None}, "not the champion: its run has no metric 'auc'; there is nothing", 1),
        ({"if_better": None}, {"auc": 0.1, "digest": None}, "the champion in place of version 1", 2),
        ({}, {"auc": 0.9, "digest": "ff"}, "not the champion: version 1 was trained on other data", 1),
        ({}, {"auc": 0.9, "digest": None}, "not the champion: its run does not say what data it was trained on", 1),
        ({"alias": "trial"}, {"auc": 0.1}, "the trial: its auc is 0.1, and there was none before", 1),
    ],
)
def test_an_alias_moves_to_what_is_better_on_the_same_data(
    registry: Registry, changes: dict[str, Any], run: dict[str, Any], said: str, champion: int
) -> None:
    registry.settle(registry.add_run(CHAMPION))
    assert registry.settle(registry.add_run({**CHAMPION, **changes}, **run)) == f"version 2 of wine, {said}"
    assert registry.champion() == champion
    assert len(registry.versions()) == 2


def test_what_holds_an_alias_and_cannot_be_compared_keeps_it(registry: Registry) -> None:
    registry.store.create_registered_model("wine")
    registry.store.create_model_version("wine", "s3://bucket/wine")
    registry.store.set_registered_model_alias("wine", "champion", 1)
    said = registry.settle(registry.add_run(CHAMPION))
    assert said == "version 2 of wine, not the champion: the run of version 1 cannot be read"
    registry.store.set_registered_model_alias("wine", "champion", 2)
    first = registry.versions()[2]
    registry.store.delete_run(first)
    said = registry.settle(registry.add_run(CHAMPION, 0.6))
    assert said == "version 3 of wine, the champion: its auc of 0.6 is better than the 0.5 of version 2"


class Interrupted(TrackingClient):
    """A launcher's client whose launcher is killed before a request, or whose request is refused."""

    def __init__(self, uri: str, request: str, error: BaseException) -> None:
        super().__init__(uri, patience_seconds=0)
        self.request, self.error = request, error

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, "__dict__")
        if name == own.get("request"):
            raise own["error"]
        return super().__getattribute__(name)


@pytest.mark.parametrize("request_name", ["create_model_version", "get_registered_model", "set_tag", "delete_tag"])
def test_an_interrupted_launcher_registers_nothing_twice(registry: Registry, request_name: str) -> None:
    run_id = registry.add_run(CHAMPION)
    interrupted = Interrupted(registry.store.tracking_uri, request_name, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        settle_registration(interrupted, run_id)
    assert registry.settle(run_id) in {
        "version 1 of wine, the champion: its auc is 0.5, and there was none before",
        "version 1 of wine, the champion",
    }
    assert (registry.versions(), registry.champion()) == ({1: run_id}, 1)


def test_of_two_that_register_the_same_one_version_stays(registry: Registry) -> None:
    run_id = registry.add_run(CHAMPION)
    model_id = registry.store.get_run(run_id).outputs.model_outputs[0].model_id
    registry.store.create_registered_model("wine")
    for _ in range(2):
        registry.store.create_model_version(
            "wine", f"models:/{model_id}", run_id, tags={"tg.register": run_id}, model_id=model_id
        )
    registry.settle(run_id)
    assert (registry.versions(), registry.champion()) == ({1: run_id}, 1)


def test_a_server_that_does_not_take_it_is_tried_again(
    registry: Registry, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = registry.add_run(CHAMPION)

    def refuse(*_: Any, **__: Any) -> None:
        raise MlflowException("it is full")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", refuse)
        said = registry.settle(run_id)
    assert said == f"not registered yet (it is full); to try again, run `tg-mlflow attach {run_id}`"
    assert caplog.messages[-1] == f"The model of run {run_id} is {said}"
    said = registry.settle(run_id)
    assert said == "version 1 of wine, the champion: its auc is 0.5, and there was none before"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"models": ()}, "not registered: the run has no model"),
        ({"models": ("forest",)}, "version 1 of wine"),
        ({"models": ("fold_1", "fold_0")}, "version 1 of wine"),
        (
            {"models": ("tree", "forest")},
            "not registered: the run has 2 models (forest, tree); call the one that is meant model",
        ),
        ({"tags": {"tg.register": "{"}}, "not registered: the tag tg.register is damaged: '{'"),
        ({"status": "FAILED"}, None),
        ({"tags": {"tg.not_uploaded": "the store is full"}}, None),
        ({"tags": {"tg.sweep": "{}"}}, "not registered: there is no best training"),
    ],
)
def test_what_is_registered_is_the_model_of_a_run_that_has_finished(
    registry: Registry, run: dict[str, Any], said: str | None
) -> None:
    assert registry.settle(registry.add_run({"name": "wine"}, **run)) == said
    assert len(registry.versions()) == (said == "version 1 of wine")


def test_of_a_sweep_the_best_training_is_registered(registry: Registry) -> None:
    registry.settle(registry.add_run(CHAMPION, 0.6))
    best = registry.add_run({}, 0.75)
    tags = {"tg.sweep": "{}", "tg.best_run_id": best}
    sweep = registry.add_run(CHAMPION, None, None, models=(), tags=tags)
    said = "version 2 of wine, the champion: its auc of 0.75 is better than the 0.6 of version 1"
    assert registry.settle(sweep) == said
    assert registry.versions()[2] == best
