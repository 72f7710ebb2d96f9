"""The options of a training at any place: its data, and what its job gets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ....errors import DatasetError, DeliveryError, listed
from ..contract.cluster import Distribution
from ..contract.ml_folder import CHANNEL, CODE_CHANNEL
from .hosts import check_hosts
from .remote_options import RemoteOptions

_HOLDS = {CHANNEL: "dataset", CODE_CHANNEL: "package"}


@dataclass(frozen=True)
class SagemakerOptions:
    """A training's data, account and machine.

    Data are at ``<datasets_folder>/<project_name>/<dataset>`` here and at
    ``s3://<bucket>/sagemaker/<project_name>/datasets/<dataset>`` in S3; results go to
    ``s3://<bucket>/sagemaker/<project_name>/output``.

    Attributes:
        role: The AWS role of a training on SageMaker, by its ARN or name; others need none.
        bucket: The S3 bucket of a training on SageMaker; ``None`` for SageMaker's default one. Others need none.
        project_name: One part of a path.
        datasets_folder: A local folder.
        dataset: A file or folder below ``<datasets_folder>/<project_name>``; ``None`` for a task that needs no data.
        channels: Further data by the name of their input channel: a local file or folder, or an address in S3, which
            only SageMaker reads. The dataset is the channel ``training``.
        hyperparameters: Parts of the task to set where it runs, by dotted path; strings only, as SageMaker accepts no
            others.
        environment: Variables of the job. Never secrets: they are visible in the job's description.
        cpus: How many processors a container may use; ``None`` for all.
        memory: How much memory a container may use, such as ``"4g"``; ``None`` for all.
        gpus: ``"all"`` or a number of GPUs that a container gets; ``None`` for none.
        network: The Docker network of a container, such as ``"none"``; ``None`` for Docker's default.
        docker_host: The Docker daemon, such as ``ssh://user@host``; ``None`` for what ``DOCKER_HOST`` says.
        hosts: How many machines train together, where the place plays them; on SageMaker, it is
            ``remote.instance_count``.
        distribution: The engine by which several machines train together.
        stop_grace_seconds: How long a job may take to stop before it is killed; SageMaker gives 120 seconds.
        checkpoints: Where checkpoints are kept on this machine, or whether they are kept even if the job completes.
        start_checkpoints: A folder with the checkpoints that the training goes on from; ``None`` for a new one.
        remote: The options that only a training on SageMaker has.

    Raises:
        DeliveryError: If several machines have no ``distribution``, a name would lead out of its folder, or a channel's
            is SageMaker's or ours.
    """

    role: str | None
    bucket: str | None
    project_name: str
    datasets_folder: str | Path
    dataset: str | None = None
    channels: Mapping[str, str | Path] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    cpus: float | None = None
    memory: str | None = None
    gpus: str | int | None = None
    network: str | None = None
    docker_host: str | None = None
    stop_grace_seconds: float = 120
    hosts: int = 1
    distribution: Distribution | None = None
    checkpoints: bool | Path = False
    start_checkpoints: Path | None = None
    remote: RemoteOptions = field(default_factory=RemoteOptions)

    def __post_init__(self) -> None:
        check_hosts(self.hosts, self.distribution, self.network, self.remote)
        if (
            not self.project_name
            or len(PurePosixPath(self.project_name).parts) != 1
            or self.project_name in (".", "..")
        ):
            raise DeliveryError(f"project_name is {self.project_name!r}; give one name without slashes")
        if self.dataset is not None:
            dataset = PurePosixPath(self.dataset)
            if not dataset.parts or dataset.is_absolute() or ".." in dataset.parts:
                raise DeliveryError(
                    f"dataset is {self.dataset!r}; give a path below {Path(self.datasets_folder) / self.project_name}"
                )

        for name in self.channels:
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or name.strip(".") == "":
                raise DeliveryError(f"channel {name!r} is no name of one; give letters, digits, '.', '_' and '-'")
            if name == CODE_CHANNEL or (name == CHANNEL and self.dataset is not None):
                raise DeliveryError(f"channel {name!r} is that of the {_HOLDS[name]}; give another name")

    @property
    def local_inputs(self) -> dict[str, Path]:
        """The local files and folders of all channels, the dataset's included.

        Raises:
            DatasetError: If one does not exist, or is in S3.
        """
        dataset = self.local_dataset_path
        for name, value in self.channels.items():
            if is_in_s3(value):
                raise DatasetError(
                    f"channel {name!r} is {str(value)!r}, which only SageMaker reads; download it, and give its path"
                )
        return {**({} if dataset is None else {CHANNEL: dataset.absolute()}), **self.local_channels}

    @property
    def local_channels(self) -> dict[str, Path]:
        """The local files and folders of the channels besides the dataset's; those in S3 are left out.

        Raises:
            DatasetError: If one does not exist.
        """
        found = {name: Path(value).absolute() for name, value in self.channels.items() if not is_in_s3(value)}
        for name, path in found.items():
            if not path.exists():
                raise DatasetError(f"channel {name!r} is {str(path)!r}, which does not exist; correct channels")
        return found

    def find_local_dataset(self) -> Path | None:
        """Finds the dataset on this machine; ``None`` if it is not here, or if there is none."""
        try:
            return self.local_dataset_path
        except DatasetError:
            return None

    @property
    def local_dataset_path(self) -> Path | None:
        """The dataset's local path; ``None`` if there is none.

        Raises:
            DatasetError: If it does not exist.
        """
        if self.dataset is None:
            return None
        folder = Path(self.datasets_folder) / self.project_name
        path = folder / self.dataset
        if not path.exists():
            present = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
            holds = f"that folder holds {listed(present)}" if folder.is_dir() else "there is no such folder"
            raise DatasetError(
                f"dataset {self.dataset!r} is not in {str(folder)!r} ({holds}); prepare it, or correct dataset, "
                "project_name or datasets_folder"
            )
        return path


def is_in_s3(value: str | Path) -> bool:
    """Returns whether something is an address in S3."""
    return str(value).startswith("s3://")
