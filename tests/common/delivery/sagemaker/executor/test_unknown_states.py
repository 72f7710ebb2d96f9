"""A job whose state has a name that nobody knows is watched, and not for ever."""

import pytest

from tests.common.delivery.sagemaker.executor.test_job_patience import Clock, warnings
from tg.common import JobUnreachableError
from tg.common.delivery.sagemaker.executor.unknown_states import UnknownStates


def test_one_warning_tells_it(capsys: pytest.CaptureFixture[str]) -> None:
    states = UnknownStates("Docker", 900)
    for _ in range(3):
        states.note("job", "frozen")
    assert warnings(capsys) == [
        "Docker says that job 'job' is 'frozen', which this version of tg-mlflow does not know; waiting up to 15 "
        "minutes for another state"
    ]


def test_a_job_is_let_go_of_when_that_lasts_too_long() -> None:
    clock = Clock()
    states = UnknownStates("Docker", 25, clock.now)
    for _ in range(3):
        states.note("job", "frozen")
        clock.wait()
    with pytest.raises(JobUnreachableError, match=r"'job' is 'frozen'.* can be followed again with a newer version"):
        states.note("job", "frozen")


def test_a_known_state_in_between_starts_the_time_anew() -> None:
    clock = Clock()
    states = UnknownStates("Docker", 25, clock.now)
    for word in ("frozen", "frozen", None, "frozen", "thawing", "thawing"):
        states.note("job", word)
        states.note("another", None)
        clock.wait()
