"""What a training logs in a job: its files in the archive's folder, and small ones in the log, too."""

import threading
from pathlib import Path

import pandas as pd
import pytest

from tg.common import TaskDefinitionError
from tg.common.delivery.delivery.package.pickling import load_pickle
from tg.common.delivery.sagemaker.contract.job_lines import MARKER
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.contract.record_lines import RecordLineParser
from tg.common.delivery.sagemaker.runtime.environment import ArchiveEnvironment


@pytest.fixture
def environment(tmp_path: Path) -> ArchiveEnvironment:
    return ArchiveEnvironment(MlFolder(tmp_path / "ml"))


def files_of(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def test_small_files_are_in_the_log_and_all_in_the_archive(
    environment: ArchiveEnvironment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, size in {"small.bin": 64_000, "large.bin": 64_001}.items():
        (tmp_path / name).write_bytes(bytes(size))
        environment.log_file(tmp_path / name, f"sub/{name}")
    environment.log_table({"a": [1]}, "a.json")
    (environment.output_folder / "left.txt").write_text("left")
    assert files_of(tmp_path / "ml" / "model" / "tg_output" / "logged") == {
        "files/sub/small.bin": 64_000,
        "files/sub/large.bin": 64_001,
        "tables/a.json": 30,
    }
    assert files_of(tmp_path / "ml" / "output" / "data") == {"left.txt": 4}
    parser = RecordLineParser(MARKER)
    shown, records = parser.feed(capfd.readouterr().out.encode())
    small, large, table = (record.content for record in records)
    assert (small["op"], small["path"], len(small["data"])) == ("file", "sub/small.bin", 85336)
    assert large == {"op": "file", "path": "sub/large.bin", "is_table": False}
    assert table["data"] == "eyJjb2x1bW5zIjpbImEiXSwiZGF0YSI6W1sxXV19"
    assert table["is_table"]
    assert [line.partition(" INFO: ")[2] for line in shown.decode().splitlines()] == [
        "Logged sub/small.bin",
        "Logged sub/large.bin",
        "Logged a.json",
    ]


def test_a_checkpoint_says_whose_it_is_unless_no_server_knows_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ml = MlFolder(tmp_path / "ml")
    for made_up in ("b", "a"):
        monkeypatch.setenv("TG_RUN_ID", "a")
        monkeypatch.setenv("TG_MADE_UP_RUN_ID", made_up)  # of an earlier job of this process, or of this one
        ArchiveEnvironment(ml).save_checkpoint([], 1)
        monkeypatch.setenv("TG_RUN_ID", "c")
        ArchiveEnvironment(ml).latest_checkpoint()
    records = RecordLineParser(MARKER).feed(capfd.readouterr().out.encode())[1]
    assert [record.content for record in records] == [
        {"op": "resumed", "step": 1, "points": {}, "run": "a"},
        {"op": "resumed", "step": 1, "points": {}},
    ]


class Model:
    """Predicts nothing, and can be pickled as long as it holds nothing else."""

    def __init__(self, held: object = None) -> None:
        self.held = held

    def predict(self, features: pd.DataFrame) -> list[int]:
        return [0] * len(features)


def test_a_model_is_in_the_archive_with_a_few_rows_and_announced(
    environment: ArchiveEnvironment, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment.log_model(Model(1), "net", example=pd.DataFrame({"x": range(30)}))
    folder = tmp_path / "ml" / "model" / "tg_output" / "logged" / "models" / "net"
    assert pd.read_parquet(folder / "example.parquet")["x"].tolist() == list(range(20))
    environment.log_model(Model(2), "net")
    assert list(files_of(folder)) == ["model.pkl"]
    assert load_pickle(folder / "model.pkl").held == 2
    _, records = RecordLineParser(MARKER).feed(capfd.readouterr().out.encode())
    assert [record.content for record in records] == [{"op": "file", "path": "model net"}] * 2
    with pytest.raises(TaskDefinitionError, match=r"^the model 'net' cannot be pickled: TypeError: "):
        environment.log_model(Model(threading.Lock()), "net")
    assert not folder.exists()


def test_the_log_carries_so_much_and_no_more(
    environment: ArchiveEnvironment, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_left_bytes", 70)
    for _ in range(3):
        environment.log_table({"a": [1]}, "a.json")
    _, records = RecordLineParser(MARKER).feed(capfd.readouterr().out.encode())
    assert ["data" in record.content for record in records] == [True, True, False]
