"""Learns batch by batch, measures, keeps checkpoints, and knows when to end."""

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import TaskDefinitionError
from ..single_frame_training import LabelledFrame, SingleFrameTrainingResult
from ..single_frame_training.learners import Rows
from ..training_core import TrainingEnvironment
from .batch_learner import BatchLearner
from .early_stopping import EarlyStopping
from .model_start import check_classes
from .sample_evaluation import SampleEvaluation
from .training_data import TrainingData
from .training_state import TrainingState


@dataclass(frozen=True)
class Schedule:
    """What is done when, as :class:`IncrementalTrainingTask` describes it."""

    epochs: int
    batch_size: int
    evaluate_every: int
    early_stopping: EarlyStopping | None
    max_seconds: float | None
    checkpoint_seconds: float
    checkpoint_every: int | None


class TrainingLoop:
    """One training, from wherever its state is.

    Args:
        state: Where it is; changed as it goes on.
        data: The rows.
        schedule: What is done when.
        evaluation: Measures.
        environment: Takes metrics, progress and checkpoints.
    """

    def __init__(
        self,
        state: TrainingState,
        data: TrainingData,
        schedule: Schedule,
        evaluation: SampleEvaluation,
        environment: TrainingEnvironment,
    ) -> None:
        self._state = state
        self._learner = BatchLearner(state.model, state.classes)
        self._data = data
        self._schedule = schedule
        self._evaluation = evaluation
        self._environment = environment
        self._started = time.monotonic() - state.seconds
        self._kept = time.monotonic()
        self._last_result: SingleFrameTrainingResult | None = None

    def run(self) -> SingleFrameTrainingResult:
        """Trains to the end.

        Returns:
            The model, and what it was measured at last; with early stopping, those of the best evaluation.

        Raises:
            DatasetError: If the data are unfit.
            TaskDefinitionError: If the model takes no weights, and there are some, or a metric cannot be computed.
        """
        state = self._state
        if not self._has_ended():
            self._learn_all()
        if not state.history or state.history[-1]["step"] != state.rows:
            self._evaluate()
        if state.best is None:
            return self._last_result or self._evaluation.measure(state.model)
        result = self._evaluation.measure(state.best)
        for name, value in result.metrics.items():  # the last values are those of the model that is kept
            self._environment.output_metric(name, value, state.rows)
        return result

    def _learn_all(self) -> None:
        state = self._state
        while state.epoch < self._schedule.epochs:
            for table in self._data.read(state.epoch, state.window):
                self._tell_progress()
                for batch in () if table is None else self._divide(table):
                    self._learn(batch)
                    if state.batches % self._schedule.evaluate_every == 0:
                        self._evaluate()
                    if self._has_ended():
                        return
                    self._keep()
                state.window, state.batch = state.window + 1, 0
            state.epoch, state.window = state.epoch + 1, 0
        self._tell_progress()

    def _divide(self, table: LabelledFrame) -> Iterator[Rows]:
        """Yields the batches of a window that have not been learned from."""
        labels, weights, state = table.labels, table.weights, self._state
        if state.classes is not None:
            check_classes(table, state.classes)
        features = state.model.transform_features(table.frame[table.features])
        count = -(-len(labels) // self._schedule.batch_size)
        ends = [len(labels) * number // count for number in range(count + 1)]
        for number in range(state.batch, count):
            rows = slice(ends[number], ends[number + 1])
            part = features.iloc[rows] if hasattr(features, "iloc") else features[rows]
            yield Rows(part, labels[rows], None if weights is None else weights[rows])

    def _learn(self, batch: Rows) -> None:
        state = self._state
        self._learner.learn(batch)
        count = len(batch.labels)
        if (loss := self._learner.loss) is not None:
            state.losses = (state.losses[0] + loss * count, state.losses[1] + count)
        self._last_result = None  # it is of another model now
        state.rows += count
        state.batches += 1
        state.batch += 1
        state.seconds = time.monotonic() - self._started

    def _evaluate(self) -> None:
        state, early = self._state, self._schedule.early_stopping
        measured = {"loss": state.losses[0] / state.losses[1]} if state.losses[1] else {}
        state.losses = (0.0, 0)
        self._last_result = self._evaluation.measure(state.model)
        measured.update(self._last_result.metrics)
        for name, value in measured.items():
            self._environment.output_metric(name, value, state.rows)
        state.history.append({"step": state.rows, **measured})
        if early is not None:
            if early.metric not in measured:
                raise TaskDefinitionError(
                    f"early stopping looks at {early.metric!r}, and the model "
                    f"{type(state.model.steps[-1][1]).__name__} has no loss_; give a metric of metrics_pool"
                )
            state.unimproved += 1
            if early.is_better(measured[early.metric], state.best_value):
                state.best, state.best_value, state.unimproved = copy.deepcopy(state.model), measured[early.metric], 0

    def _has_ended(self) -> bool:
        """Returns whether the training ends before its last epoch; says why."""
        state, early, limit = self._state, self._schedule.early_stopping, self._schedule.max_seconds
        if early is not None and state.unimproved >= early.patience:
            best = "never measured" if state.best_value is None else f"best at {state.best_value:.6g}"
            reason = f"{early.metric} was {best}, {state.unimproved} evaluations ago"
        elif limit is not None and state.seconds >= limit:
            reason = f"it has taken {limit:g} seconds, which is max_seconds"
        else:
            return False
        self._environment.log(f"The training ends after {state.rows} rows: {reason}")
        return True

    def _keep(self) -> None:
        """Keeps a checkpoint if it is time for one, or the job is to end."""
        every, batches = self._schedule.checkpoint_every, self._state.batches
        is_due = time.monotonic() - self._kept >= self._schedule.checkpoint_seconds
        if is_due or (every is not None and batches % every == 0) or self._environment.is_stopping:
            self._environment.save_checkpoint(self._state, self._state.rows)
            self._kept = time.monotonic()

    def _tell_progress(self) -> None:
        state, count = self._state, self._data.row_count
        done = min(state.window * self._data.window_rows, count)
        self._environment.log_progress(state.epoch * count + done, self._schedule.epochs * count, "row")
