"""Who follows jobs waits for what runs them, and says so once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tg.common import DeliveryError, JobUnreachableError
from tg.common.delivery.sagemaker.executor.job_patience import JobPatience, asking_once


class Clock:
    """A time that passes by waiting alone."""

    def __init__(self) -> None:
        self.time = 1000.0

    def wait(self) -> None:
        self.time += 10

    def now(self) -> float:
        return self.time


def explain(error: Exception) -> DeliveryError:
    if not isinstance(error, ConnectionError):
        raise error
    return DeliveryError(f"no answer: {error}")


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return ask


def warnings(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split("WARNING: ")[1] for line in capsys.readouterr().out.splitlines() if "WARNING" in line]


def test_it_asks_until_there_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    patience = JobPatience(90, clock.wait, clock.now)
    assert patience.ask(failing(), explain) == "done"
    assert patience.ask(failing(*[ConnectionError("cut")] * 9), explain) == "done"
    assert clock.time == 1090
    assert warnings(capsys) == [
        "no answer: cut; waiting up to 1.5 minutes for that to be settled, while the job goes on"
    ]


def test_the_time_of_an_answer_is_not_counted() -> None:
    clock = Clock()

    def hang() -> str:
        clock.time += 5000
        raise ConnectionError("cut")

    patience = JobPatience(30, clock.wait, clock.now)
    with pytest.raises(JobUnreachableError):
        patience.ask(hang, explain)
    assert clock.time == 1000 + 2 * 5000 + 10


def test_after_its_time_the_job_is_left_alone() -> None:
    clock = Clock()
    patience = JobPatience(30, clock.wait, clock.now)
    errors = [ConnectionError(str(number)) for number in range(100)]
    with pytest.raises(JobUnreachableError) as caught:
        patience.ask(failing(*errors), explain)
    assert str(caught.value) == "no answer: 4; the job goes on and can be followed again when that is settled"
    assert caught.value.__cause__ is errors[4]


def test_what_does_not_pass_is_raised_at_once_and_after_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    patience = JobPatience(90, clock.wait, clock.now)
    with pytest.raises(ValueError, match="refused"):
        patience.ask(failing(ValueError("refused")), explain)
    assert (clock.time, warnings(capsys)) == (1000, [])
    with pytest.raises(ValueError, match="refused"):
        patience.ask(failing(ConnectionError("cut"), ValueError("refused")), explain)
    assert (clock.time, len(warnings(capsys))) == (1010, 1)


def test_many_that_wait_for_the_same_say_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    is_back, everyone = threading.Event(), threading.Barrier(9)

    def ask() -> str:
        if not is_back.is_set():
            raise ConnectionError("cut")
        return "done"

    def pause() -> None:
        everyone.wait(30)
        is_back.wait(30)

    patience = JobPatience(90, pause)
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(patience.ask, ask, explain) for _ in range(8)]
        everyone.wait(30)
        is_back.set()
        assert [answer.result() for answer in answers] == ["done"] * 8
    assert len(warnings(capsys)) == 1


def test_who_only_looks_waits_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    patience = JobPatience(90, clock.wait, clock.now)
    with asking_once(), pytest.raises(JobUnreachableError, match=r"^no answer: cut$"):
        patience.ask(failing(ConnectionError("cut")), explain)
    assert (clock.time, warnings(capsys)) == (1000, [])
    assert patience.ask(failing(ConnectionError("cut")), explain) == "done"
