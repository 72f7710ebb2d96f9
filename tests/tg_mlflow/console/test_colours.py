import io

import pytest

from tg_mlflow.console import colour_outcomes, colour_states


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_states_have_colours_on_a_terminal() -> None:
    assert colour_states("run 1 FINISHED, 2 FAILED", Terminal()) == (
        "run 1 \x1b[32mFINISHED\x1b[0m, 2 \x1b[31mFAILED\x1b[0m"
    )
    assert colour_states("RUNNING KILLED", Terminal()) == "\x1b[36mRUNNING\x1b[0m \x1b[33mKILLED\x1b[0m"
    assert colour_states("NOT STARTED", Terminal()) == "\x1b[33mNOT STARTED\x1b[0m"


def test_a_word_with_a_state_in_it_has_none() -> None:
    assert colour_states("NOT_FAILED FAILEDNESS failed", Terminal()) == "NOT_FAILED FAILEDNESS failed"


def test_outcomes_have_colours_where_a_line_begins_with_them() -> None:
    assert colour_outcomes("  problem  disk: ok so far\n  ok       clock: ok", Terminal()) == (
        "\x1b[31m  problem \x1b[0m disk: ok so far\n\x1b[32m  ok \x1b[0m      clock: ok"
    )


def test_elsewhere_there_are_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colour_states("FAILED", io.StringIO()) == "FAILED"
    assert colour_outcomes("  ok  disk", io.StringIO()) == "  ok  disk"


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_user_can_refuse_colours(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    assert colour_states("FAILED", Terminal()) == "FAILED"


def test_an_empty_no_color_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert colour_states("FAILED", Terminal()) == "\x1b[31mFAILED\x1b[0m"
