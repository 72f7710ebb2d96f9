"""Calls to a tracking server: whatever becomes of one, nothing is lost without a word."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from tests.integration.seams.faults import Fault
from tests.integration.seams.later import DETACHED, WAITING_TASKS, AttachScene, CancelScene
from tests.integration.seams.small_project import MLPROJECT, TASKS
from tests.integration.seams.tracked_scene import TrackedScene
from tests.integration.seams.walk import assert_nothing_is_lost, order_some, order_turns
from tests.support import ProjectFolder
from tests.tracking_server import TrackingServer

# Calls by which a model is logged and registered.
OF_A_MODEL = re.compile(
    r"""logged-models | outputs | get-history | registered-models | model-versions
    | file\ (MLmodel|code|data|.*(example|yaml|requirements))""",
    re.VERBOSE,
)


@pytest.fixture
def small(project: ProjectFolder) -> ProjectFolder:
    project.write("tasks.py", TASKS)
    project.write("MLproject", MLPROJECT)
    return project


def test_nothing_is_lost_of_a_training_in_a_child_process(
    small: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    scene = TrackedScene("process", small.path, tmp_path, sqlite_server.uri)
    assert_nothing_is_lost("tg-process: the tracking server", scene, partial(order_some, decisive=["runs/create"]))


def test_nothing_is_lost_of_a_training_in_the_launcher(
    small: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path
) -> None:
    scene = TrackedScene("attached", small.path, tmp_path, sqlite_server.uri)
    assert_nothing_is_lost(
        "tg-attached: the tracking server", scene, lambda calls: order_some(calls, ["runs/create"])[:3]
    )


def test_nothing_is_lost_of_a_model(project: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path) -> None:
    register = {"name": "points", "alias": "champion", "if_better": "roc_auc_score_test"}
    project.write("tg.json", json.dumps({**json.loads((project.path / "tg.json").read_text()), "register": register}))
    scene = TrackedScene("process", project.path, tmp_path, sqlite_server.uri)
    assert_nothing_is_lost(
        "tg-process: the tracking server, for a model",
        scene,
        lambda calls: order_turns(calls[::2], [Fault.EVER, Fault.LOST, Fault.AWAY]),
        OF_A_MODEL.search,
    )


class AttachToServer(AttachScene, TrackedScene):
    """Attaches where a tracking server goes wrong."""


class CancelAtServer(CancelScene, TrackedScene):
    """Cancels where a tracking server goes wrong."""


def test_nothing_is_lost_by_attach(small: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path) -> None:
    small.write("tg.json", DETACHED)
    scene = AttachToServer("process", small.path, tmp_path, sqlite_server.uri)
    assert_nothing_is_lost(
        "tg-mlflow attach: the tracking server", scene, lambda calls: order_some(calls, ["GET runs/get"])[:3:2]
    )


def test_nothing_is_lost_by_cancel(small: ProjectFolder, sqlite_server: TrackingServer, tmp_path: Path) -> None:
    small.write("tasks.py", WAITING_TASKS)
    small.write("tg.json", DETACHED)
    scene = CancelAtServer("process", small.path, tmp_path, sqlite_server.uri)
    assert_nothing_is_lost(
        "tg-mlflow cancel: the tracking server",
        scene,
        lambda calls: order_some(calls, ["GET runs/get", "runs/update KILLED"])[:3:2],
        word="KILLED, whole",
    )
