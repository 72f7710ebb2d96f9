"""What ``tg-mlflow`` says of its commands, without importing them."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from tg_mlflow.cli.main import main


def test_help_says_of_each_command_what_its_own_help_begins_with() -> None:
    context = click.Context(main, terminal_width=120)
    said = main.get_help(context).partition("Commands:\n")[2]
    shown = {line.split()[0]: " ".join(line.split()[1:]) for line in said.splitlines()}
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    assert shown == {name: command.get_short_help_str(200) for name, command in commands.items() if command is not None}
    assert shown["status"] == "Shows the status of a run and its job."


@pytest.mark.starts_process
@pytest.mark.parametrize("words", [["--help"], ["init", "--from-script", "train.py"]])
def test_help_and_the_beginning_wait_for_no_library(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('hello')")
    script = (
        f"import sys\nfrom tg_mlflow.cli.main import main\nmain({words}, standalone_mode=False)\n"
        "print(sorted({'mlflow', 'pandas', 'sklearn', 'pydantic'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert result.stdout.splitlines()[-1] == "[]"
