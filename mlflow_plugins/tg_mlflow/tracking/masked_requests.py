"""Requests without secrets, in a form that any tracking server stores."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModel, Metric, Param, Run, RunTag
from mlflow.entities.model_registry import ModelVersion, RegisteredModel

from tg.common.secrets import SecretMask

_LONGEST_TAG = 8000
_LONGEST_PARAM = 6000
_NOTHING: Mapping[str, str] = MappingProxyType({})
T = TypeVar("T")


class MaskedRequests(MlflowClient):
    """Those of a client's requests that write what may hold a secret: they write it without, and not too long.

    Attributes:
        mask: The secrets.
    """

    mask: SecretMask

    @abstractmethod
    def _ask(self, request: Callable[[], T], what: str) -> T:
        """Sends a request; ``what`` is what the server takes."""

    @abstractmethod
    def _mask_named(self, values: Mapping[str, str], longest: int) -> dict[str, str]:
        """Masks values by their names too, and cuts them."""

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Creates a run whose tags and name are without secrets."""
        masked = self._mask_named({name: str(value) for name, value in (tags or {}).items()}, _LONGEST_TAG)
        name = None if run_name is None else self._mask_text(run_name)
        return self._ask(partial(super().create_run, experiment_id, start_time, masked, name), "a new run")

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Changes a run's status, or its name, which is without secrets."""
        masked = None if name is None else self._mask_text(name)
        self._ask(partial(super().update_run, run_id, status, masked), "a run's status")

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Sets a tag without secrets."""
        masked = self._mask_named({key: str(value)}, _LONGEST_TAG)[key]
        return self._ask(partial(super().set_tag, run_id, key, masked, synchronous), "a tag")

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """Logs metrics as they are, params and tags without secrets; in several requests where one is not taken."""
        masked_params = self._mask_named({param.key: param.value for param in params}, _LONGEST_PARAM)
        masked_tags = self._mask_named({tag.key: tag.value for tag in tags}, _LONGEST_TAG)
        first, *further = divide_metrics(metrics) or [[]]
        log = partial(
            super().log_batch,
            run_id,
            first,
            [Param(name, value) for name, value in masked_params.items()],
            [RunTag(name, value) for name, value in masked_tags.items()],
            synchronous,
        )
        answer = self._ask(log, "metrics" if metrics else "parameters" if params else "tags")
        for each in further:
            answer = self._ask(partial(super().log_batch, run_id, each, (), (), synchronous), "metrics")
        return answer

    def set_masked_tags(
        self,
        run_id: str,
        masked: Mapping[str, str],
        tags: Mapping[str, str] = _NOTHING,
        params: Mapping[str, str] = _NOTHING,
    ) -> None:
        """Sets tags that are without secrets already as they are: masked again, JSON may break.

        Args:
            run_id: The run.
            masked: These tags.
            tags: Others, which are written without secrets in the same request.
            params: Parameters, which are written without secrets in the same request.
        """
        given = {**self._mask_named(tags, _LONGEST_TAG), **masked}
        new = [Param(name, value) for name, value in self._mask_named(params, _LONGEST_PARAM).items()]
        log = partial(super().log_batch, run_id, (), new, [RunTag(name, value) for name, value in given.items()])
        self._ask(log, "tags")

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput] | None = None, *args: Any, **kwargs: Any) -> Any:
        """Logs datasets whose names, sources and columns are without secrets."""
        masked = [
            DatasetInput(
                self._mask_dataset(each.dataset),
                [InputTag(tag.key, self._mask_text(tag.value)) for tag in each.tags],
            )
            for each in datasets or ()
        ]
        return self._ask(partial(super().log_inputs, run_id, masked, *args, **kwargs), "a dataset")

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Creates a model whose name, tags and params are without secrets."""
        masked = None if name is None else self._mask_text(name)
        tags, params = self._mask_named(tags or {}, _LONGEST_TAG), self._mask_named(params or {}, _LONGEST_PARAM)
        create = partial(super().create_logged_model, experiment_id, masked, source_run_id, tags, params, model_type)
        return self._ask(create, "a model")

    def set_logged_model_tags(self, model_id: str, tags: dict[str, Any]) -> None:
        """Sets tags of a model without secrets."""
        masked = self._mask_named({name: str(value) for name, value in tags.items()}, _LONGEST_TAG)
        self._ask(partial(super().set_logged_model_tags, model_id, masked), "a model's tags")

    def log_model_params(self, model_id: str, params: dict[str, str]) -> None:
        """Logs params of a model without secrets."""
        masked = self._mask_named(params, _LONGEST_PARAM)
        self._ask(partial(super().log_model_params, model_id, masked), "a model's parameters")

    def create_registered_model(self, name: str, *args: Any, **kwargs: Any) -> RegisteredModel:
        """Creates a registered model whose name is without secrets."""
        return self._ask(partial(super().create_registered_model, self.mask.mask(name), *args, **kwargs), "a model")

    def create_model_version(self, name: str, source: str, *args: Any, **kwargs: Any) -> ModelVersion:
        """Registers a model under a name; ``tags`` and ``description``, given by name, are without secrets."""
        named = {key: str(value) for key, value in (kwargs.pop("tags", None) or {}).items()}
        kwargs["tags"] = self._mask_named(named, _LONGEST_TAG)
        if kwargs.get("description"):
            kwargs["description"] = self._mask_text(kwargs["description"])
        create = partial(super().create_model_version, self.mask.mask(name), source, *args, **kwargs)
        return self._ask(create, "a version of a model")

    def _mask_text(self, text: str) -> str:
        return make_storable(self.mask.mask(text))

    def _mask_dataset(self, dataset: Dataset) -> Dataset:
        """Masks a dataset's name, source and columns."""
        return Dataset(**{name: value and self._mask_text(value) for name, value in dataset.to_dictionary().items()})


def make_storable(text: str) -> str:
    """Escapes half characters, as in the names of some files, and the character NUL, which PostgreSQL refuses."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def divide_metrics(metrics: Sequence[Metric]) -> list[list[Metric]]:
    """Divides metrics such that no part has a point twice: a value of a run, and the same of its model.

    MLflow 3.1 does not store such a part, and answers that it may be tried again. Of several metrics that are the same
    in all, one is kept, as MLflow does it.
    """
    parts, seen, counts = list[list[Metric]](), set[tuple[object, ...]](), Counter[tuple[object, ...]]()
    for metric in sorted(metrics, key=lambda each: each.model_id is not None):
        point = (metric.key, repr(metric.value), metric.timestamp, metric.step)
        whole = (*point, metric.model_id, metric.dataset_name, metric.dataset_digest)
        if whole in seen:
            continue
        seen.add(whole)
        if counts[point] == len(parts):
            parts.append([])
        parts[counts[point]].append(metric)
        counts[point] += 1
    return parts
