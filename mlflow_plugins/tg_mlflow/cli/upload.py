"""Uploads a project's dataset to where a training on SageMaker looks for it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.delivery.sagemaker.remote.dataset_upload import DatasetUpload, upload_dataset
from tg_mlflow.delivery.project_delivery import build_options
from tg_mlflow.places.config import RemoteConfig, load_backend_config
from tg_mlflow.project.environment import project_environment
from tg_mlflow.project.project import read_project


def upload_project_dataset(folder: Path, given: Mapping[str, object]) -> str:
    """Uploads what the keys of ``tg-sagemaker`` name; none of the project's code is run.

    Progress is shown where errors go to a terminal.

    Args:
        folder: The project's folder.
        given: The backend config; its keys go before those of ``tg.json``.

    Returns:
        Where the dataset is, and what was sent, in one line.

    Raises:
        TgError: If the project or its data do not fit, or AWS does not take them.
    """
    project = read_project(folder)
    config = load_backend_config(RemoteConfig, project.folder, given)
    with project_environment(project.folder):
        options = build_options(project, config)
        aws = AwsSession(config.region, config.profile)
        return describe_upload(upload_dataset(aws, options, silent=not sys.stderr.isatty()))


def describe_upload(done: DatasetUpload) -> str:
    """Writes in one line where a dataset is and what was sent."""
    files = "1 file" if done.file_count == 1 else f"{done.file_count:,} files"
    sent = f"{done.sent_bytes:,} bytes sent" if done.sent_bytes else "nothing sent, all of it was there"
    return f"{done.place}: {files}, {done.size_bytes:,} bytes ({sent})"
