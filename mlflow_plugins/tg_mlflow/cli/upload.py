"""The command ``tg-mlflow upload-dataset``."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.dataset import DatasetUpload, upload_dataset
from tg_mlflow.cli.support import exiting_on_errors, read_config
from tg_mlflow.delivery.project_delivery import build_options
from tg_mlflow.places.loading import load_config
from tg_mlflow.places.sagemaker_config import RemoteConfig
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.project import read_project


@click.command("upload-dataset")
@click.argument("folder", metavar="[PROJECT_FOLDER]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--backend-config",
    metavar="FILE|JSON",
    help="Backend config of tg-sagemaker: a .json file or JSON text. Its keys override tg.json's.",
)
def upload_dataset_command(folder: Path, backend_config: str | None) -> None:
    """Uploads a project's dataset to S3 for tg-sagemaker.

    Files with the same content are not sent again. None of the project's code is run.
    """
    with exiting_on_errors():
        click.echo(upload_project_dataset(folder, read_config(backend_config)))


def upload_project_dataset(folder: Path, given: Mapping[str, object]) -> str:
    """Uploads the dataset that the keys of ``tg-sagemaker`` name; none of the project's code is run.

    Progress is shown if stderr is a terminal.

    Args:
        folder: The project's folder.
        given: The backend config; its keys override those of ``tg.json``.

    Returns:
        One line with the dataset's address and what was sent.

    Raises:
        TgError: If the project or its data are invalid, or AWS refuses them.
    """
    project = read_project(folder)
    config = load_config(RemoteConfig, project.folder, given)
    with project_environment(project.folder):
        options = build_options(project, config)
        aws = AwsSession(config.region, config.profile)
        return describe_upload(upload_dataset(aws, options, silent=not sys.stderr.isatty()))


def describe_upload(done: DatasetUpload) -> str:
    """Describes in one line a dataset's address and what was sent."""
    files = "1 file" if done.file_count == 1 else f"{done.file_count:,} files"
    sent = f"{done.sent_bytes:,} bytes sent" if done.sent_bytes else "nothing sent, all of it was there"
    return f"{done.location}: {files}, {done.size_bytes:,} bytes ({sent})"
