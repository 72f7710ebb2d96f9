import os
from pathlib import Path

from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.distribution.failure import HostEnd, find_cause, read_end


def write_failure(folder: MlFolder, text: str, time: float) -> None:
    folder.failure.parent.mkdir(parents=True, exist_ok=True)
    folder.failure.write_text(text)
    os.utime(folder.failure, (time, time))


def test_a_host_has_failed_for_what_went_wrong_first(tmp_path: Path) -> None:
    write_failure(MlFolder(tmp_path), "RuntimeError: connection closed by peer\n", 20)
    write_failure(MlFolder(tmp_path, "algo-1/rank-1"), "ValueError: no\ntrace", 10)
    write_failure(MlFolder(tmp_path, "algo-1/rank-2"), "the training was stopped by SIGTERM\n", 5)
    assert read_end(MlFolder(tmp_path), 1, 30) == HostEnd("ValueError: no", 10)
    assert read_end(MlFolder(tmp_path), 0, 30) == HostEnd(None, 30)


def test_a_process_that_says_nothing_was_killed_or_crashed(tmp_path: Path) -> None:
    end = read_end(MlFolder(tmp_path), 1, 30)
    assert end == HostEnd("a process ended without saying why; see the log", 30, is_silent=True)
    killed = read_end(MlFolder(tmp_path), -11, 30)
    assert killed.reason == "it was killed by SIGSEGV: Python or a library has crashed"


def test_the_first_host_to_fail_is_the_cause_unless_one_is_gone() -> None:
    lost_peer = HostEnd("RuntimeError: connection closed by peer", 10)
    assert find_cause({"algo-1": HostEnd(None, 9), "algo-2": HostEnd(None, 9)}) is None
    said = {"algo-1": lost_peer, "algo-2": HostEnd("ValueError: no", 9.5)}
    assert find_cause(said) == "host algo-2: ValueError: no"
    gone = {"algo-1": lost_peer, "algo-2": HostEnd("it is gone", 11, is_silent=True)}
    assert find_cause(gone) == "host algo-2: it is gone"
