import time
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime.environment import ArchiveEnvironment


def test_progress_is_a_line_for_the_launcher_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "time_ns", lambda: 1_796_058_000_123_456_789)
    environment = ArchiveEnvironment(MlFolder(tmp_path))
    for now in (50.0, 50.1, 50.9, 51.0, 51.5, 53.0):
        environment.log_progress(int(now * 10) - 500, 30, "epoch")
    assert capfd.readouterr().out == "".join(
        f'###JOB###{{"op":"progress","done":{done},"of":30,"unit":"epoch","time":1796058000123}}###\n'
        for done in (0, 10, 30)
    )


def test_the_leaders_checkpoints_are_those_of_all_hosts(tmp_path: Path) -> None:
    leader = ArchiveEnvironment(MlFolder(tmp_path))
    other = ArchiveEnvironment(MlFolder(tmp_path, "algo-2"))
    leader.save_checkpoint({"weight": 1}, 5)
    other.save_checkpoint({"weight": 2}, 6)
    for environment in (leader, other):
        checkpoint = environment.latest_checkpoint()
        assert checkpoint is not None
        assert (checkpoint.step, checkpoint.state) == (5, {"weight": 1})
