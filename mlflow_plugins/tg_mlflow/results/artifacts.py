"""Logs the results of a training to its MLflow run."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mlflow.entities import Run

from tg.common import TgError
from tg.common.delivery.sagemaker import Executor, ResultArchive
from tg.common.delivery.sagemaker.archive.names import LOGGED_MODELS
from tg.common.delivery.sagemaker.executor.stored_dataset import StoredDataset
from tg.common.exception_text import describe_exception
from tg.common.system.temporary_folder import temporary_folder
from tg_mlflow.errors import TrackingError
from tg_mlflow.places.config import LogConfig
from tg_mlflow.results.job_output import JobOutput, log_job_output
from tg_mlflow.results.job_remains import JobRemains
from tg_mlflow.results.members import RESULT_DF, TRAINING_TASK
from tg_mlflow.results.optional_parts import Attempts
from tg_mlflow.results.preparation import views_lock
from tg_mlflow.results.tables import log_result_table
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.missing import note_missing
from tg_mlflow.tracking.tags import LEFT_OUT_TAG, PACKAGE_SHA256_TAG

# A child of MLflow's logger, which writes to the console.
_LOGGER = logging.getLogger("mlflow.tg_mlflow")
_EVERYTHING = LogConfig()
# What is read in less than a second.
_SMALL_BYTES = 200_000_000
# A tag has room for so many names of files.
_MOST_NAMED = 20


def log_result(
    client: TrackingClient,
    run_id: str,
    executor: Executor,
    job_id: str,
    dataset: Path | None = None,
    log: LogConfig = _EVERYTHING,
) -> dict[str, str]:
    """Logs ``result/model.tar.gz``, ``package/<name>-<version>.tar.gz``, ``task.json``, what the job's code has logged,
    itself or with MLflow, and views for people.

    An archive that is kept elsewhere and too large stays there. If the artifact store refuses one of these, the others
    are logged, unless it refuses all. The views are the dataset as an input of the run, and for a training on one
    table, figures with their data, a table of predictions and models in MLflow's format. A view that cannot be drawn
    or logged is no error: a warning says why, and the tag ``tg.missing`` names it.

    Args:
        client: The tracking server's, without whose secrets ``task.json`` is logged.
        run_id: The run.
        executor: The executor that can reach the job.
        job_id: A job that has completed.
        dataset: The dataset, where it is on this machine.
        log: The views to log.

    Returns:
        What the artifact store refused, and why; not the views, which ``tg.missing`` names.

    Raises:
        ResultArchiveError: If the archive is incomplete.
        TrackingError: If the tracking server does not answer.
    """
    uploads, attempts = _Uploads(), Attempts(client.mask)
    with executor.load_result(job_id) as archive, temporary_folder() as folder:
        properties = json.loads(archive.get_path("package.json").read_text(encoding="utf-8"))
        with uploads("task.json"):
            task = folder / "task.json"
            text = archive.get_path("task.json").read_text(encoding="utf-8")
            task.write_text(client.mask.mask(text), encoding="utf-8")
            client.log_artifact(run_id, str(task))
        if uploads.refused:
            return uploads.refused  # it accepts nothing, and each of the others would wait in vain
        run = client.get_run(run_id)
        with uploads("package"):
            package = folder / f"{properties['name']}-{properties['version']}.tar.gz"
            shutil.copyfile(archive.get_path("package.tag.gz"), package)
            log_package(client, run_id, package, run.data.tags)
        if executor.traits.keeps_results and archive.path.stat().st_size > log.archive_limit_mb * 1e6:
            _LOGGER.info("The result archive has more than %g MB and stays where it is", log.archive_limit_mb)
        else:
            with uploads(f"result/{archive.path.name}"):
                client.log_artifact(run_id, str(archive.path), "result")
        log_job_output(client, run_id, archive, uploads, attempts, run)
        if log.dataset:
            with attempts("dataset"):
                log_input(client, run_id, dataset, executor.find_dataset(job_id), run)
        is_of_one_table = {RESULT_DF.format(run=0), TRAINING_TASK.format(run=0)} <= set(archive.list())
        has_models = _has_logged_models(archive)
        if is_of_one_table or has_models:
            run = client.get_run(run_id)
        if is_of_one_table:
            with views_lock:
                _log_views(client, run, archive, folder / "views", dataset, log, attempts)
        if has_models:
            has_others = is_of_one_table and log.model
            _log_own_models(client, run, archive, folder / "logged", attempts, log.check_model, has_others)
        left_out = list(archive.left_out)
    if left_out:
        more = ", …" if left_out[_MOST_NAMED:] else ""
        client.set_tag(run_id, LEFT_OUT_TAG, ", ".join(left_out[:_MOST_NAMED]) + more)
    note_missing(client, run_id, attempts.missing, waits=True)
    return uploads.refused


def log_remains(client: TrackingClient, run_id: str, remains: JobRemains) -> bool:
    """Logs what a job that has not completed has logged, itself or with MLflow, and left in its output folder.

    Returns:
        Whether all that there is is in the run.

    Raises:
        TrackingError: If the tracking server does not answer.
    """
    uploads, attempts = _Uploads(), Attempts(client.mask)
    log_job_output(client, run_id, remains, uploads, attempts)
    if _has_logged_models(remains):
        with attempts("logged models"), remains.as_archive() as archive, temporary_folder() as folder:
            _log_own_models(client, client.get_run(run_id), archive, folder / "logged", attempts, is_checked=False)
    return not uploads.refused and not attempts.missing


def _has_logged_models(output: JobOutput) -> bool:
    return any(name.startswith(f"{LOGGED_MODELS}/") for name in output.list())


def _log_own_models(
    client: TrackingClient,
    run: Run,
    archive: ResultArchive,
    folder: Path,
    attempts: Attempts,
    is_checked: bool,
    has_others: bool = False,
) -> None:
    # Here, as in _log_views.
    from tg_mlflow.results.model import log_logged_models
    from tg_mlflow.results.model_files import save_logged_model

    with views_lock:
        save = partial(save_logged_model, archive, attempt=attempts, is_checked=is_checked)
        log_logged_models(client, run, archive, folder, has_others, save, attempts)


def log_package(client: TrackingClient, run_id: str, path: Path, tags: Mapping[str, str] | None = None) -> None:
    """Logs a package, then its digest as the tag ``tg.package_sha256``; does nothing to a run that has the tag.

    Args:
        client: The tracking server's.
        run_id: The run.
        path: The package.
        tags: The run's tags, if they are known.
    """
    if PACKAGE_SHA256_TAG not in (client.get_run(run_id).data.tags if tags is None else tags):
        client.log_artifact(run_id, str(path), "package")
        client.set_tag(run_id, PACKAGE_SHA256_TAG, hashlib.sha256(path.read_bytes()).hexdigest())


def log_input(
    client: TrackingClient,
    run_id: str,
    path: Path | None,
    remote: StoredDataset | None = None,
    run: Run | None = None,
) -> None:
    """Logs a dataset as an input of a run, as :func:`tg_mlflow.results.dataset.log_dataset` does, if there is one."""
    from tg_mlflow.results.dataset import log_dataset  # as importing pandas takes a second

    if path is not None or remote is not None:
        log_dataset(client, run_id, path, remote, run)


def log_unchanged_input(client: TrackingClient, run_id: str, path: Path, since_ms: int) -> None:
    """Logs a dataset as :func:`log_input` does, unless it was changed after a time, in milliseconds since 1970."""
    from tg_mlflow.results.dataset_file import has_changed_since

    if not has_changed_since(path, since_ms):
        log_input(client, run_id, path)


def log_small_input(client: TrackingClient, run_id: str, path: Path | None) -> None:
    """Logs a dataset as :func:`log_input` does, if its digest takes no time."""
    from tg_mlflow.results.dataset_file import count_bytes

    if path is not None and count_bytes(path) <= _SMALL_BYTES:
        log_input(client, run_id, path)


def _log_views(
    client: TrackingClient,
    run: Run,
    archive: ResultArchive,
    folder: Path,
    dataset: Path | None,
    log: LogConfig,
    attempts: Attempts,
) -> None:
    # Modules are imported here, and only by what is logged, as matplotlib and scikit-learn take a second, in which a
    # launcher can start its job.
    folder.mkdir()
    if log.model and log.check_model:
        from tg_mlflow.results.model_check import find_checker

        find_checker().start()  # in parallel with what follows, as it takes some seconds
    if log.figures:
        from tg_mlflow.results.figures import draw_figures

        with attempts("figures"):
            draw_figures(archive, folder / "figures", attempts)
            if (folder / "figures").is_dir():
                client.log_artifacts(run.info.run_id, str(folder / "figures"), "figures")
    if log.tables:
        with attempts("tables/result_df.json"):
            log_result_table(client, run, archive)
    if log.model:
        from tg_mlflow.results.model import log_models
        from tg_mlflow.results.model_files import save_model

        save = partial(save_model, archive, dataset=dataset, attempt=attempts, is_checked=log.check_model)
        log_models(client, run, archive, folder / "models", log.models == "fold", save, attempts)


class _Uploads:
    """Lets each upload fail by itself, as long as the tracking server answers.

    Attributes:
        refused: The reasons, by the names of refused uploads.
    """

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Suppresses an error of the context and records it, unless the archive is at fault.

        Raises:
            TrackingError: If it is the tracking server that does not answer.
            TgError: If the archive is at fault.
        """
        try:
            yield
        except TrackingError as error:
            if not error.is_final:
                raise
            self._note(name, error.__cause__ or error)
        except TgError:
            raise
        except OSError as error:  # of this machine's disk
            self._note(name, error)

    def _note(self, name: str, error: BaseException) -> None:
        self.refused[name] = describe_exception(error)
