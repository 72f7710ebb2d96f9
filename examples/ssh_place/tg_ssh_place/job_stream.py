"""What a new job's machine is sent: its order, its files, and its dataset where that is not there."""

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tg.common import DatasetError
from tg.common.delivery.delivery import Package
from tg.common.delivery.delivery.package.run_file import build_run_file
from tg.common.delivery.sagemaker.contract.ml_folder import CHANNEL, MlFolder, build_input_config
from tg.common.delivery.sagemaker.contract.variables import (
    DATASET_VARIABLE,
    ML_FOLDER_VARIABLE,
    RESOURCE_VARIABLE,
    WORK_FOLDER_VARIABLE,
    describe_dataset,
)
from tg.common.delivery.sagemaker.executor import SagemakerConfig
from tg.common.delivery.sagemaker.job_files import process_supervisor

from .there import job_process, program

_CHUNK_BYTES = 1 << 20

# What stands for /opt/ml, in the job's folder there.
ML = MlFolder(Path("ml"))


@dataclass(frozen=True)
class JobStream:
    """A job's files.

    Attributes:
        delivery: What is trained.
        package: It, as a package.
        dataset: The dataset here; ``None`` if there is none.
    """

    delivery: SagemakerConfig
    package: Package
    dataset: Path | None

    def build_order(self, job_id: str) -> dict[str, Any]:
        """Writes the request that starts the job."""
        texts = {
            **self.delivery.options.environment,
            "TRAINING_JOB_NAME": job_id,
            "PYTHONDONTWRITEBYTECODE": "1",
            RESOURCE_VARIABLE: self.delivery.resource_name,
        }
        if self.dataset is not None:
            texts[DATASET_VARIABLE] = describe_dataset(self.dataset)
        return {
            "job_id": job_id,
            "digest": None if self.dataset is None else digest_dataset(self.dataset),
            "channel": str(ML.data),
            "texts": texts,
            "paths": {ML_FOLDER_VARIABLE: str(ML.root), WORK_FOLDER_VARIABLE: "work"},
        }

    def write(self, output: IO[bytes], with_dataset: bool) -> None:
        """Writes the files, as the program there expects them after the request."""
        # A link is sent as what it leads to: it may lead to nothing there.
        with tarfile.open(fileobj=output, mode="w|", dereference=True) as stream:
            if self.dataset is not None and with_dataset:
                name = PurePosixPath(program.DATASET_PREFIX) / describe_dataset(self.dataset)
                stream.add(self.dataset, str(name))
            with tarfile.open(self.package.path) as package:
                for member in package:
                    content = package.extractfile(member)
                    if content is not None:
                        member.name = program.JOB_PREFIX + member.name
                        stream.addfile(member, content)
            for folder in (ML.model, ML.failure.parent, ML.checkpoints):
                stream.addfile(_describe(f"{program.JOB_PREFIX}{folder}", tarfile.DIRTYPE))
            config = build_input_config(
                self.delivery.options.hyperparameters, [CHANNEL] if self.dataset is not None else []
            )
            files = {
                **{str(ML.config / name): content for name, content in config.items()},
                job_process.SUPERVISOR_FILE: Path(process_supervisor.__file__).read_bytes(),
                job_process.RUN_FILE: build_run_file(self.package.module_name, self.package.folder_name).encode(),
            }
            for path, text in files.items():
                member = _describe(f"{program.JOB_PREFIX}{path}", tarfile.REGTYPE)
                member.size = len(text)
                stream.addfile(member, io.BytesIO(text))
            stream.addfile(_describe(program.LAST_NAME, tarfile.REGTYPE))


def digest_dataset(dataset: Path) -> str:
    """Computes what tells a dataset from others: 32 hexadecimal characters of its files' names and contents.

    Raises:
        DatasetError: If a file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        for path in _list_files(dataset) if dataset.is_dir() else [dataset]:
            name = os.fsencode(path.relative_to(dataset) if dataset.is_dir() else path.name)
            digest.update(b"%s\0%d\0" % (name, path.stat().st_size))
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
    except OSError as error:
        raise DatasetError(
            f"the dataset {str(dataset)!r} cannot be read: {error.strerror} ({error.filename})"
        ) from error
    return digest.hexdigest()[:32]


def _list_files(folder: Path) -> list[Path]:
    walk = os.walk(folder, followlinks=True)
    return sorted(Path(parent, name) for parent, _, names in walk for name in names)


def _describe(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    return member
