"""What is in the channels of a training becomes inputs of its run."""

import os
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tg_mlflow.results import dataset
from tg_mlflow.results.dataset import log_channels
from tg_mlflow.results.dataset_file import count_bytes, digest_files
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.training_data import find_channels, find_training_data


def test_each_channel_has_a_digest_unless_that_takes_long_or_it_cannot_be_read(
    store: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dataset, "_MOST_CHANNEL_BYTES", 9)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "b.txt").write_text("one")
    (tmp_path / "words" / ".a").write_text("two")
    (tmp_path / "copy").symlink_to("words")
    (tmp_path / "large.bin").write_bytes(b"0123456789")
    paths = {"train": "words", "test": "copy", "large": "large.bin", "gone": "gone.bin", "file": "words/b.txt"}
    client, attempts = TrackingClient(store.tracking_uri), Attempts()
    run_id = store.create_run(store.get_experiment_by_name("test").experiment_id).info.run_id
    log_channels(client, run_id, {name: tmp_path / path for name, path in paths.items()}, attempts)
    run = store.get_run(run_id)
    assert {name: (each.name, each.digest) for name, each in find_channels(run).items()} == {
        "train": ("train/words", "14b1ad7a43004a449b43bf361d833b92"),
        "test": ("test/words", "14b1ad7a43004a449b43bf361d833b92"),
        "file": ("file/b.txt", "7692c3ad3540bb803c020b3aee66cd88"),  # of SHA-256, the first half
    }
    assert find_training_data(run) == []
    assert attempts.missing == ["channel gone"]
    assert "The content of channel 'large' is not recorded, as it has 0.0 GB: its digest would take long" in caplog.text


def test_a_digest_is_of_what_a_training_can_read_also_behind_links(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "b.txt").write_text("one")
    (tmp_path / "words" / "a").symlink_to("../far")
    (tmp_path / "far" / "circle").symlink_to("../words")
    (tmp_path / "far" / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "far" / "pipe")
    assert count_bytes(tmp_path / "words") == 3
    before = digest_files(tmp_path / "words")
    assert before == "1f789dff9975fd2e9072251f644607fd"
    (tmp_path / "far" / "b.txt").write_text("two")
    assert digest_files(tmp_path / "words") != before
