"""A client of the tracking server that lets no secret through."""

from collections.abc import Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from tg.common.secret_mask import SecretMask


class MaskingClient(MlflowClient):
    """Writes params, tags and the names of runs without the secrets that it knows.

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
        masked = {name: self.mask.mask(str(value)) for name, value in (tags or {}).items()}
        name = None if run_name is None else self.mask.mask(run_name)
        return super().create_run(experiment_id, start_time, masked, name)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Sets a tag without secrets."""
        return super().set_tag(run_id, key, self.mask.mask(str(value)), synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """Logs metrics as they are, params and tags without secrets."""
        masked = self.mask.mask_named({param.key: param.value for param in params})
        return super().log_batch(
            run_id,
            metrics,
            [Param(name, value) for name, value in masked.items()],
            [RunTag(tag.key, self.mask.mask(tag.value)) for tag in tags],
            synchronous,
        )
