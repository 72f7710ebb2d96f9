"""The command ``tg-mlflow``."""

import importlib

import click

# The module of each command, which is imported when the command is used, and what the command does: importing all of
# them, and MLflow with them, takes seconds.
_COMMANDS = {
    "attach": ("runs:attach_command", "Takes over a run whose launcher is gone."),
    "cancel": ("runs:cancel_command", "Stops a run's job, or all jobs of a sweep."),
    "completion": ("completion:completion", "Prints what lets a shell complete the words of tg-mlflow."),
    "diff": ("diff:diff", "Names all in which two runs differ."),
    "doctor": ("doctor:doctor", "Checks what trainings need, here and at their places."),
    "events": ("events:events", "Shows each change of a run's state."),
    "images": ("prune:images", "Lists and removes the images that were built for trainings."),
    "init": ("init:init", "Writes a project for a script, for a table, or an example."),
    "jobs": ("prune:jobs", "Lists and removes what this machine keeps of jobs."),
    "list": ("list_runs:list_command", "Lists the runs of tg-mlflow, the newest first."),
    "logs": ("shown_runs:logs", "Shows the output of a run's job."),
    "reconcile": ("runs:reconcile", "Settles runs that were left and whose jobs have ended."),
    "reproduce": ("reproduce:reproduce", "Trains a run again from what it remembers, and compares both."),
    "resume": ("resume:resume", "Goes on with a training that has ended early, from its last checkpoint."),
    "run": ("run:run", "Trains a project and records it: `mlflow run` with less to type."),
    "status": ("shown_runs:status", "Shows the status of a run and its job."),
    "sweep": ("sweep:sweep", "Trains each combination of values."),
    "train": ("train:train", "Trains the task that FACTORY returns, in this process."),
    "upload-dataset": ("upload:upload_dataset_command", "Uploads a project's dataset to S3 for tg-sagemaker."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(f"tg_mlflow.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tg-mlflow")
def main() -> None:
    """Runs trainings as objects and records them in MLflow.

    RUN_ID is a run's id, at least four characters with which only its id begins, its name if no other run has that, or
    `last` for the newest run.
    """
    from tg_mlflow.backend.request_headers import silence_header_warnings

    silence_header_warnings()
