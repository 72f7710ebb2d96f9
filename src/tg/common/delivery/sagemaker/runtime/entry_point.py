"""The entry point of a job: loads it from the package that this module is part of, and runs it.

It follows SageMaker's contract: accepts the argument ``train``, reads and writes below ``/opt/ml``, writes the reason
of a failure to ``/opt/ml/output/failure``, and exits with 143 after SIGTERM, and with 0 only if the training is
complete. A training that keeps checkpoints may save one more after SIGTERM.
"""

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import NoReturn

from ....errors import CommandFailedError, TgError
from ....exception_text import describe_exception, format_user_trace, message_of
from ....logger import Logger
from ....secrets import SecretMask
from ....system.fork_signals import handle_in_forks
from ...delivery.package.entry_point import EntryPoint, open_own_package
from ...delivery.package.import_failures import describe_import_failure
from ...delivery.package.package_check import CHECK_ARGUMENT, FAILURE_PREFIX, check_package, load_prepared
from ...delivery.package.package_file import read_installed_package
from ..contract import own_lines
from ..contract.ml_folder import LONGEST_FAILURE, MlFolder
from ..contract.variables import (
    EXIT_FAILED,
    EXIT_TERMINATED,
    NO_TELEMETRY,
    RESOURCE_VARIABLE,
    TRAIN_ARGUMENT,
    WORK_FOLDER_VARIABLE,
    find_ml_folder,
    is_distributed,
    is_of_dask,
    is_one_of_several,
)
from .c_output import flush_c_output
from .module_aliases import add_module_aliases
from .notebook_functions import send_notebook_functions_by_value
from .pool_start import ending_pools_that_cannot_start
from .start_line import write_start_line
from .starting_workers import is_starting_worker
from .stop_request import STOP_REQUEST, Terminated

# How long what a task has left running may take to end.
_LEAVING_SECONDS = 60
# How soon SIGTERM is raised again where it could not be.
_AGAIN_SECONDS = 0.05


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the job that the variable ``TG_RESOURCE`` names, by default ``job``, and exits.

    The job's current folder is ``TG_WORK_FOLDER``, by default a new temporary one.

    Args:
        arguments: Nothing, ``train``, or ``check``, which only imports what the job needs; by default the command
            line's.

    Raises:
        TgError: In a worker process of a training.
    """
    _refuse_in_worker()
    if is_one_of_several():
        from ..distribution.role import enter_role

        enter_role()
    arguments = sys.argv[1:] if arguments is None else arguments
    folder = find_ml_folder()
    _handle_sigterm()
    _keep_stdout()
    try:
        if not is_distributed():  # or each host would greet twice
            Logger.info(own_lines.WELCOME)
        if arguments not in ([], [TRAIN_ARGUMENT], [CHECK_ARGUMENT]):
            raise TgError(f"the arguments are {list(arguments)!r}; give 'train' or nothing")
        if arguments == [CHECK_ARGUMENT]:
            _check()
        elif is_distributed():
            _run_distributed(folder)
        else:
            _enter_work_folder()
            _run(folder)
            Logger.info(own_lines.SUCCEEDED)
    except Terminated:
        _end(folder, "the training was stopped by SIGTERM", None, EXIT_TERMINATED)
    except BaseException as error:  # noqa: BLE001 - the log and the failure file report whatever ends a training
        _end(folder, _describe(error), error, error.exit_code if isinstance(error, CommandFailedError) else EXIT_FAILED)
    Logger.info(own_lines.DONE)
    _exit(0)


def prepare_process() -> EntryPoint:
    """Lets a job's process, or a worker, find the package's modules by their original names and send functions of
    notebooks.

    Returns:
        The package.
    """
    send_notebook_functions_by_value()
    package = open_own_package()
    add_module_aliases(package.module_name, ["tg", *package.properties["modules"]])
    return package


def _refuse_in_worker() -> None:
    """Raises TgError in a worker, which would otherwise train again, each time a worker is started."""
    if multiprocessing.parent_process() is not None or is_starting_worker():
        raise TgError(
            "a worker process of a training must not start the training again; call main() below "
            "`if __name__ == '__main__':` in the program that starts it"
        )


def _enter_work_folder() -> None:
    work = os.environ.get(WORK_FOLDER_VARIABLE) or tempfile.mkdtemp(prefix="tg-work-")
    os.makedirs(work, exist_ok=True)
    os.chdir(work)


def _run(folder: MlFolder) -> None:
    Logger.info(own_lines.LOADING)
    package = prepare_process()
    write_start_line(package.properties)
    os.environ.update(NO_TELEMETRY)  # before the job brings MLflow in
    job = load_prepared(package, os.environ.get(RESOURCE_VARIABLE, "job"))
    Logger.info(own_lines.LOADED.format(type(job)))
    if not hasattr(job, "run"):
        raise TgError(f"the job {job!r} has no `run` attribute; deliver a SagemakerJob")
    Logger.info(own_lines.HAS_RUN)
    if is_of_dask():
        from .dask_process import run_dask

        run_dask(job, package.module_name)
        return
    with ending_pools_that_cannot_start():
        job.run(folder, package.properties, read_installed_package(package.module_name))
    flush_c_output()  # before success is logged


def _run_distributed(folder: MlFolder) -> None:
    """Trains together with the job's other hosts; the leader's archive is complete then."""
    from ..distribution.start import train_on_hosts

    if train_on_hosts(folder):
        from .job import complete_archive

        complete_archive(folder)


def _check() -> None:
    check_package(prepare_process())


def _keep_stdout() -> None:
    """Makes the log go to the present stdout, wherever a task redirects that later.

    The same holds for stderr: a container engine that reads both does not keep their order.
    """
    if sys.stdout is None:
        return
    sys.stdout.flush()
    os.dup2(sys.stdout.fileno(), 2)
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    Logger.replace_handlers(logging.StreamHandler(stream))


def _describe(error: BaseException) -> str:
    if isinstance(error, TgError):
        return message_of(error)
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code) if isinstance(error.code, (int, str)) else "…"
        return f"the training called sys.exit({code}) before its end"
    missing = describe_import_failure(error, _read_left_out())
    return describe_exception(error) if missing is None else missing


def _read_left_out() -> Mapping[str, str]:
    """Returns why project modules are not in the package; nothing if the package itself cannot be read."""
    try:
        left_out: Mapping[str, str] = open_own_package().properties.get("left_out", {})
    except TgError:
        return {}
    return left_out


def _read_hyperparameters(folder: MlFolder) -> Mapping[str, str]:
    """Returns a job's hyperparameters; nothing if these are what it fails for."""
    try:
        from .job import read_hyperparameters

        return read_hyperparameters(folder)
    except (ImportError, OSError, ValueError):
        return {}


