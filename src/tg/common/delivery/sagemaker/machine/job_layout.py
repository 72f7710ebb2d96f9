"""Lays out a job that runs on this machine without a container: package, ``/opt/ml``, archive."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

from ....errors import ResultArchiveError
from ....system.tar_extraction import extract_files
from ...delivery.package.bytecode import compile_modules
from ...delivery.package.package import Package
from ..archive.result_archive import COMPLETION, ResultArchive, write_result_archive
from ..contract.ml_folder import MlFolder, build_input_config, name_hosts
from ..job_files.job_folder import JobFolder
from ..job_files.kept_checkpoints import open_checkpoints
from ..options.options import SagemakerOptions

# The network interface by which processes of one machine reach each other.
_LOOPBACK = "lo"


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

    Where several hosts train, which are processes here, those besides the leader have theirs in ``folder.hosts``, with
    the leader's checkpoints.

    Returns:
        That of the leader.

    Raises:
        DeliveryError: If the checkpoints cannot be kept where they are to be kept.
    """
    names, leader = name_hosts(options.hosts), MlFolder(folder.ml)
    interface = "eth0" if len(names) == 1 else _LOOPBACK
    checkpoints = open_checkpoints(folder, options.checkpoints, options.start_checkpoints)
    for name in names:
        ml = leader if name == names[0] else MlFolder(folder.hosts / name / "ml")
        _lay_out(ml, inputs, build_input_config(options.hyperparameters, inputs, names, name, interface))
        if ml is not leader:
            ml.checkpoints.symlink_to(checkpoints, target_is_directory=True)
    return leader


def _lay_out(ml: MlFolder, inputs: Mapping[str, Path], config: Mapping[str, bytes]) -> None:
    for path in (ml.config, ml.data.parent, ml.model, ml.output_data):
        path.mkdir(parents=True)
    for name, content in config.items():
        (ml.config / name).write_bytes(content)
    for name, path in inputs.items():
        channel = ml.find_channel(name)
        if path.is_dir():
            channel.symlink_to(path.absolute(), target_is_directory=True)
        else:
            channel.mkdir()
            (channel / path.name).symlink_to(path.absolute())


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
