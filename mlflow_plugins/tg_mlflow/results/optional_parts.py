"""Parts of a record, each of which may fail by itself without failing the run."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from tg.common.exception_text import describe_exception, message_of
from tg.common.secrets import SecretMask
from tg_mlflow.errors import UnservableModelError

_LOGGER = logging.getLogger("mlflow.tg_mlflow")

# Opens a context in which the part of this name is made; if it fails, that part is missing and everything else goes on.
Attempt: TypeAlias = Callable[[str], AbstractContextManager[None]]


class Attempts:
    """Lets each part fail by itself.

    Args:
        mask: Secrets, which are masked in warnings.

    Attributes:
        missing: The names of failed parts.
    """

    def __init__(self, mask: SecretMask | None = None) -> None:
        self.missing: list[str] = []
        self._mask = mask or SecretMask()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Suppresses an error of the context, and logs it as a warning of one line."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a figure must not fail a training that has ended well
            self.missing.append(name)
            if isinstance(error, UnservableModelError):
                _LOGGER.warning("%s: %s", name, self._mask.mask(message_of(error)))
            else:
                _LOGGER.warning("%s could not be logged: %s", name, self._mask.mask(describe_exception(error)))
