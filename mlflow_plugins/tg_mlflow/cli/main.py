"""The command ``tg-mlflow``."""

import importlib

import click

from tg_mlflow.backend.request_headers import silence_header_warnings

# The module of each command, which is imported when the command is used.
_COMMANDS = {
    "attach": "runs:attach_command",
    "cancel": "runs:cancel_command",
    "diff": "diff:diff",
    "events": "events:events",
    "logs": "runs:logs",
    "reconcile": "runs:reconcile",
    "reproduce": "reproduce:reproduce",
    "status": "runs:status",
    "sweep": "sweep:sweep",
    "train": "train:train",
    "upload-dataset": "upload:upload_dataset_command",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"tg_mlflow.cli.{module}"), name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tg-mlflow")
def main() -> None:
    """Runs trainings as objects and records them in MLflow."""
    silence_header_warnings()
