"""The command ``tg-mlflow completion``."""

import click
from click.shell_completion import get_completion_class

_PROGRAM = "tg-mlflow"
_VARIABLE = "_TG_MLFLOW_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Prints what lets a shell complete the words of tg-mlflow.

    \b
    bash: echo 'eval "$(tg-mlflow completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(tg-mlflow completion zsh)"' >> ~/.zshrc
    fish: tg-mlflow completion fish > ~/.config/fish/completions/tg-mlflow.fish
    """
    from tg_mlflow.cli.main import main

    completer = get_completion_class(shell)
    assert completer is not None  # click has one for each of these shells
    click.echo(completer(main, {}, _PROGRAM, _VARIABLE).source())
