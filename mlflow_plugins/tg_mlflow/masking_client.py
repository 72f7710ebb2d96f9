"""A client of the tracking server that lets no secret through."""

from collections.abc import Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from tg.common.secret_mask import MASK, SecretMask

# What stands in the name of a metric for the mask, whose characters MLflow does not take there.
_MASK_IN_KEY = "_" * len(MASK)


class MaskingClient(MlflowClient):
    """Writes params, tags and the names of runs and metrics without the secrets that it knows.

    Args:
        tracking_uri: The tracking server.
        mask: The secrets.

    Attributes:
        mask: The secrets.
    """

    def __init__(self, tracking_uri: str, mask: SecretMask) -> None:
        super().__init__(tracking_uri)
        self.mask = mask

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: dict[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Creates a run whose tags and name are without secrets."""
        masked = self.mask.mask_named({name: str(value) for name, value in (tags or {}).items()})
        name = None if run_name is None else self.mask.mask(run_name)
        return super().create_run(experiment_id, start_time, masked, name)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Sets a tag without secrets."""
        return super().set_tag(run_id, key, self.mask.mask_named({key: str(value)})[key], synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """Logs params and tags without secrets, and metrics without secrets in their names."""
        masked_params = self.mask.mask_named({param.key: param.value for param in params})
        masked_tags = self.mask.mask_named({tag.key: tag.value for tag in tags})
        return super().log_batch(
            run_id,
            [self._mask_key(metric) for metric in metrics],
            [Param(name, value) for name, value in masked_params.items()],
            [RunTag(name, value) for name, value in masked_tags.items()],
            synchronous,
        )

    def _mask_key(self, metric: Metric) -> Metric:
        key = self.mask.mask(metric.key)
        if key == metric.key:
            return metric
        return Metric(key.replace(MASK, _MASK_IN_KEY), metric.value, metric.timestamp, metric.step)
