"""Lets an Optuna study train at any place: each trial is a run, with live values for the pruner."""

import copy
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from tg.common.delivery.sagemaker import SagemakerConfig
from tg.common.errors import TaskDefinitionError
from tg.common.ml.training_core import AbstractTrainingTask
from tg.common.system.interrupts import terminating_as_interrupt
from tg_mlflow.backend.request_headers import silence_header_warnings
from tg_mlflow.cost.total import recording_total
from tg_mlflow.delivery.project_delivery import build_options
from tg_mlflow.errors import BackendConfigError, SweepError, TrackingError
from tg_mlflow.notebook.notebook_run import NotebookRun
from tg_mlflow.notebook.trial_watch import TrialWatch
from tg_mlflow.recording.metric_names import MetricNames
from tg_mlflow.registration.registration import build_register_tags, settle_registration
from tg_mlflow.sweeps.member import SweepMember
from tg_mlflow.sweeps.report.summary import log_sweep_summary
from tg_mlflow.sweeps.report.table import FINISHED, PRUNED, Mode, SweepChildResult, describe_missing_metric
from tg_mlflow.sweeps.source import TaskSweep
from tg_mlflow.sweeps.trainer import SweepTrainer
from tg_mlflow.tracking.conducted_run import conducting_run
from tg_mlflow.tracking.tags import PRUNED_TAG, STUDY_TAG, SWEEP_TAG

try:
    import optuna
    from optuna.distributions import (
        BaseDistribution,
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )
except ImportError as error:
    raise ImportError(f"TgObjective needs Optuna ({error}); install tg-mlflow[optuna]") from error

_logger = logging.getLogger("mlflow.tg_mlflow")

Space: TypeAlias = "Mapping[str, BaseDistribution] | Callable[[optuna.Trial], Mapping[str, Any]]"


