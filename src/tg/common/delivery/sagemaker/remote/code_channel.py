"""A package as files in S3 for a ready-made image: no image is built, and no Docker is needed."""

from pathlib import Path

from ...delivery.package.package import Package
from ..aws.s3_location import S3Location
from ..aws.s3_upload import Upload
from ..contract.ml_folder import MlFolder
from ..runtime import channel_start

START_NAME = "start.py"


def build_code_location(bucket: str, project_name: str, package: Package) -> S3Location:
    """Builds a package's location in S3: a folder named by its content, so that it is uploaded once."""
    return S3Location(bucket, f"sagemaker/{project_name}/packages/{package.sha256}/")


def plan_code_upload(package: Package, location: S3Location) -> list[Upload]:
    """Lists its files: the package and the program that starts it."""
    return [
        Upload(package.path, S3Location(location.bucket, f"{location.key}{package.path.name}")),
        Upload(Path(channel_start.__file__), S3Location(location.bucket, f"{location.key}{START_NAME}")),
    ]


def build_entrypoint() -> list[str]:
    """Builds the container's command."""
    return ["python3", "-u", (MlFolder().code / START_NAME).as_posix()]