def _exit(code: int) -> NoReturn:
    """Ends the job, even if a task has left threads that go on and would keep its machine busy for hours."""
    watch = threading.Timer(_LEAVING_SECONDS, _leave, [code])
    watch.daemon = True
    watch.start()
    sys.exit(code)  # which waits for threads


def _leave(code: int) -> None:
    others = (each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon)
    Logger.warning(f"The job is over and does not end by itself (threads: {', '.join(each.name for each in others)})")
    os._exit(code)


def _handle_sigterm() -> None:
    """Raises SIGTERM as an exception in the training, once it has saved a checkpoint if it keeps any; processes that it
    forks end by the signal, as by default."""
    job, raise_other = os.getpid(), sys.unraisablehook

    def terminate(number: int, frame: FrameType | None) -> None:
        if STOP_REQUEST.defer():
            return
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this one is being handled
        raise Terminated

    def is_ours() -> bool:
        return signal.getsignal(signal.SIGTERM) is terminate

    def reset() -> None:
        if is_ours():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def raise_again(lost: "sys.UnraisableHookArgs") -> None:
        if os.getpid() != job or not issubclass(lost.exc_type, Terminated):
            raise_other(lost)
            return
        # It came where nothing can be raised, as in a finalizer or while the training forks.
        signal.signal(signal.SIGTERM, terminate)
        again = threading.Timer(_AGAIN_SECONDS, os.kill, [job, signal.SIGTERM])
        again.daemon = True
        again.start()

    sys.unraisablehook = raise_again
    handle_in_forks(is_ours, reset)
    signal.signal(signal.SIGTERM, terminate)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which the parent process may have blocked


def _end(folder: MlFolder, reason: str, error: BaseException | None, exit_code: int) -> NoReturn:
    """Writes why the job ends to the log and to SageMaker's failure file, and exits."""
    unforeseen = None if isinstance(error, TgError) else error
    details = "" if unforeseen is None else format_user_trace(unforeseen)
    Logger.error("\n".join([f"{FAILURE_PREFIX}{reason}", *details.splitlines()]))
    # Before it is cut: the rest of a secret would not be recognized.
    mask = SecretMask.of_variables(os.environ, _read_hyperparameters(folder))
    reason, details = mask.mask(" ".join(reason.split())), mask.mask(details)
    first = f"{reason[: LONGEST_FAILURE - 1]}\n"
    room = LONGEST_FAILURE - len(first)
    try:
        folder.failure.parent.mkdir(parents=True, exist_ok=True)
        text = first + (details[-room:] if room else "")
        folder.failure.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as problem:
        Logger.error(f"The failure file cannot be written: {problem}")
    _exit(exit_code)
