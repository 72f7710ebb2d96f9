"""What only this library reads of how a run was started: the tag ``tg.state``, one JSON object.

The process that starts a run's job writes it, always as a whole: when the run begins, and in the same request as the
job's id, before there is a job. Nobody else changes it, so that nobody has to read it in order to write it. What is
known later, or is written by others, has tags of its own (:mod:`tg_mlflow.tracking.tags`).

MLflow's servers take tags of 5000 or 8000 characters. A longer object goes on in ``tg.state.2`` and so on.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import count
from typing import Any, ClassVar

from mlflow.entities import Run
from pydantic import ConfigDict, TypeAdapter, ValidationError

from tg.common.secrets import MASK, SecretMask
from tg_mlflow.errors import BackendConfigError, RunNotOursError
from tg_mlflow.tracking.tags import JOB_ID_TAG, STATE_TAG

_LONGEST_PIECE = 5000
# MLflow takes a hundred tags in a request.
_MOST_PIECES = 90
_MOST_SHOWN = 300


@dataclass(frozen=True)
class RunState:
    """How a run was started.

    Attributes:
        config: The keys of the configuration that are not as by default, but for ``sweep``, which is in a sweep's plan.
        parameters: The names of the params that were given to the training, not logged by it.
        place_options: The options of the place, which reach the job, that are not as by default.
        dataset: The path of the dataset on the launcher's machine.
        earlier_jobs: The ids of the jobs that were tried before.
        project_name: The name of the project.
        datasets_folder: The folder of the projects' data on the launcher's machine.
        resource: The name of the job among the objects of its package.

    Raises:
        ValueError: If the configuration's ``secrets`` are no list of names.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    place_options: Mapping[str, Any] = field(default_factory=dict)
    dataset: str | None = None
    earlier_jobs: tuple[str, ...] = ()
    project_name: str | None = None
    datasets_folder: str | None = None
    resource: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.secrets, list) or not all(isinstance(name, str) for name in self.secrets):
            raise ValueError(f"config.secrets is {self.secrets!r}; give a list of names of variables")

    @property
    def secrets(self) -> list[str]:
        """The names of the variables and parameters that are secret by the configuration."""
        names: list[str] = self.config.get("secrets", [])
        return names


def format_state(state: RunState, mask: SecretMask) -> dict[str, str]:
    """Writes a state without secrets as tags; fewer of them may be set where there were more.

    Raises:
        BackendConfigError: If no run has room for it.
    """
    content = {each.name: getattr(state, each.name) for each in fields(state)}
    # Names of secrets are no secrets, and a short secret may be part of many a name.
    content["parameters"] = _mask_names(state.parameters, mask)
    content["config"] = {
        key: _mask_names(value, mask) if key == "secrets" else mask_parts(value, mask, key)
        for key, value in state.config.items()
    }
    for name in content.keys() - {"parameters", "config"}:
        content[name] = mask_parts(content[name], mask)
    text = json.dumps({name: value for name, value in content.items() if value}, separators=(",", ":"))
    starts = range(0, len(text), _LONGEST_PIECE)
    if len(starts) > _MOST_PIECES:
        raise BackendConfigError(
            f"the configuration takes {len(text):,} characters as JSON, and a run has room for "
            f"{_MOST_PIECES * _LONGEST_PIECE:,}; put long values into files of the project"
        )
    return {name: text[start : start + _LONGEST_PIECE] for name, start in zip(_name_tags(), starts, strict=False)}


def find_state(tags: Mapping[str, str]) -> RunState | None:
    """Finds the state in the tags of a run; one that is damaged counts as not recorded."""
    try:
        return _parse_state(tags)
    except ValueError:
        return None


def read_state(run: Run) -> RunState:
    """Reads the state of a run of ours, which may have begun just now.

    Raises:
        RunNotOursError: If it is damaged, or missing though the run has a job.
    """
    run_id, tags = run.info.run_id, run.data.tags
    try:
        state = _parse_state(tags)
    except ValueError as error:
        text = _join(tags)
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
        raise RunNotOursError(
            f"the tag {STATE_TAG} of run {run_id!r} is damaged ({error}): {shown!r}; correct it"
        ) from error
    if state is None and JOB_ID_TAG in tags:
        raise RunNotOursError(
            f"run {run_id!r} does not say how its job was started, as it has no tag {STATE_TAG}: it is of an earlier "
            "version of tg-mlflow; use that version for it"
        )
    return state or RunState()


def mask_parts(value: Any, mask: SecretMask, name: str = "") -> Any:
    """Masks the parts of a value for JSON. A secret such as ``1``, masked in the text, might leave no JSON.

    Args:
        value: The value.
        mask: The secrets.
        name: What it is called; a text or number whose name looks secret is masked as a whole.
    """
    if isinstance(value, Mapping):
        return {mask.mask(key): mask_parts(each, mask, key) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_parts(each, mask) for each in value]
    if value is None or isinstance(value, bool):
        return value
    masked = mask.mask_named({name: str(value)})[name]
    return masked if isinstance(value, str) or masked == MASK else value


def _mask_names(names: Any, mask: SecretMask) -> list[str]:
    return [MASK if mask.mask(name) == MASK else name for name in names]


def _name_tags() -> Iterator[str]:
    yield STATE_TAG
    yield from (f"{STATE_TAG}.{number}" for number in count(2))


def _join(tags: Mapping[str, str]) -> str:
    text = ""
    for name in _name_tags():
        if name not in tags:
            return text
        text += tags[name]
    return text


def _parse_state(tags: Mapping[str, str]) -> RunState | None:
    """Parses the state; ``None`` if there is none.

    Raises:
        ValueError: If it is damaged.
    """
    if STATE_TAG not in tags:
        return None
    try:
        # What follows is left of a longer one.
        content, _ = json.JSONDecoder().raw_decode(_join(tags))
        return TypeAdapter(RunState).validate_python(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"{key}: {text}" if key else text) from error
