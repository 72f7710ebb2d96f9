"""Runs a worker of Dask, which gets from the scheduler what it is to do."""

import os
import sys
import tempfile
from typing import Any

from ....errors import TgError
from ...delivery.package.package_file import read_installed_package
from ..contract.cluster import read_cluster
from ..contract.variables import find_ml_folder


def run_dask_worker(job: Any, module_name: str) -> None:
    """Works until the scheduler ends, or this process is stopped. The task's own modules can be imported.

    Args:
        job: The job, whose task may be a command: its project's modules can be imported then.
        module_name: The package's top module.

    Raises:
        TgError: If Dask is not installed here.
    """
    try:
        from distributed.cli import dask_worker
    except ImportError as error:
        raise TgError(
            "distribution is dask, and the library distributed is not installed where the training runs; add it to "
            "the project's requirements"
        ) from error
    cluster = read_cluster(find_ml_folder())
    interface = cluster.interface if len(cluster.hosts) > 1 else "lo"
    with tempfile.TemporaryDirectory(prefix="tg-worker-") as folder:
        if hasattr(job.task, "open_sources"):
            sys.path[:0] = job.task.open_sources(read_installed_package(module_name), folder)
        scheduler, own = os.environ["DASK_SCHEDULER_ADDRESS"], ["--name", cluster.host, "--local-directory", folder]
        options = ["--no-nanny", "--no-dashboard", "--interface", interface, *own]
        dask_worker.main([scheduler, *options], standalone_mode=False)
