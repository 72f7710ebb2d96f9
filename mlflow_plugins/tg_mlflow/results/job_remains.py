"""What a job that has not completed has left, in the form in which a result archive has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tg.common.delivery.sagemaker import ResultArchive
from tg.common.delivery.sagemaker.archive.names import ARCHIVE_NAME, LOGGED, OUTPUT_DATA
from tg.common.delivery.sagemaker.archive.safe_extraction import OWN_LIMITS
from tg.common.delivery.sagemaker.archive.writer import write_result_archive
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.system.temporary_folder import temporary_folder


class JobRemains:
    """Finds what the code of a job has logged, itself or with MLflow, and what it has left in its output folder.

    Args:
        folder: The job's folder.
    """

    def __init__(self, folder: MlFolder) -> None:
        self._folder = folder

    @property
    def is_whole(self) -> bool:
        """Whether the job has had the time to lay out what was given to MLflow."""
        return self._folder.mlflow_artifacts.is_dir()

    def list(self) -> list[str]:
        """Lists the files by their names in an archive."""
        folders = self._folder.mlflow_artifacts, self._folder.model / LOGGED
        logged = (file for folder in folders for file in folder.rglob("*") if file.is_file())
        left = (file for file in self._folder.output_data.rglob("*") if file.is_file())
        return sorted(
            [
                *(file.relative_to(self._folder.model).as_posix() for file in logged),
                *(f"{OUTPUT_DATA}/{file.relative_to(self._folder.output_data).as_posix()}" for file in left),
            ]
        )

    @contextmanager
    def as_archive(self) -> Iterator[ResultArchive]:
        """Opens what it has left as an archive, which is not complete.

        Raises:
            ResultArchiveError: If it has left what no archive can have.
        """
        with temporary_folder() as folder:
            write_result_archive(self._folder.model, folder / ARCHIVE_NAME)
            with ResultArchive(folder / ARCHIVE_NAME, OWN_LIMITS) as archive:
                yield archive

    def get_path(self, name: str) -> Path:
        """Returns where a file or a folder is."""
        if name == OUTPUT_DATA or name.startswith(f"{OUTPUT_DATA}/"):
            return self._folder.output_data / name.removeprefix(OUTPUT_DATA).lstrip("/")
        return self._folder.model / name
