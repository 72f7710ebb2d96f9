"""Moves an alias of a registered model to a new version, if that is better than the one that has it."""

import math
from dataclasses import dataclass

from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion

from tg.common.errors import suggestion
from tg_mlflow.errors import TrackingError
from tg_mlflow.places.config import RegisterConfig
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.training_data import find_training_data


def give_alias(client: TrackingClient, version: ModelVersion, trained: Run, wish: RegisterConfig) -> str:
    """Gives a version an alias, unless another version has it and is not known to be worse.

    The metric is the run's: the mean, where a training has several splits. MLflow has no way to move an alias only if
    nobody else has done so meanwhile: of processes that do this in the same moment, the last one has its way.

    Args:
        client: The tracking server's.
        version: The version.
        trained: The run that has trained it.
        wish: The alias, and what it depends on.

    Returns:
        What has become of the alias, for the end of a sentence about the version.

    Raises:
        TrackingError: What the tracking server has against it.
    """
    alias = str(wish.alias)
    holder = client.get_registered_model(version.name).aliases.get(alias)
    if holder is not None and int(holder) == int(version.version):
        return f"the {alias}"
    reason = "" if holder is None else f" in place of version {holder}"
    if wish.if_better is not None:
        judgement = _judge(client, version.name, holder, trained, wish.if_better, wish.mode)
        if not judgement.is_better:
            return f"not the {alias}: {judgement.reason}"
        reason = f": {judgement.reason}"
    client.set_registered_model_alias(version.name, alias, version.version)
    return f"the {alias}{reason}"


@dataclass(frozen=True)
class _Judgement:
    """Whether a version is better than the one that has the alias.

    Attributes:
        is_better: Whether it is known to be.
        reason: Why, or why not.
    """

    is_better: bool
    reason: str


def _judge(client: TrackingClient, name: str, holder: str | None, trained: Run, metric: str, mode: str) -> _Judgement:
    value = trained.data.metrics.get(metric)
    if value is None:
        return _Judgement(False, f"its run has no metric {metric!r}; {suggestion(metric, trained.data.metrics)}")
    if math.isnan(value):
        return _Judgement(False, f"its {metric} is nan")
    if holder is None:
        return _Judgement(True, f"its {metric} is {value!r}, and there was none before")
    before = _read_run(client, name, holder)
    if before is None:
        return _Judgement(False, f"the run of version {holder} cannot be read")
    other = before.data.metrics.get(metric)
    if other is None:
        return _Judgement(False, f"the run of version {holder} has no metric {metric!r}")
    ours, theirs = ({each.digest for each in find_training_data(run)} for run in (trained, before))
    if not ours or not theirs:
        which = f"the run of version {holder}" if ours else "its run"
        return _Judgement(False, f"{which} does not say what data it was trained on")
    if ours != theirs:
        return _Judgement(False, f"version {holder} was trained on other data")
    is_better = value > other if mode == "max" else value < other
    word = "better" if is_better else "not better"
    return _Judgement(is_better, f"its {metric} of {value!r} is {word} than the {other!r} of version {holder}")


def _read_run(client: TrackingClient, name: str, version: str) -> Run | None:
    """Reads the run that has trained a version; ``None`` if there is none any more."""
    run_id = client.get_model_version(name, version).run_id
    try:
        return client.get_run(run_id) if run_id else None
    except TrackingError as error:
        if not error.is_final:
            raise
        return None
