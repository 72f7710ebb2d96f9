"""A large archive does not fill the memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, sys
from pathlib import Path
from tg.common.delivery.sagemaker.archive.result_archive import (
    ResultArchive,
    write_completion_marker,
    write_result_archive,
)

def measure_peak():
    # Not getrusage: its maximum starts with that of the process that has started this one.
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024

before = measure_peak()
folder = Path(sys.argv[1])
(folder / "model").mkdir()
# A quarter of it is random: all of it would take a quarter of a minute to compress, with the same memory.
block = b"".join(os.urandom(256) + bytes(768) for _ in range(4096))
with open(folder / "model" / "large.bin", "wb") as file:
    for _ in range(64):
        file.write(block)
write_completion_marker(folder / "model")
write_result_archive(folder / "model", folder / "model.tar.gz")
(folder / "model" / "large.bin").unlink()
with ResultArchive(folder / "model.tar.gz") as archive:
    names, is_complete = archive.list(), archive.is_complete
size = (folder / "model.tar.gz").stat().st_size
print(json.dumps([names, is_complete, size, measure_peak(), measure_peak() - before]))
"""


@pytest.mark.starts_process
def test_a_quarter_of_a_gigabyte_is_written_and_opened_in_little_memory(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    (tmp_path / "model.tar.gz").unlink()
    names, is_complete, size, peak, used = json.loads(result.stdout)
    assert names == ["large.bin", "completed.json"]
    assert is_complete
    assert size > 64 << 20
    assert peak < 200_000_000
    assert used < 50_000_000  # besides the libraries
