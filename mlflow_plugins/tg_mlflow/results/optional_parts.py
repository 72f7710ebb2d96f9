"""Parts of a record that may fail, each by itself, without failing the run."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from tg.common.secret_mask import SecretMask
from tg_mlflow.errors import UnservableModelError

_LOGGER = logging.getLogger("mlflow.tg_mlflow")

# Opens a context in which the part of this name is made; if it fails, that part is missing and everything else goes on.
Attempt: TypeAlias = Callable[[str], AbstractContextManager[None]]


class Attempts:
    """Lets parts fail, each by itself.

    Args:
        mask: Secrets, which no warning shows.

    Attributes:
        missing: The names of those that have failed.
    """

    def __init__(self, mask: SecretMask | None = None) -> None:
        self.missing: list[str] = []
        self._mask = mask or SecretMask()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """While the context is open, an error ends it and no more than it: it is logged as a warning of one line."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a training that has ended well is not failed by a picture of it
            self.missing.append(name)
            reason = self._mask.mask(" ".join(str(error).split()))
            if isinstance(error, UnservableModelError):
                _LOGGER.warning("%s: %s", name, reason)
            else:
                _LOGGER.warning("%s could not be logged: %s: %s", name, type(error).__name__, reason)
