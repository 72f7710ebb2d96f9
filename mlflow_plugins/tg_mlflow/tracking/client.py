"""A client of the tracking server that waits for a server that is away, and lets no secret through."""

import copy
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial, wraps
from typing import Any, TypeVar, cast

from mlflow import MlflowClient
from mlflow.entities import FileInfo, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from tg.common.secrets import SecretMask
from tg.common.system.interrupts import uninterrupted
from tg_mlflow.errors import BackendConfigError, TrackingError, as_cause
from tg_mlflow.tracking.answers import is_final, is_passing, is_refusal
from tg_mlflow.tracking.masked_requests import MaskedRequests, make_storable
from tg_mlflow.tracking.new_store import open_store
from tg_mlflow.tracking.patience import PATIENCE_SECONDS, PATIENCE_VARIABLE, Clock, Patience
from tg_mlflow.tracking.timeline import Timeline

_logger = logging.getLogger("mlflow.tg_mlflow")

_LONGEST_LIST = 5000

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])


def read_patience() -> float:
    """Reads from ``TG_TRACKING_PATIENCE_SECONDS`` how long a tracking server may be away; 300 if that is not set.

    Raises:
        BackendConfigError: If it is not a number of seconds.
    """
    text = os.environ.get(PATIENCE_VARIABLE) or str(PATIENCE_SECONDS)
    with suppress(ValueError):
        if (seconds := float(text)) >= 0:
            return seconds
    raise BackendConfigError(f"{PATIENCE_VARIABLE} is {text!r}; give a number of seconds, such as 300")


def _asking(what: str, method: Method) -> Method:
    """Makes a method of MLflow's client one that waits for a server that is away; ``what`` is what the server takes."""

    @wraps(method)
    def ask(client: "TrackingClient", *args: Any, **kwargs: Any) -> Any:
        request = getattr(super(TrackingClient, client), method.__name__)
        return client._ask(partial(request, *args, **kwargs), what)

    return cast(Method, ask)


def _transferring(what: str, method: Method, probe: Callable[..., object] = MlflowClient.get_run) -> Method:
    """Makes a method that sends or fetches files one that waits for a server that is away.

    Args:
        what: What the server takes.
        method: A method of MLflow's client. Its first argument is the id of what has the files, given by position.
        probe: A method of MLflow's client that reads what has the files.
    """

    @wraps(method)
    def transfer(client: "TrackingClient", owner_id: str, *args: Any, **kwargs: Any) -> Any:
        send, read = (getattr(super(TrackingClient, client), each.__name__) for each in (method, probe))
        return client._transfer(partial(send, owner_id, *args, **kwargs), partial(read, owner_id), what)

    return cast(Method, transfer)


