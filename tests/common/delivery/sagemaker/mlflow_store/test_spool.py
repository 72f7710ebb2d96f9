import errno
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.sagemaker.mlflow_store.spool import Spool


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_record_is_a_line_in_ascii_without_number_signs(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").write({"op": "note", "text": "#1\nü"})
    assert (tmp_path / "spool").read_bytes() == b'{"op":"note","text":"\\u00231\\n\\u00fc"}\n'


def test_threads_and_another_that_has_the_file_open_take_turns(tmp_path: Path) -> None:
    one, other = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: (one, other)[number % 2].write({"text": str(number) * 500}), range(200)))
    assert sorted(each["text"] for each in read(tmp_path / "spool")) == sorted(str(each) * 500 for each in range(200))


def test_who_holds_it_may_write(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    with spool.locked() as size:
        spool.write({"op": "begin"})
    with spool.locked() as later:
        assert (size, later) == (0, len('{"op":"begin"}\n'))


@pytest.mark.parametrize("taken", [0, 5], ids=["nothing", "a part"])
def test_what_a_full_disk_does_not_take_is_written_with_the_next_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, taken: int
) -> None:
    spool, write = Spool(tmp_path / "spool"), os.write
    spool.write({"n": 1})

    def write_on_full_disk(file: int, data: bytes) -> int:
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[:taken])

    with monkeypatch.context() as full, caplog.at_level(logging.WARNING):
        full.setattr(os, "write", write_on_full_disk)
        spool.write({"n": 2})
        spool.write({"n": 3})
    assert read(tmp_path / "spool") == [{"n": 1}]
    assert len(caplog.messages) == 1
    assert "held back" in caplog.text
    spool.write({"n": 4})
    assert read(tmp_path / "spool") == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]


@pytest.mark.starts_process
def test_a_forked_process_writes_its_own_records_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "missing" / "spool")
    spool.write({"held": "back"})
    (tmp_path / "missing").mkdir()
    child = os.fork()
    if not child:
        try:
            spool.write({"from": "child"})
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert read(tmp_path / "missing" / "spool") == [{"from": "child"}]
    spool.write({"from": "parent"})
    assert read(tmp_path / "missing" / "spool") == [{"from": "child"}, {"held": "back"}, {"from": "parent"}]
