"""The files of checkpoints: which one counts, whatever has happened to them."""

import json
import os
import pickle
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tg.common.errors import CheckpointError, TaskDefinitionError
from tg.common.ml.training_core import Checkpoint, InMemoryTrainingEnvironment
from tg.common.ml.training_core.checkpoint_folder import CheckpointFolder


def fill(folder: Path, *steps: int) -> CheckpointFolder:
    checkpoints = CheckpointFolder(folder)
    for step in steps:
        checkpoints.save({"weights": [step] * 3}, step, {"points": {"loss": step}})
    return checkpoints


def load(folder: Path) -> Checkpoint | None:
    kept = CheckpointFolder(folder).load_latest()
    return None if kept is None else kept.checkpoint


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_last_checkpoint_comes_back_and_older_ones_go(tmp_path: Path) -> None:
    assert load(tmp_path / "none") is None
    fill(tmp_path, 10, 20, 30, 40, 50)
    assert load(tmp_path) == Checkpoint(50, {"weights": [50, 50, 50]})
    assert names(tmp_path) == ["000003.json", "000003.pkl", "000004.json", "000004.pkl", "000005.json", "000005.pkl"]
    marker = json.loads((tmp_path / "000005.json").read_text())
    state = (tmp_path / "000005.pkl").read_bytes()
    assert len(marker.pop("sha256")) == 64
    assert marker == {"format": 1, "step": 50, "size": len(state), "package": "", "notes": {"points": {"loss": 50}}}
    assert pickle.loads(state) == {"weights": [50, 50, 50]}


def test_a_step_that_comes_again_is_the_last_one(tmp_path: Path) -> None:
    fill(tmp_path, 10, 20)
    fill(tmp_path, 15)
    assert load(tmp_path) == Checkpoint(15, {"weights": [15, 15, 15]})


def cut(folder: Path) -> None:
    os.truncate(folder / "000002.pkl", 5)


def change(folder: Path) -> None:
    content = bytearray((folder / "000002.pkl").read_bytes())
    content[-3] ^= 1
    (folder / "000002.pkl").write_bytes(content)


def leave_marker_alone(folder: Path) -> None:
    (folder / "000002.pkl").unlink()  # as a copy made file by file does that has not come to its end


def cut_marker(folder: Path) -> None:
    os.truncate(folder / "000002.json", 20)


def replace_by_folder(folder: Path) -> None:
    (folder / "000002.pkl").unlink()
    (folder / "000002.pkl").mkdir()  # cannot be read, as a file without permission


def bring_later_format(folder: Path) -> None:
    marker = json.loads((folder / "000002.json").read_text())
    (folder / "000002.json").write_text(json.dumps({**marker, "format": 2}))


def test_what_the_machine_cannot_read_is_no_reason_to_take_an_older_one(tmp_path: Path) -> None:
    fill(tmp_path, 10, 20)
    replace_by_folder(tmp_path)
    with pytest.raises(CheckpointError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"checkpoint 2 in '{tmp_path}' cannot be read here: Is a directory; mend that, and resume the training"
    )


def fail_for_memory() -> None:
    raise MemoryError


class Hungry:
    def __reduce__(self) -> Any:
        return fail_for_memory, ()


def test_a_state_that_is_too_large_here_is_no_reason_either(tmp_path: Path) -> None:
    fill(tmp_path, 10).save(Hungry(), 20)
    with pytest.raises(CheckpointError, match=r"^checkpoint 2 in '.*' cannot be read here: MemoryError"):
        load(tmp_path)


class Bag:
    pass


def test_a_class_that_is_gone_is_named_and_the_states_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / "both", 10).save(Bag(), 20)
    CheckpointFolder(tmp_path / "one").save(Bag(), 20)
    monkeypatch.delattr(f"{__name__}.Bag")
    with pytest.raises(CheckpointError) as error:
        load(tmp_path / "one")
    assert str(error.value) == (
        f"there are 1 checkpoints in '{tmp_path / 'one'}', and none of them can be read: the last one needs "
        f"{__name__}.Bag, which this project does not have; restore it, or go on with the project as it was: tg-mlflow "
        "resume"
    )
    checkpoints = CheckpointFolder(tmp_path / "both")
    kept = checkpoints.load_latest()
    assert kept is not None
    assert kept.checkpoint.step == 10
    for step in (30, 40, 50):
        checkpoints.save([], step)
    assert [name for name in names(tmp_path / "both") if name.endswith("pkl")] == [
        "000002.pkl", "000003.pkl", "000004.pkl", "000005.pkl"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, "has 5 of its "),
        (change, "is damaged: its SHA-256 is another one"),
        (leave_marker_alone, "has no state: its file has not arrived, or was removed"),
        (cut_marker, "is damaged: JSONDecodeError"),
        (bring_later_format, "has the format 2, which this version does not know"),
    ],
)
def test_one_that_cannot_be_read_is_said_so_and_the_one_before_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Any, reason: str
) -> None:
    fill(tmp_path, 10, 20)
    damage(tmp_path)
    assert load(tmp_path) == Checkpoint(10, {"weights": [10, 10, 10]})
    assert f" WARNING: Checkpoint 2 cannot be read: {reason}" in capsys.readouterr().out


