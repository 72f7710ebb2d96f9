"""Gathers what is logged to runs, and writes it in as few requests as possible."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeAlias

from mlflow.entities import Metric, Param, RunTag

from tg_mlflow.errors import TrackingError
from tg_mlflow.tracking.client import TrackingClient

# What MLflow takes in a request.
_MOST = {"metrics": 800, "params": 100, "tags": 100}

_Part: TypeAlias = dict[str, Sequence[Any]]


@dataclass
class _Pending:
    metrics: list[Metric] = field(default_factory=list)
    params: dict[str, Param] = field(default_factory=dict)
    tags: dict[str, RunTag] = field(default_factory=dict)


class RunBatches:
    """Gathers metrics, params and tags of any number of runs.

    Of what the server refuses for its content, the rest is written.

    Args:
        client: The tracking server's.
        refuse: Called with a description of what the server refuses, its answer and how many items these are.
    """

    def __init__(self, client: TrackingClient, refuse: Callable[[str, TrackingError, int], None]) -> None:
        self._client = client
        self._refuse = refuse
        self._pending: dict[str, _Pending] = {}

    def add(self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Takes what is to be logged to a run; of two values of a tag, the later one counts."""
        pending = self._pending.setdefault(run_id, _Pending())
        pending.metrics += metrics
        pending.params |= {key: Param(key, value) for key, value in params.items()}
        pending.tags |= {key: RunTag(key, value) for key, value in tags.items()}

    def flush(self) -> None:
        """Writes what has been gathered.

        Raises:
            TrackingError: If the server stays away.
        """
        while self._pending:
            run_id = next(iter(self._pending))
            pending = self._pending.pop(run_id)
            kinds: _Part = {
                "metrics": pending.metrics,
                "params": list(pending.params.values()),
                "tags": list(pending.tags.values()),
            }
            parts = {kind: list(_part(items, _MOST[kind])) for kind, items in kinds.items()}
            for together in zip_longest(*parts.values()):
                self._write(run_id, {kind: items for kind, items in zip(parts, together, strict=True) if items})

    def _write(self, run_id: str, part: _Part) -> None:
        """Writes what one request may hold, or in parts what can be written of it."""
        try:
            metrics, params, tags = (part.get(kind, ()) for kind in _MOST)
            self._client.log_batch(run_id, metrics, params, tags)
        except TrackingError as error:
            if not error.is_final:
                raise
            if not error.is_refusal:
                self._refuse(self._describe(run_id, part), error, sum(map(len, part.values())))
                return
            smaller = list(_divide(part))
            if not smaller:
                self._refuse(self._describe(run_id, part), error, 1)
            for each in smaller:
                self._write(run_id, each)

    def _describe(self, run_id: str, part: _Part) -> str:
        kind, items = next(iter(part.items()))
        key, value = items[0].key, str(items[0].value)
        shown = self._client.mask.mask_named({key: value})[key]
        return f"the {kind.removesuffix('s')} {key!r} = {shown!r} of run {run_id}"


def _part(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _divide(part: _Part) -> "list[_Part]":
    """Divides what a request holds into its kinds, or else into halves; nothing is left of a single item."""
    if len(part) > 1:
        return [{kind: items} for kind, items in part.items()]
    ((kind, items),) = part.items()
    half = len(items) // 2
    return [{kind: items[:half]}, {kind: items[half:]}] if half else []
