import subprocess
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from tg_mlflow.cli.main import main


def complete(*words: str) -> list[str]:
    """Returns what may follow the words; the last one is incomplete."""
    completer = BashComplete(main, {}, "tg-mlflow", "_TG_MLFLOW_COMPLETE")
    return [item.value for item in completer.get_completions(list(words[:-1]), words[-1])]


def test_commands_and_options_are_completed() -> None:
    assert complete("re") == ["reconcile", "reproduce", "resume"]
    assert complete("run", "--ex") == ["--experiment-name"]
    assert complete("jobs", "") == ["list", "prune"]
    assert sorted(complete("completion", "")) == ["bash", "fish", "zsh"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert (result.exit_code, f"_TG_MLFLOW_COMPLETE={shell}_complete" in result.output) == (0, True)


def test_another_shell_is_refused() -> None:
    result = CliRunner().invoke(main, ["completion", "csh"])
    assert (result.exit_code, "'csh' is not one of 'bash', 'zsh', 'fish'" in result.output) == (2, True)


@pytest.mark.starts_process
def test_bash_takes_the_script(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["completion", "bash"])
    (tmp_path / "completion.bash").write_text(result.output)
    loaded = subprocess.run(
        ["bash", "--norc", "-c", f"source {tmp_path / 'completion.bash'} && complete -p tg-mlflow"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout.endswith("_tg_mlflow_completion tg-mlflow\n")
