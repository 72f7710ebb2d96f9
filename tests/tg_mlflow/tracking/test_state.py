"""What a run says of how it was started is read as it was written, however long it is, and without secrets."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.memory_server import MemoryClient
from tg.common.secrets import SecretMask
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.state import RunState, find_state, format_state, mask_parts, read_state

STATE = RunState(
    config={"dataset": "points.csv", "log": {"figures": False}, "secrets": ["PIN"], "hyperparameters": {"C": 0.5}},
    parameters=("C",),
    place_options={"region": "eu-central-1"},
    dataset="/data/points.csv",
    earlier_jobs=("points-1", "points-2"),
    project_name="points",
    datasets_folder="/data",
    resource="job",
)
NO_SECRETS = SecretMask()


def make_run(tags: "dict[str, str]") -> Run:
    return MemoryClient().create_run("7", tags=tags)


def test_the_format_of_a_state() -> None:
    assert format_state(STATE, NO_SECRETS) == {
        "tg.state": '{"config":{"dataset":"points.csv","log":{"figures":false},"secrets":["PIN"],'
        '"hyperparameters":{"C":0.5}},"parameters":["C"],"place_options":{"region":"eu-central-1"},'
        '"dataset":"/data/points.csv","earlier_jobs":["points-1","points-2"],"project_name":"points",'
        '"datasets_folder":"/data","resource":"job"}'
    }
    assert format_state(RunState(), NO_SECRETS) == {"tg.state": "{}"}


@pytest.mark.parametrize("characters", [0, 4800, 5000, 5200, 12_000, 40_000])
def test_a_state_of_any_length_comes_back_from_a_server(store: MlflowClient, characters: int) -> None:
    experiment = store.get_experiment_by_name("test")
    assert experiment is not None
    client = TrackingClient(store.tracking_uri)
    state = RunState(config={"environment": {"NOTE": "ü \u2028" * (characters // 3)}}, resource="job")
    run_id = client.create_run(experiment.experiment_id).info.run_id
    client.set_masked_tags(run_id, format_state(state, client.mask))
    run = store.get_run(run_id)
    assert read_state(run) == state
    assert max(len(value) for name, value in run.data.tags.items() if name.startswith("tg.state")) <= 5000


def test_a_shorter_state_replaces_a_longer_one() -> None:
    long, short = (RunState(config={"environment": {"NOTE": "x" * size}}) for size in (12_000, 6000))
    tags = format_state(long, NO_SECRETS)
    assert list(tags) == ["tg.state", "tg.state.2", "tg.state.3"]
    assert list(format_state(short, NO_SECRETS)) == ["tg.state", "tg.state.2"]
    assert read_state(make_run({**tags, **format_state(short, NO_SECRETS)})) == short
    assert read_state(make_run({**tags, **format_state(RunState(), NO_SECRETS)})) == RunState()


def test_a_state_that_no_run_has_room_for_is_refused() -> None:
    with pytest.raises(BackendConfigError, match="takes 450,057 characters as JSON, and a run has room for 450,000"):
        format_state(RunState(config={"environment": {"NOTE": "x" * 450_019}}), NO_SECRETS)
    assert len(format_state(RunState(config={"environment": {"NOTE": "x" * 449_000}}), NO_SECRETS)) == 90


def test_a_part_that_is_missing_is_no_end() -> None:
    tags = format_state(RunState(config={"environment": {"NOTE": "x" * 12_000}}), NO_SECRETS)
    del tags["tg.state.2"]
    with pytest.raises(RunNotOursError, match=r"the tag tg\.state of run .* is damaged \(Unterminated string"):
        read_state(make_run(tags))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"config": ', "Expecting value: line 1 column 12 (char 11)"),
        ("null", "Input should be a dictionary or an instance of RunState"),
        ("[1]", "Input should be a dictionary or an instance of RunState"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"config": [1]}', "config: Input should be a valid dictionary"),
        ('{"config": {"secrets": {"PIN": 1}}}', "config.secrets is {'PIN': 1}; give a list of names of variables"),
        ('{"config": {"secrets": null}}', "config.secrets is None; give a list of names of variables"),
        ('{"config": {"secrets": ["A", 1]}}', "config.secrets is ['A', 1]; give a list of names of variables"),
        ('{"earlier_jobs": "points-1"}', "earlier_jobs: Input should be a valid tuple"),
        ('{"dataset": 5}', "dataset: Input should be a valid string"),
        ('{"later": true}', "later: Unexpected keyword argument"),
    ],
)
def test_a_state_that_is_damaged(text: str, problem: str) -> None:
    run = make_run({"tg.state": text})
    with pytest.raises(RunNotOursError) as caught:
        read_state(run)
    shown = repr(text if len(text) <= 300 else f"{text[:300]}…")
    assert str(caught.value) == (
        f"the tag tg.state of run {run.info.run_id!r} is damaged ({problem}): {shown}; correct it"
    )
    assert find_state(run.data.tags) is None


def test_a_run_of_an_earlier_version_is_not_taken_for_one_with_defaults() -> None:
    tags = {"tg.place": "tg-sagemaker", "tg.job_id": "job", "tg.place_options": '{"region": "eu-central-1"}'}
    with pytest.raises(RunNotOursError, match=r"no tag tg\.state: it is of an earlier version of tg-mlflow; use that"):
        read_state(make_run(tags))
    assert find_state(tags) is None
    assert read_state(make_run({"tg.version": "0.1.0"})) == RunState()  # one that has just begun


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ({"note": "tok-4f5e6d"}, {"note": "***"}),
        ({"note": ["a", ("tok-4f5e6d", 1)]}, {"note": ["a", ["***", 1]]}),
        ({"tok-4f5e6d": 1}, {"***": 1}),
        (
            {"password": "abc", "api_key": 12345678, "max_tokens": 7},
            {"password": "***", "api_key": "***", "max_tokens": 7},
        ),
        ({"pin": 4711, "more": 47110, "half": 4711.5}, {"pin": "***", "more": 47110, "half": 4711.5}),
        ({"address": "https://me:pw@host"}, {"address": "https://me:***@host"}),
        ({"use_auth_token": True, "secret": None}, {"use_auth_token": True, "secret": None}),
        ({"json": '{"password": "x"}'}, {"json": '{"password": "***"}'}),
    ],
)
def test_secrets_are_masked_part_by_part(given: Any, masked: Any) -> None:
    assert mask_parts(given, SecretMask(["tok-4f5e6d", "4711"])) == masked


def test_a_short_secret_damages_no_state() -> None:
    mask = SecretMask(["1", "o", '"', "tok-4f5e6d"])
    state = RunState(
        config={"secrets": ["token", "tok-4f5e6d"], "log": {"archive": 1000.5}, "dataset": "no"},
        parameters=("C1", "o"),
        project_name="points",
    )
    assert json.loads(format_state(state, mask)["tg.state"]) == {
        "config": {"secrets": ["token", "***"], "log": {"archive": 1000.5}, "dataset": "n***"},
        "parameters": ["C1", "***"],
        "project_name": "p***ints",
    }


def test_no_part_of_a_secret_is_left_where_a_long_state_goes_on() -> None:
    state = RunState(config={"environment": {"NOTE": "x" * 4955 + "tok-4f5e6d"}})
    tags = format_state(state, SecretMask(["tok-4f5e6d"]))
    assert "4f5e6d" not in str(tags)
    assert read_state(make_run(tags)).config == {"environment": {"NOTE": "x" * 4955 + "***"}}
