"""Keeps one warning of AWS's MLflow plugin, which comes with the SageMaker SDK, out of everyone else's log.

The plugin takes each tracking URI for an Amazon resource name and fails for others; MLflow then warns once a request.
"""

import logging

_LOGGER = "mlflow.tracking.request_header.registry"
_WARNING = "Encountered unexpected error during resolving request headers"


class _NotOfOurServer(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        import mlflow  # who warns has it already; a command that needs no MLflow does not wait for it

        return mlflow.get_tracking_uri().startswith("arn:") or not str(record.msg).startswith(_WARNING)


_filter = _NotOfOurServer()


def silence_header_warnings() -> None:
    """Drops that warning from now on, unless the tracking server is SageMaker's; more than once is no harm."""
    logging.getLogger(_LOGGER).addFilter(_filter)
