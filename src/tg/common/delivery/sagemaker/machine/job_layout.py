"""Lays out a job that runs on this machine without a container: package, ``/opt/ml``, archive."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

from ....errors import ResultArchiveError
from ....system.tar_extraction import extract_files
from ...delivery.package.bytecode import compile_modules
from ...delivery.package.package import Package
from ..archive.result_archive import COMPLETION, ResultArchive, write_result_archive
from ..contract.ml_folder import MlFolder, build_input_config
from ..job_files.job_folder import JobFolder
from ..job_files.kept_checkpoints import open_checkpoints
from ..options.options import SagemakerOptions


def unpack_package(package: Package, folder: Path) -> Path:
    """Unpacks a package that was made here, with its modules compiled, and returns the entry for the Python path."""
    with tarfile.open(package.path) as archive:
        extract_files(archive, folder)
    top = folder / package.folder_name
    sources = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*.py")}
    for name, content in compile_modules(sources).items():
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_bytes(content)
    return top


def lay_out_ml_folder(folder: JobFolder, inputs: Mapping[str, Path], options: SagemakerOptions) -> MlFolder:
    """Creates the folder in place of ``/opt/ml``; what is in its channels, by their names, is linked, not copied.

    Raises:
        DeliveryError: If the checkpoints cannot be kept where they are to be kept.
    """
    ml = MlFolder(folder.ml)
    for path in (ml.config, ml.data.parent, ml.model, ml.output_data):
        path.mkdir(parents=True)
    open_checkpoints(folder, options.checkpoints, options.start_checkpoints)
    for name, content in build_input_config(options.hyperparameters, inputs).items():
        (ml.config / name).write_bytes(content)
    for name, path in inputs.items():
        channel = ml.find_channel(name)
        if path.is_dir():
            channel.symlink_to(path.absolute(), target_is_directory=True)
        else:
            channel.mkdir()
            (channel / path.name).symlink_to(path.absolute())
    return ml


def open_archive(folder: JobFolder) -> ResultArchive:
    """Opens the archive of a job that ran on this machine without a container; it is written on first use.

    Raises:
        ResultArchiveError: If the training did not run to its end.
    """
    model = MlFolder(folder.ml).model
    if not (model / COMPLETION).is_file():
        raise ResultArchiveError(f"job {folder.job_id!r} has not run to its end: it has no results; see {folder.log}")
    if not folder.archive.is_file():
        write_result_archive(model, folder.archive)
    return ResultArchive.open_complete(folder.archive)
