import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.starts_process

PROGRAM = """
import multiprocessing
from tg.common.delivery.sagemaker import refuse_in_starting_worker

def main():
    refuse_in_starting_worker()
    print("trained", flush=True)
    worker = multiprocessing.get_context("{method}").Process(target=print, args=("worked",))
    worker.start()
    worker.join()
    print(worker.exitcode)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize(
    ("guard", "expected"),
    [("if True:", "trained 1"), ("if __name__ == '__main__':", "trained worked 0")],
)
def test_a_worker_does_not_train_again(tmp_path: Path, method: str, guard: str, expected: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"{PROGRAM.format(method=method)}\n{guard}\n    main()\n", encoding="utf-8")
    ended = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout.split() == expected.split()
    message = "TgError: a worker process of a training must not start the training again; start it below `if __name__"
    assert (message in ended.stderr) == (expected == "trained 1")
