"""Makes a launcher impatient: what it waits for minutes, it waits for seconds, so that a table takes minutes."""

import os
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 3
DISK_VARIABLE = "TG_SEAMS_DISK"
"""Orders a fault of the disk, for :func:`break_disk`."""
TIMEOUT_SECONDS = 2
CALM_VARIABLE = "TG_SEAMS_CALM"
"""Lets a command be as patient as any other: it meets no fault."""

_SCRIPT = """
import sys

sys.path.insert(0, {root!r})
from tests.integration.seams.haste import hurry

hurry()
sys.path.pop(0)
from {module} import {function}

sys.exit({function}())
"""


def write_commands(folder: Path) -> None:
    """Writes impatient counterparts of ``mlflow`` and ``tg-mlflow``."""
    for name, module, function in (("mlflow", "mlflow.cli", "cli"), ("tg-mlflow", "tg_mlflow.cli.main", "main")):
        (folder / name).write_text(_SCRIPT.format(root=str(ROOT), module=module, function=function))


def hurry() -> None:
    """Changes this process: how long it waits for AWS and for Docker, and what its disk does."""
    if os.environ.pop(CALM_VARIABLE, None):
        return
    import docker
    from botocore.config import Config

    from tg.common.delivery.delivery.image.silence import Silence
    from tg.common.delivery.delivery.image.watched_stream import read_watched
    from tg.common.delivery.sagemaker.aws import s3_download
    from tg.common.delivery.sagemaker.aws.session import AwsSession
    from tg.common.delivery.sagemaker.container.patience import EnginePatience
    from tg.common.delivery.sagemaker.remote.pacing import Pacing
    from tg_mlflow.places.sagemaker import SagemakerPlace

    pacing = Pacing(
        status_seconds=0.1,
        log_seconds=0.1,
        quiet_seconds=0.3,
        drain_seconds=PATIENCE_SECONDS,
        search_seconds=0.1,
        streams_seconds=0.3,
        create_seconds=0.2,
        patience_seconds=PATIENCE_SECONDS,
    )
    s3_download.download_object.__defaults__ = (0.1,)
    Config.OPTION_DEFAULTS.update(connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS)
    AwsSession.__init__.__defaults__ = (None, None, None, PATIENCE_SECONDS, 0.2, None)
    read_watched.__defaults__ = (0.2,)
    given = Silence.__init__.__defaults__ or ()
    Silence.__init__.__defaults__ = (given[0], PATIENCE_SECONDS, given[2])
    EnginePatience.__init__.__defaults__ = (PATIENCE_SECONDS, 0.2)
    docker.APIClient = partial(docker.APIClient, timeout=TIMEOUT_SECONDS)  # type: ignore[misc,assignment]
    SagemakerPlace.open = partial(_open, pacing)  # type: ignore[method-assign]
    if order := os.environ.pop(DISK_VARIABLE, None):
        from tests.integration.seams.disk import break_disk

        break_disk(order)


def _open(pacing: Any, options: Any, is_shared: bool = False) -> Any:
    from tg.common.delivery.sagemaker import RemoteExecutor

    return RemoteExecutor(options, pacing=pacing)
