from collections.abc import Callable
from typing import Any

import pytest

from tg.common import ContainerError
from tg.common.delivery.delivery.image.docker_client import EngineAwayError
from tg.common.delivery.delivery.image.silence import Silence

WHAT = "image 'titanic:1' cannot be built"


def watch(shows_life: Callable[[], bool], times: list[float]) -> Silence:
    return Silence(WHAT, shows_life, 900, lambda: times[0])


def no_daemon() -> bool:
    raise ContainerError("no Docker daemon answers")


@pytest.mark.parametrize("shows_life", [lambda: False, no_daemon], ids=["no step runs", "the daemon is away"])
def test_silence_without_a_sign_of_life_has_a_bound(shows_life: Any) -> None:
    times = [0.0]
    silence = watch(shows_life, times)
    times[0] = 900
    assert silence.look(900)
    times[0] = 901
    with pytest.raises(EngineAwayError) as caught:
        silence.look(901)
    assert str(caught.value) == (
        f"{WHAT}: the Docker daemon has said nothing of it for 15 minutes; see whether it is well, and start again"
    )


def test_a_step_that_runs_may_be_silent_for_a_day() -> None:
    times = [86400.0]
    assert watch(lambda: True, times).look(86400)


def test_the_bound_begins_anew_with_what_is_said_and_with_the_end_of_a_step() -> None:
    times, runs = [0.0], [True]
    silence = watch(lambda: runs[0], times)
    times[0] = 5000
    assert silence.look(5000)
    runs[0] = False
    times[0] = 5900
    assert silence.look(5900)
    times[0] = 9000
    assert silence.look(10)
    with pytest.raises(EngineAwayError):
        silence.look(901)
