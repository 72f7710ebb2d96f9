"""Copies folders of checkpoints to S3 and back."""

from pathlib import Path, PurePosixPath

from ....errors import DeliveryError
from .s3_download import download_object
from .s3_location import S3Location, list_keys
from .s3_upload import plan_dataset_upload, upload_files
from .session import AwsSession


def send_folder(aws: AwsSession, folder: Path, location: S3Location, kms_key: str | None = None) -> None:
    """Uploads the files of a folder to where nothing is yet, or only the same files.

    Raises:
        DeliveryError: If S3 refuses it, or other objects are there.
    """
    uploads = plan_dataset_upload(folder, location)
    known = {each.location.key for each in uploads}
    others = set(list_keys(aws, _below(location))) - known
    if others:
        raise DeliveryError(
            f"{str(location)!r} has other checkpoints already, such as {min(others)!r}, and the training is to go on "
            "from those of another run; name an address where nothing is in checkpoints, or give true"
        )
    upload_files(aws, uploads, kms_key, silent=True)


def fetch_folder(aws: AwsSession, location: S3Location, target: Path) -> None:
    """Downloads all objects below a location into a folder.

    Raises:
        DeliveryError: If S3 refuses it, or an object's name leads out of the folder.
    """
    above = _below(location)
    for key in list_keys(aws, above):
        name = PurePosixPath(key.removeprefix(above.key))
        if key.endswith("/"):
            continue  # a console's sign for an empty folder
        if name.is_absolute() or ".." in name.parts:
            raise DeliveryError(f"the object {key!r} in {str(location)!r} has no name that a file can have; remove it")
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        download_object(aws, S3Location(location.bucket, key), file)


def _below(location: S3Location) -> S3Location:
    return S3Location(location.bucket, f"{location.key.rstrip('/')}/")
