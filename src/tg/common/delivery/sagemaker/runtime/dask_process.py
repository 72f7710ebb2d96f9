"""Runs the scheduler of Dask, or a worker, in a process that can import the task's modules."""

import os
import sys
import tempfile
from typing import Any

from ...delivery.package.package_file import read_installed_package
from ..contract.cluster import read_cluster
from ..contract.variables import ROLE_VARIABLE, SCHEDULER_ROLE, find_ml_folder


def run_dask(job: Any, module_name: str) -> None:
    """Works until this process is stopped; a worker also ends when its scheduler has.

    Args:
        job: The job, whose task may be a command: its project's modules can be imported then.
        module_name: The package's top module.
    """
    cluster = read_cluster(find_ml_folder())
    interface = cluster.interface if len(cluster.hosts) > 1 else "lo"
    scheduler = os.environ["DASK_SCHEDULER_ADDRESS"]
    with tempfile.TemporaryDirectory(prefix="tg-dask-") as folder:
        if hasattr(job.task, "open_sources"):
            sys.path[:0] = job.task.open_sources(read_installed_package(module_name), folder)
        if os.environ[ROLE_VARIABLE] == SCHEDULER_ROLE:
            from distributed.cli.dask_scheduler import main

            main(
                ["--interface", interface, "--port", scheduler.rpartition(":")[2], "--no-dashboard"],
                standalone_mode=False,
            )
        else:
            from distributed.cli.dask_worker import main

            own = ["--name", cluster.host, "--local-directory", folder]
            main([scheduler, "--no-nanny", "--no-dashboard", "--interface", interface, *own], standalone_mode=False)
