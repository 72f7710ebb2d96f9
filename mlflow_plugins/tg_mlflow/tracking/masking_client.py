"""A client of the tracking server that lets no secret through."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from tg.common.secret_mask import SecretMask

_LONGEST_TAG = 8000
_LONGEST_PARAM = 6000


class MaskingClient(MlflowClient):
    """Writes params, tags and the names of runs without the secrets that it knows.

    Values are cut to the length that MLflow takes. What is no text, or PostgreSQL does not take, is escaped.

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
        masked = self._mask_named({name: str(value) for name, value in (tags or {}).items()}, _LONGEST_TAG)
        name = None if run_name is None else _make_storable(self.mask.mask(run_name))
        return super().create_run(experiment_id, start_time, masked, name)

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Sets a tag without secrets."""
        return super().set_tag(run_id, key, self._mask_named({key: str(value)}, _LONGEST_TAG)[key], synchronous)

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> Any:
        """Logs metrics as they are, params and tags without secrets."""
        masked_params = self._mask_named({param.key: param.value for param in params}, _LONGEST_PARAM)
        masked_tags = self._mask_named({tag.key: tag.value for tag in tags}, _LONGEST_TAG)
        return super().log_batch(
            run_id,
            metrics,
            [Param(name, value) for name, value in masked_params.items()],
            [RunTag(name, value) for name, value in masked_tags.items()],
            synchronous,
        )

    def _mask_named(self, values: Mapping[str, str], longest: int) -> dict[str, str]:
        # Cut when they are masked: what is left of a secret that was cut would not be known as one.
        masked = self.mask.mask_named(values)
        return {name: _make_storable(value)[:longest] for name, value in masked.items()}


def _make_storable(text: str) -> str:
    """Escapes half characters, as in the names of some files, and the character NUL, which PostgreSQL refuses."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
