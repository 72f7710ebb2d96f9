"""Which process launches the trainings of a run, so that no second one does at the same time."""

import json
import os
import socket
from collections.abc import Mapping

from tg.common.delivery.sagemaker.process_supervisor import describe_process, is_alive
from tg_mlflow.run_tags import LAUNCHER_TAG


def build_launcher_tag() -> dict[str, str]:
    """Describes this process as a run's launcher."""
    return {LAUNCHER_TAG: json.dumps({"host": socket.gethostname(), **describe_process(os.getpid())})}


def find_other_launcher(tags: Mapping[str, str]) -> int | None:
    """Finds the process that launches a run's trainings now.

    Returns:
        Its id; ``None`` if it has ended, runs on another machine, where it cannot be seen, or is this one.
    """
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    if launcher is None or not is_this_host(tags) or launcher["pid"] == os.getpid() or not is_alive(launcher):
        return None
    return int(launcher["pid"])


def is_this_host(tags: Mapping[str, str]) -> bool:
    """Whether a run's last launcher ran on this machine."""
    launcher = json.loads(tags.get(LAUNCHER_TAG, "null"))
    return launcher is not None and launcher["host"] == socket.gethostname()
