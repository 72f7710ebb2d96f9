import pytest

from tg.common.delivery.sagemaker import LogEvent
from tg.common.delivery.sagemaker.contract.own_lines import OwnLines
from tg_mlflow.console import Console, Verbosity, read_verbosity, showing
from tg_mlflow.errors import BackendConfigError

STAMP = "2022-12-20 16:37:43.176351 INFO: "
OWN = (
    f"{STAMP}Welcome to Training Grounds!\n"
    f"{STAMP}Loading job\n"
    f"{STAMP}Job of type <class 'Task__0.tg.common.delivery.sagemaker.runtime.job.SagemakerJob'> is loaded\n"
    f"{STAMP}Job has `run` attribute\n"
    f'{STAMP}{{"name": "Task", "version": "0", "tg_import_path": "Task__0.tg", "variables": {{}}}}\n'
)
SAID = f"epoch 1\n{STAMP}Starting stage 1/1\n{STAMP}###METRIC###loss:0.5###\n"
ENDED = f"{STAMP}Saved artifact /opt/ml/model/runs/0/model\n{STAMP}DONE. Exiting Training Grounds.\n"


def split(text: str, size: int) -> list[bytes]:
    data = text.encode()
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
def test_own_lines_are_left_out_in_pieces_of_any_size(size):
    lines = OwnLines()
    rest = b"".join(lines.feed(piece) for piece in split(OWN + SAID + ENDED + "2022-12-20 an open line", size))
    assert (rest + lines.finish()).decode() == SAID + "2022-12-20 an open line"


def test_what_only_looks_like_an_own_line_stays():
    text = (
        "Loading job\n"  # has no stamp
        f"so far: {STAMP}Loading job\n"  # is not the beginning of the line
        f"{STAMP}Loading jobs of a thousand users\n"
        f"{STAMP.replace('INFO', 'WARNING')}Loading job\n"
        f'{STAMP}{{"name": "my result"}}\n'
    )
    for size in (1, 30, 10_000):
        lines = OwnLines()
        assert b"".join(lines.feed(piece) for piece in split(text, size)).decode() == text


def test_a_progress_bar_is_shown_as_it_comes():
    lines = OwnLines()
    assert [lines.feed(piece) for piece in (b"\r 10%|#", b"\r 20%|##", b" done\n")] == [
        b"\r 10%|#",
        b"\r 20%|##",
        b" done\n",
    ]


@pytest.mark.parametrize(
    ("verbosity", "shown"),
    [(Verbosity.QUIET, ""), (Verbosity.NORMAL, SAID), (Verbosity.VERBOSE, OWN + SAID + ENDED)],
)
def test_console_shows_as_much_as_its_verbosity_says(verbosity, shown, capsys):
    console = Console(verbosity)
    for piece in split(OWN + SAID + ENDED, 40):
        console.show(LogEvent(piece, 0))
    console.finish()
    assert capsys.readouterr().out == shown


def test_a_line_that_was_held_back_is_shown_at_the_end(monkeypatch, capsys):
    monkeypatch.delenv("TG_VERBOSITY", raising=False)
    with showing(None) as show:
        show(LogEvent(b"2022-12", 0))
        assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "2022-12"


def test_verbosity_is_normal_without_the_variable(monkeypatch):
    monkeypatch.delenv("TG_VERBOSITY", raising=False)
    assert read_verbosity() is Verbosity.NORMAL
    monkeypatch.setenv("TG_VERBOSITY", "verbose")
    assert read_verbosity() is Verbosity.VERBOSE


def test_another_verbosity_is_refused(monkeypatch):
    monkeypatch.setenv("TG_VERBOSITY", "loud")
    with pytest.raises(BackendConfigError, match="TG_VERBOSITY is 'loud'; give one of quiet, normal, verbose"):
        read_verbosity()
