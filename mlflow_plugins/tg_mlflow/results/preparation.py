"""Gets ready what the results of a training take, while its job trains: modules, and the process that checks models."""

import importlib
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial

import mlflow

from tg.common.exception_text import describe_exception
from tg_mlflow.places.config import LogConfig

_logger = logging.getLogger("mlflow.tg_mlflow")

# Neither MLflow's saving of a model nor matplotlib's fonts are thread-safe, nor is the first import of libraries with
# circular imports. Parallel trainings of a sweep gain nothing from more than one at a time.
views_lock = threading.Lock()

_TABLE_TASK = "SingleFrameTrainingTask"
_OF_FIGURES = ("tg_mlflow.results.figures",)
_OF_MODELS = ("tg_mlflow.results.model", "tg_mlflow.results.model_files")
_OF_TABLES = ("tg_mlflow.results.dataset", "tg_mlflow.results.tables")


class Preparation:
    """Prepares the views of a training on one table in a thread; for others, there is nothing to prepare.

    Args:
        task: What is trained.
        log: The views that will be logged.
    """

    def __init__(self, task: object, log: LogConfig) -> None:
        # By name: a package has a copy of the class.
        self._has_views = any(each.__name__ == _TABLE_TASK for each in type(task).__mro__)
        self._log = log
        self._is_stopped = threading.Event()
        # This process does not end before it: libraries that are being loaded then may crash.
        self._thread = threading.Thread(target=self._prepare, name="tg-preparation")

    def start(self) -> None:
        """Starts the thread.

        Not for a job in this process: both would take turns at importing, and what the job uses would include the
        process that checks models.
        """
        if self._has_views:
            self._thread.start()

    def wait(self) -> None:
        """Waits for its end, if it was started; it raises nothing."""
        if self._thread.ident is not None:
            self._thread.join()

    def stop(self) -> None:
        """Leaves the rest unprepared, as after a failure, and waits for what has begun.

        Whoever packages the next training looks at the modules that are loaded, and none may be half loaded then.
        """
        self._is_stopped.set()
        self.wait()

    def _prepare(self) -> None:
        try:
            with views_lock:
                for prepare in self._list_steps():
                    if self._is_stopped.is_set():
                        return
                    prepare()
        except Exception as error:  # noqa: BLE001 - what is missing is told where it is needed
            _logger.debug("The results cannot be prepared: %s", describe_exception(error))

    def _list_steps(self) -> Iterator[Callable[[], object]]:
        log = self._log
        if log.model and log.check_model:
            yield _start_checker
        modules = [*(_OF_TABLES if log.dataset or log.tables else ()), *(_OF_FIGURES if log.figures else ())]
        for name in [*modules, *(_OF_MODELS if log.model else ())]:
            yield partial(importlib.import_module, name)
        if log.model:
            yield _find_installed


def _start_checker() -> None:
    from tg_mlflow.results.model_check import find_checker

    find_checker().start()


def _find_installed() -> None:
    """Lets MLflow read once which libraries are installed, which saving a model takes; any requirement will do."""
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    warn_dependency_requirement_mismatches([f"mlflow=={mlflow.__version__}"])