class TgObjective:
    """An objective for ``study.optimize`` whose trials are trained at a place. As a context, it is one MLflow run.

    Each trial is a run below that one, named ``trial-<number>``, with all that a training records; a table, figures and
    the best trial are in the one above. Trials differ in hyperparameters only, so all share one package and one image.
    While a trial is trained, values of its metric go to the study with their steps, and a trial that the study prunes
    is stopped: its run is KILLED and has the tag ``tg.pruned_at_step``. On ``tg-attached``, trials are neither
    reported nor pruned while they are trained.

    With ``n_jobs``, trials are trained at the same time. Ctrl-C stops those that are.

    Example::

        space = {"model_provider.constructor.kwargs.C": FloatDistribution(0.01, 100, log=True)}
        with TgObjective(task, space, "roc_auc_score_test", "tg-local", {"dataset": "titanic.parquet"}) as objective:
            study.optimize(objective, n_trials=20, n_jobs=2)

    Args:
        task: The task.
        space: The varying parts of the task by dotted path, as in ``hyperparameters``, each with a distribution; or a
            function that asks a trial for values and returns them by path.
        metric: The metric whose last value is the trial's; several for a study with as many directions.
        backend: The name of a place, such as ``tg-process``.
        config: The place's keys, or a JSON file of them; they override those of ``tg.json`` in ``folder``.
        folder: The folder of ``datasets``, ``tg.json`` and ``environment.env``.
        experiment_name: Where the runs are created; by default in the active experiment.
        run_name: The name of the run above the trials'; by default the class of the task.

    Attributes:
        run_id: The run above the trials', as soon as the context is entered.

    Raises:
        TgError: If the task or the configuration is invalid.
    """

    def __init__(
        self,
        task: AbstractTrainingTask,
        space: Space,
        metric: str | Sequence[str],
        backend: str = "tg-process",
        config: Mapping[str, Any] | str | Path | None = None,
        *,
        folder: str | Path = ".",
        experiment_name: str | None = None,
        run_name: str | None = None,
    ) -> None:
        if not isinstance(task, AbstractTrainingTask):
            raise TaskDefinitionError(f"{task!r} is a {type(task).__name__}; give an AbstractTrainingTask")
        self.metrics = [metric] if isinstance(metric, str) else list(metric)
        if not self.metrics:
            raise BackendConfigError("metric is empty; name the metric that is optimized")
        self._started = NotebookRun.read(backend, Path(folder), config)
        self._task = task
        self._space = space
        self._experiment_name = experiment_name
        self._run_name = run_name or type(task).__name__
        self._mode: Mode = self._started.config.mode
        self._stack = ExitStack()
        # Trainings in this process share its log, so they take turns.
        self._executor = self._started.open_executor()
        self._turn = threading.Lock() if self._executor.traits.is_in_process else nullcontext()
        self._is_open = False
        self.run_id = ""

    def __enter__(self) -> "TgObjective":
        silence_header_warnings()
        config = self._started.config
        self._client = self._started.connect()
        space = sorted(self._space) if isinstance(self._space, Mapping) else []
        own = {STUDY_TAG: "optuna", SWEEP_TAG: ", ".join(space), **build_register_tags(config)}
        with ExitStack() as stack:
            stack.enter_context(terminating_as_interrupt(self._stop_trials))
            self.run_id = self._started.create_run(self._client, self._experiment_name, self._run_name, own)
            stack.enter_context(conducting_run(self._client, self.run_id))
            parent, costs = self._client.get_run(self.run_id), self._started.costs
            self._trainer = SweepTrainer(self._client, self._executor, parent, costs=costs)
            stack.enter_context(recording_total(self._client, parent, costs))
            for name, value in config.tags.items():
                self._client.set_tag(self.run_id, name, value)
            member = SweepMember(self._run_name, {}, {}, config, lambda: self._task)
            delivered = stack.enter_context(TaskSweep(self._started.project).delivering([member], config))
            (self._delivery,) = delivered.deliveries
            stack.callback(self._summarize)
            self._executor.prepare(self._delivery)
            self._stack = stack.pop_all()
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Logs the summary and ends the run: FAILED after an exception, KILLED after an interrupt."""
        self._is_open = False
        self._stack.__exit__(kind, error, traceback)
        if self._started.config.register is not None:
            settle_registration(self._client, self.run_id)

    def __call__(self, trial: "optuna.Trial") -> float | tuple[float, ...]:
        """Trains a trial to its end.

        Returns:
            The metric's last value, or those of several metrics.

        Raises:
            optuna.TrialPruned: If the study has pruned it.
            SweepError: If it has failed, or has no finite value of the metric; ``optimize`` goes on with
                ``catch=(SweepError,)``.
            KeyboardInterrupt: After Ctrl-C, when the run has been KILLED.
        """
        if not self._is_open:
            raise SweepError("the objective is not open; use it in `with TgObjective(...) as objective:`")
        self._mode = "max" if trial.study.directions[0] == optuna.study.StudyDirection.MAXIMIZE else "min"
        values = self._suggest(trial)
        config = self._started.config
        member = SweepMember(
            f"trial-{trial.number}",
            values,
            {},
            config.model_copy(update={"hyperparameters": {**config.hyperparameters, **values}}),
            lambda: self._task,
        )
        watch = TrialWatch(trial, self.metrics[0]) if len(self.metrics) == 1 else None
        with self._turn:
            self._trainer.train(member, self._deliver(member), watch)
        result = self._trainer.results.get(member.name)
        if result is None:
            budget = self._started.costs.budget
            reason = budget.reason if budget.is_reached else "all are stopped"
            raise SweepError(f"{member.name} was not started, as {reason}")
        if result.run_id is not None:
            trial.set_user_attr("run_id", result.run_id)
        if watch is not None and watch.pruned_at is not None:
            self._client.set_tag(str(result.run_id), PRUNED_TAG, str(watch.pruned_at))
            reason = f"at step {watch.pruned_at}"
            self._trainer.results[member.name] = replace(result, status=PRUNED, failure=reason)
            raise optuna.TrialPruned(f"it was pruned at step {watch.pruned_at}")
        return self._read_values(result)

    def _deliver(self, member: SweepMember) -> SagemakerConfig:
        """Describes a trial's delivery: the package's job with the trial's name."""
        job = copy.copy(self._delivery.job)
        # In this process, hyperparameters are set in the task itself.
        is_shared = self._executor.traits.is_in_process
        job.task = copy.deepcopy(job.task) if is_shared else copy.copy(job.task)
        job.task.info = {**job.task.info, "name": member.name}
        options = build_options(self._started.project, member.config)
        return SagemakerConfig(job, self._delivery.packaging, self._delivery.containering, options)

    def _suggest(self, trial: "optuna.Trial") -> dict[str, Any]:
        if not isinstance(self._space, Mapping):
            return dict(self._space(trial))
        return {path: _suggest_by(trial, path, distribution) for path, distribution in self._space.items()}

    def _read_values(self, result: SweepChildResult) -> float | tuple[float, ...]:
        if result.status != FINISHED:
            raise SweepError(f"{result.name} {result.status}: {result.failure or 'its run says why'}")
        values = []
        for metric in self.metrics:
            value = result.get_metric(MetricNames().key_of(metric))
            if value is None:
                raise SweepError(f"{result.name}: {describe_missing_metric([result], metric)}")
            values.append(value)
        return values[0] if len(values) == 1 else tuple(values)

    def _summarize(self) -> None:
        if not self._trainer.results:
            return
        results = sorted(self._trainer.results.values(), key=lambda each: int(each.name.rpartition("-")[2]))
        experiment_id = self._trainer.parent.info.experiment_id
        metric = MetricNames().key_of(self.metrics[0])
        client = self._client.without_patience()  # it may be an interrupt that ends the study
        try:
            log_sweep_summary(client, self.run_id, experiment_id, results, metric, self._mode, {})
        except TrackingError as error:
            _logger.warning("The study's summary could not be logged: %s", error)

    def _stop_trials(self) -> None:
        """Stops trials in other threads at Ctrl-C, as ``optimize`` waits for them."""
        if self._is_open:
            threading.Thread(target=self._trainer.stop, name="stop-trials").start()


def _suggest_by(trial: "optuna.Trial", path: str, distribution: "BaseDistribution") -> Any:
    if isinstance(distribution, FloatDistribution):
        return trial.suggest_float(
            path, distribution.low, distribution.high, step=distribution.step, log=distribution.log
        )
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(
            path, distribution.low, distribution.high, step=distribution.step, log=distribution.log
        )
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(path, distribution.choices)
    raise BackendConfigError(f"{path!r} has a {type(distribution).__name__}; give a distribution of Optuna")
