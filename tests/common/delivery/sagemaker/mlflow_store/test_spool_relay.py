import errno
import json
import os
import threading
from pathlib import Path

import pytest

from tests.processes import wait_for
from tg.common.delivery.sagemaker.contract.mlflow_lines import MARKER
from tg.common.delivery.sagemaker.contract.record_lines import LONGEST_RECORD, RecordLineParser
from tg.common.delivery.sagemaker.mlflow_store.spool import Spool
from tg.common.delivery.sagemaker.mlflow_store.spool_relay import SpoolRelay, join_metrics

HEAD = b'{"op":"batch","run":"a","params":[],"tags":[],"metrics":['


def test_records_are_printed_while_the_training_goes_on_and_to_the_last_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = ""
    with SpoolRelay(tmp_path / "spool"):
        spool = Spool(tmp_path / "spool")
        spool.write({"op": "begin"})

        def is_printed() -> bool:
            nonlocal printed
            printed += capfd.readouterr().out
            return bool(printed)

        wait_for(is_printed)
        for text in ("one", "two", "one"):
            spool.write({"op": "note", "text": text})
        spool.write({"op": "delete_run", "run": "a"})
    assert printed + capfd.readouterr().out == (
        '###MLFLOW###1:{"op":"begin"}###\n'
        '###MLFLOW###2:{"op":"note","text":"one"}###\n'
        '###MLFLOW###3:{"op":"note","text":"two"}###\n'
        '###MLFLOW###4:{"op":"delete_run","run":"a"}###\n'
    )


def test_a_training_that_uses_no_mlflow_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with SpoolRelay(tmp_path / "spool"):
        pass
    assert capfd.readouterr().out == ""


def test_a_task_may_redirect_its_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = os.dup(1)
    with SpoolRelay(tmp_path / "spool"):
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
        Spool(tmp_path / "spool").write({"op": "x"})
    os.dup2(kept, 1)
    os.close(kept)
    assert capfd.readouterr().out == '###MLFLOW###1:{"op":"x"}###\n'


def test_a_line_of_which_a_part_is_written_waits_for_the_rest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "spool").write_bytes(b'{"op":"x"}\n{"op":')
    with SpoolRelay(tmp_path / "spool"):
        wait_for(lambda: capfd.readouterr().out == '###MLFLOW###1:{"op":"x"}###\n')
        with (tmp_path / "spool").open("ab") as file:
            file.write(b'"y"}\n')
    assert capfd.readouterr().out == '###MLFLOW###2:{"op":"y"}###\n'


def test_what_cannot_be_read_for_a_while_is_printed_later(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, failed = os.read, threading.Event()

    def fail_once(file: int, count: int) -> bytes:
        if not failed.is_set():
            failed.set()
            raise OSError(errno.EIO, "Input/output error")
        return read(file, count)

    (tmp_path / "spool").write_bytes(b'{"op":"x"}\n')
    monkeypatch.setattr("tg.common.delivery.sagemaker.mlflow_store.spool_relay.os.read", fail_once)
    with SpoolRelay(tmp_path / "spool"):
        assert failed.wait(30)
    assert capfd.readouterr().out == '###MLFLOW###1:{"op":"x"}###\n'


def test_what_cannot_be_read_at_all_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "spool").mkdir()
    with SpoolRelay(tmp_path / "spool"):
        pass
    assert "WARNING: What is recorded with MLflow is not all in the log: [Errno 21]" in capsys.readouterr().out


def test_a_long_record_is_printed_in_pieces(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with SpoolRelay(tmp_path / "spool"):
        Spool(tmp_path / "spool").write({"op": "file", "data": "x" * 9_000})
    printed = capfdbinary.readouterr().out
    assert printed.count(b"\n") == 3
    text, records = RecordLineParser(MARKER).feed(printed)
    assert (text, records) == (b"", [(1, {"op": "file", "data": "x" * 9_000})])


@pytest.mark.parametrize(
    ("records", "joined"),
    [
        ([HEAD + b'["a",1.0,7,0]]}', HEAD + b'["a",2.0,8,1]]}'], [HEAD + b'["a",1.0,7,0],["a",2.0,8,1]]}']),
        ([HEAD + b"[1]]}", b'{"op":"x"}', HEAD + b"[2]]}"], [HEAD + b"[1]]}", b'{"op":"x"}', HEAD + b"[2]]}"]),
        (
            [HEAD + b"[1]]}", HEAD.replace(b"a", b"b") + b"[2]]}"],
            [HEAD + b"[1]]}", HEAD.replace(b"a", b"b") + b"[2]]}"],
        ),
        ([HEAD.replace(b'"tags":[', b'"tags":[["k","v"]') + b"[1]]}"] * 2, 2),
        ([], []),
    ],
    ids=["one run", "another change between", "two runs", "with tags", "nothing"],
)
def test_metrics_of_a_run_that_follow_each_other_become_one_record(
    records: list[bytes], joined: list[bytes] | int
) -> None:
    found = list(join_metrics(records))
    assert found == (records if isinstance(joined, int) else joined)


def test_joined_metrics_fit_into_one_line_and_none_is_lost() -> None:
    records = [HEAD + b'["loss",%d.5,1700000000000,%d]]}' % (step, step) for step in range(1_000)]
    joined = list(join_metrics(records))
    assert max(map(len, joined)) <= LONGEST_RECORD
    assert len(joined) < 12
    assert [point[3] for each in joined for point in json.loads(each)["metrics"]] == list(range(1_000))
