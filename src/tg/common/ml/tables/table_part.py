"""One file of a table, whatever its format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from ...errors import DatasetError
from ...exception_text import first_line_of


class TablePart(ABC):
    """A file of a table, opened to see its columns.

    Args:
        path: The file.
        dataset: The dataset that it belongs to: the file itself, or the folder that it is in.
        partition: What the names of its folders say, by column.

    Raises:
        DatasetError: It cannot be read.
    """

    format_name: ClassVar[str]
    advice: ClassVar[str]

    def __init__(self, path: Path, dataset: Path, partition: Mapping[str, str | None]) -> None:
        self.path = path
        self.dataset = dataset
        self.partition = partition
        with self.naming_what_fails():
            self.schema: Any = self._open()

    @property
    def name(self) -> str:
        """The file's path within the dataset, to be shown."""
        return self.path.name if self.path == self.dataset else self.path.relative_to(self.dataset).as_posix()

    @contextmanager
    def naming_what_fails(self) -> Iterator[None]:
        """Translates the errors of file readers into one line."""
        try:
            yield
        except (pa.ArrowException, OSError, ValueError, EOFError) as error:
            cause = first_line_of(error)
            file = "" if self.path == self.dataset else f"{self.name}: "
            raise DatasetError(
                f"the dataset {str(self.dataset)!r} cannot be read as {self.format_name} ({file}{cause}); {self.advice}"
            ) from error

    @abstractmethod
    def _open(self) -> Any:
        """Opens the file and returns its schema."""

    @abstractmethod
    def read(self) -> Any:
        """Reads all rows as an Arrow table with the columns of ``schema``.

        Raises:
            DatasetError: It cannot be read.
        """

    @abstractmethod
    def read_first(self, count: int) -> Any:
        """Does `read` for the first ``count`` rows, without reading many more.

        Raises:
            DatasetError: It cannot be read.
        """

    @abstractmethod
    def count_rows(self) -> int:
        """Counts the rows."""

    @abstractmethod
    def find_incomplete_columns(self) -> set[str]:
        """Returns the columns with missing values, or possibly so if the file does not tell."""