class TrackingClient(MaskedRequests):
    """MLflow's client, which waits for a server that is away and masks secrets in all that it writes.

    A request that fails is sent again, with growing pauses, until the server has been away for ``patience_seconds``, or
    at once given up if the server's answer is final. A request may arrive twice where the server has taken it and could
    not say so. Files are sent a second time once the server answers, and again and again to a store that is away for no
    longer than the server may be; otherwise their store refuses them.

    Params, tags and the names of runs are written without secrets and cut to the length that MLflow takes; what is no
    text, or PostgreSQL does not take, is escaped. Threads may share a client.

    All methods raise a :class:`TrackingError` for what the server or the artifact store has against a request.

    Args:
        tracking_uri: The tracking server; by default, the one that MLflow's settings name.
        mask: The secrets.
        patience_seconds: How long the server may be away; by default what ``TG_TRACKING_PATIENCE_SECONDS`` says,
            else 300.
        clock: The clock.

    Attributes:
        mask: The secrets.
        timelines: What was noted through it of the states of runs, by run; copies of it share this.
        created: The runs that were created through it, which nobody has recorded before; copies of it share this.

    Raises:
        BackendConfigError: If that variable is not a number of seconds.
        TrackingError: If the store is a database that cannot be used.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        mask: SecretMask | None = None,
        patience_seconds: float | None = None,
        clock: Clock = time,
    ) -> None:
        try:
            super().__init__(open_store(tracking_uri))
        except MlflowException as error:
            raise TrackingError(str(error)) from error
        self.mask = mask or SecretMask()
        self.timelines: dict[str, Timeline] = {}
        self.created: set[str] = set()
        self._experiments: dict[str, str] = {}
        self._clock = clock
        self._set_patience(patience_seconds)
        self._thread = threading.local()

    @property
    def patience_seconds(self) -> float:
        """How long the server may be away."""
        return self._patience.seconds

    def without_patience(self) -> "TrackingClient":
        """Returns the same client, which sends each request once: for interrupts, and notes that may be missing."""
        return self.with_patience(0)

    def with_patience(self, seconds: float | None = None) -> "TrackingClient":
        """Returns the same client, which waits so long for a server that is away; by default as a new one does."""
        client = copy.copy(self)
        client._set_patience(seconds)
        return client

    def _set_patience(self, seconds: float | None) -> None:
        seconds = read_patience() if seconds is None else seconds
        self._patience, self._store_patience = Patience(seconds, self._clock), Patience(seconds, self._clock)

    def repeat(self, action: Callable[[], T], what: str) -> T:
        """Does something again, with growing pauses, while the server is away.

        Args:
            action: What is done, with a client that has no patience.
            what: What it is that the server takes.

        Raises:
            TrackingError: If the server's answer is final, or it stays away.
        """
        pauses = self._patience.pauses()
        while True:
            try:
                return action()
            except TrackingError as error:
                if error.is_final or (pause := next(pauses, None)) is None:
                    raise
                _logger.warning("The tracking server does not take %s (%s); it is asked again", what, error)
            self._patience.sleep(pause)

    get_run = _asking("a question", MlflowClient.get_run)
    search_runs = _asking("a question", MlflowClient.search_runs)
    search_experiments = _asking("a question", MlflowClient.search_experiments)
    get_metric_history = _asking("a question", MlflowClient.get_metric_history)
    get_experiment = _asking("a question", MlflowClient.get_experiment)
    get_experiment_by_name = _asking("a question", MlflowClient.get_experiment_by_name)
    create_experiment = _asking("a new experiment", MlflowClient.create_experiment)
    delete_tag = _asking("that a tag is removed", MlflowClient.delete_tag)
    delete_run = _asking("that a run is removed", MlflowClient.delete_run)
    restore_run = _asking("that a run is restored", MlflowClient.restore_run)
    log_outputs = _asking("a model", MlflowClient.log_outputs)
    get_logged_model = _asking("a question", MlflowClient.get_logged_model)
    search_logged_models = _asking("a question", MlflowClient.search_logged_models)
    finalize_logged_model = _asking("a model", MlflowClient.finalize_logged_model)
    delete_logged_model = _asking("that a model is removed", MlflowClient.delete_logged_model)
    delete_logged_model_tag = _asking("that a tag is removed", MlflowClient.delete_logged_model_tag)
    search_model_versions = _asking("a question", MlflowClient.search_model_versions)
    get_model_version = _asking("a question", MlflowClient.get_model_version)
    delete_model_version = _asking("that a version of a model is removed", MlflowClient.delete_model_version)
    get_registered_model = _asking("a question", MlflowClient.get_registered_model)
    set_registered_model_alias = _asking("an alias", MlflowClient.set_registered_model_alias)
    list_artifacts = _transferring("a question", MlflowClient.list_artifacts)
    download_artifacts = _transferring("a question", MlflowClient.download_artifacts)
    log_artifact = _transferring("a file", MlflowClient.log_artifact)
    log_artifacts = _transferring("files", MlflowClient.log_artifacts)
    log_text = _transferring("a file", MlflowClient.log_text)
    log_table = _transferring("a table", MlflowClient.log_table)
    log_model_artifacts = _transferring("a model", MlflowClient.log_model_artifacts, MlflowClient.get_logged_model)

    def list_files(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Lists what is in a folder of a run's artifacts; ``list_artifacts`` asks for the run and its models, too."""
        folder = partial(self._tracking_client._get_artifact_repo, run_id)
        return self._transfer(lambda: folder().list_artifacts(path), partial(super().get_run, run_id), "a question")

    def find_experiment(self, run_id: str) -> str:
        """Returns the id of the experiment that a run is in, which never changes: the server is asked once."""
        if run_id not in self._experiments:
            self._experiments[run_id] = str(self.get_run(run_id).info.experiment_id)
        return self._experiments[run_id]

    def note_creation(self, run_id: str, experiment_id: str) -> None:
        """Notes that a run was created through this client just now, so that nothing is in it that is not known."""
        self.created.add(run_id)
        self.timelines[run_id] = Timeline(stored=())
        self._experiments[run_id] = experiment_id

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """Ends a run; no interrupt cuts short a request that is on its way."""
        end = super().set_terminated

        def end_run() -> None:
            with uninterrupted():
                end(run_id, status, end_time)

        self._ask(end_run, "a run's end")

    def note_tables(self, run_id: str, paths: Iterable[str], run: Run | None = None) -> None:
        """Tells MLflow's pages and ``load_table`` which artifacts of a run are tables, as far as its tag has room.

        Noting one again changes nothing. ``run`` is the run, if it has just been read.
        """
        try:
            known = list(json.loads((run or self.get_run(run_id)).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]")))
        except (ValueError, TypeError):  # a training has written something else there
            known = []
        tables = list(known)
        for path in paths:
            entry = {"path": path, "type": "table"}
            # MLflow would cut a longer one, and a list that is cut is none.
            if entry not in known and len(json.dumps([*tables, entry])) <= _LONGEST_LIST:
                tables.append(entry)
        if tables != known:
            self.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps(tables))

    def _ask(self, request: Callable[[], T], what: str) -> T:
        if self._is_asking:
            return request()
        return self.repeat(partial(self._send, request), what)

    def _transfer(self, transfer: Callable[[], T], probe: Callable[[], object], what: str) -> T:
        if self._is_asking:
            return transfer()
        attempt = partial(self._send, transfer, Exception)  # each artifact store has errors of its own
        pauses, is_first = self._store_patience.pauses(), True
        while True:
            try:
                sent = attempt()
                self._store_patience.note_answer()
                return sent
            except TrackingError as error:
                failure = error
            may_return = is_passing(failure.__cause__)
            if is_first or may_return:  # it may have been the server that was away
                self._ask(probe, what)
            pause = next(pauses, None) if may_return else 0.0 if is_first else None
            if pause is None or self.patience_seconds == 0:
                raise TrackingError(str(failure), is_final=True) from failure.__cause__
            if may_return:
                _logger.warning("The artifact store does not take %s (%s); it is asked again", what, failure)
                self._store_patience.sleep(pause)
            is_first = False

    @property
    def _is_asking(self) -> bool:
        """Whether a method of MLflow's client calls another one in this thread, so that only the outer one waits."""
        return getattr(self._thread, "is_asking", False)

    def _send(
        self,
        request: Callable[[], T],
        failures: type[Exception] | tuple[type[Exception], ...] = (MlflowException, OSError),
    ) -> T:
        """Sends a request once.

        Raises:
            TrackingError: In place of these failures.
        """
        self._thread.is_asking = True
        try:
            answer = request()
        except failures as error:
            text = self.mask.mask(str(error) or type(error).__name__)
            raise TrackingError(text, is_final(error), is_refusal(error)) from as_cause(error, self.mask)
        finally:
            self._thread.is_asking = False
        self._patience.note_answer()
        return answer

    def _mask_named(self, values: Mapping[str, str], longest: int) -> dict[str, str]:
        # Cut when they are masked: what is left of a secret that was cut would not be known as one.
        masked = self.mask.mask_named(values)
        return {name: make_storable(value)[:longest] for name, value in masked.items()}