def test_a_training_never_begins_anew_without_a_word(tmp_path: Path) -> None:
    fill(tmp_path, 10, 20)
    cut(tmp_path)
    (tmp_path / "000001.pkl").unlink()
    with pytest.raises(CheckpointError) as error:
        load(tmp_path)
    assert str(error.value) == (
        f"there are 2 checkpoints in '{tmp_path}', and none of them can be read: the last one has 5 of its "
        f"{json.loads((tmp_path / '000002.json').read_text())['size']} bytes; bring one back, or remove this folder "
        "to train from the beginning"
    )


def test_a_first_one_that_was_not_written_to_its_end_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, 10)
    (tmp_path / "000001.json").unlink()
    assert load(tmp_path) is None
    assert "The first checkpoint was not written to its end" in capsys.readouterr().out


def test_damaged_ones_do_not_push_out_those_that_can_be_read(tmp_path: Path) -> None:
    fill(tmp_path, 10, 20, 30)
    for number in (2, 3):
        os.truncate(tmp_path / f"00000{number}.pkl", 0)
    checkpoints = CheckpointFolder(tmp_path)
    assert checkpoints.load_latest() is not None
    checkpoints.save("new", 40)
    assert names(tmp_path) == ["000001.json", "000001.pkl", "000004.json", "000004.pkl"]


def test_files_of_others_and_those_that_are_not_ours_stay(tmp_path: Path) -> None:
    for name in ("epoch-1.pt", "1.pkl", "notes.json"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".000001.pkl.abc").write_text("half of a state")  # of a process that was killed
    fill(tmp_path, 1, 2, 3, 4)
    assert names(tmp_path)[-3:] == ["1.pkl", "epoch-1.pt", "notes.json"]
    assert len(names(tmp_path)) == 9


def test_a_state_that_cannot_be_pickled_leaves_what_was_there(tmp_path: Path) -> None:
    checkpoints = fill(tmp_path, 10)
    with pytest.raises(TaskDefinitionError) as error:
        checkpoints.save(threading.Lock(), 20)
    assert str(error.value).startswith("the state of step 20 cannot be pickled: TypeError: ")
    assert names(tmp_path) == ["000001.json", "000001.pkl"]


def test_a_folder_that_takes_nothing_is_an_error_and_leaves_what_was_there(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    before = names(tmp_path)
    shutil.move(tmp_path, moved := tmp_path.with_name("moved"))
    tmp_path.write_text("a file is in the way")
    with pytest.raises(CheckpointError) as error:
        fill(tmp_path, 20)
    assert str(error.value) == (
        f"the checkpoint of step 20 cannot be written to '{tmp_path}': File exists; make room or bring the folder "
        "back, or name another one"
    )
    assert names(moved) == before


def test_who_reads_while_another_writes_gets_a_whole_one(tmp_path: Path) -> None:
    fill(tmp_path, 0)
    ended = threading.Event()

    def write() -> None:
        try:
            fill(tmp_path, *range(1, 200))
        finally:
            ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    last = 0
    while not ended.is_set():
        found = load(tmp_path)
        assert found is not None
        assert found.state == {"weights": [found.step] * 3}
        assert found.step >= last
        last = found.step
    writer.join()
    assert load(tmp_path) == Checkpoint(199, {"weights": [199] * 3})


def test_a_training_in_memory_keeps_them_where_it_is_told(tmp_path: Path) -> None:
    first = InMemoryTrainingEnvironment(checkpoints=tmp_path)
    assert first.latest_checkpoint() is None
    first.save_checkpoint([1.5], step=3)
    assert InMemoryTrainingEnvironment(checkpoints=tmp_path).latest_checkpoint() == Checkpoint(3, [1.5])
    other = InMemoryTrainingEnvironment()
    other.save_checkpoint([2.5], step=1)
    assert other.latest_checkpoint() == Checkpoint(1, [2.5])
    assert names(tmp_path) == ["tg-mlflow"]
    assert not other.is_stopping


@pytest.mark.parametrize("step", [-1, 1.5, "2", None])
def test_a_step_is_a_whole_number(step: Any) -> None:
    with pytest.raises(TaskDefinitionError) as error:
        InMemoryTrainingEnvironment().save_checkpoint([], step)
    assert str(error.value) == f"the step of a checkpoint is {step!r}; give a whole number from 0 on"
