"""A client of the tracking server that lets no secret through."""

from collections.abc import Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from tg.common.secret_mask import SecretMask


class MaskingClient(MlflowClient):
    """Writes params and tags without the secrets that it knows.

    Args:
        tracking_uri: The tracking server.
        mask: The secrets.

    Attributes:
        mask: The secrets.
    """

    def __init__(self, tracking_uri: str, mask: SecretMask) -> None:
        super().__init__(tracking_uri)
        self.mask = mask

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
