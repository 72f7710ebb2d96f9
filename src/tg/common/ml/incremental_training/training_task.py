"""A training on a table that may be larger than memory."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ...errors import DatasetError, TaskDefinitionError
from ..single_frame_training import DataFrameLoader, Evaluator, LabelledFrame, ModelProvider, TrainingPipeline
from ..training_core import AbstractTrainingTask, Artificier, MetricPool, TrainingEnvironment
from .early_stopping import EarlyStopping
from .hash_split import HashSplit
from .model_start import start_model
from .row_groups import open_parquet
from .sample_evaluation import SampleEvaluation
from .training_data import SampleSize, TrainingData
from .training_loop import Schedule, TrainingLoop
from .training_state import TrainingState

# Options of a model that do not change what it learns.
_INERT_OPTIONS = ("n_jobs", "verbose")


class IncrementalTrainingTask(AbstractTrainingTask):
    """Trains a model with ``partial_fit``, batch by batch, on a parquet file or a folder of such files.

    In memory are a window of rows and a sample, however large the dataset is. A pass reads the row groups in a random
    order, cuts them into windows, and each of these, in a random order of its rows, into batches of the same size.

    The transformer is fitted before the first batch, on a sample: what a feature means, such as its scale and its
    categories, must not change while the model learns, and a pass of its own would double the time. The sample is of
    rows to learn from, the first ones of 32 row groups.

    Metrics are named ``<metric>_<stage>``, and measured on samples of the rows to test on and to learn from: the same
    ones each time. They have the number of rows that have been learned from as step, and so has ``loss``, the mean of
    the model's ``loss_`` since the last evaluation, if it has that.

    The same seed gives the same model, to the last digit, also where the training goes on from a checkpoint. A model
    and a transformer whose ``random_state`` is ``None`` get the seed.

    Args:
        data_loader: Makes of each window what a model learns from; without ``sample`` and ``group_column``.
        model_provider: Makes the model: a :class:`PartialEstimator`.
        evaluator: One of :class:`Evaluation`, or one of your own.
        split: Which rows are tested; by default, a tenth of the rows.
        metrics_pool: By default, no metrics.
        artificiers: Called in this order on the result; what they do before metrics, they do at each evaluation.
        epochs: How often each row is learned from.
        batch_size: How many rows a batch has, or somewhat fewer, as a window has whole batches.
        window_rows: How many rows are in memory together, and in a random order.
        shuffle: Whether the order is random; otherwise, it is that of the files.
        seed: Fixes the order, and the random numbers of models.
        classes: All labels of a classification; by default, those of the sample.
        sample_rows: How many rows the transformer is fitted on, at most.
        evaluation_rows: How many rows of each stage the metrics are measured on, at most.
        evaluate_every: After how many batches metrics are measured; they are at the end in any case.
        early_stopping: When to end before the last epoch.
        max_seconds: When to end in any case, after this many seconds of training.
        checkpoint_seconds: How often the training keeps its state, to go on from there if it is interrupted.
        checkpoint_every: After how many batches it does so besides.
    """

    def __init__(
        self,
        data_loader: DataFrameLoader,
        model_provider: ModelProvider,
        evaluator: Evaluator,
        split: HashSplit | None = None,
        metrics_pool: MetricPool | None = None,
        artificiers: Sequence[Artificier] = (),
        *,
        epochs: int = 1,
        batch_size: int = 10_000,
        window_rows: int = 100_000,
        shuffle: bool = True,
        seed: int = 0,
        classes: Sequence[Any] | None = None,
        sample_rows: int = 50_000,
        evaluation_rows: int = 20_000,
        evaluate_every: int = 100,
        early_stopping: EarlyStopping | None = None,
        max_seconds: float | None = None,
        checkpoint_seconds: float = 60.0,
        checkpoint_every: int | None = None,
    ) -> None:
        super().__init__()
        self.data_loader = data_loader
        self.model_provider = model_provider
        self.evaluator = evaluator
        self.split = split or HashSplit()
        self.metrics_pool = metrics_pool or MetricPool()
        self.artificiers = list(artificiers)
        self.epochs = epochs
        self.batch_size = batch_size
        self.window_rows = window_rows
        self.shuffle = shuffle
        self.seed = seed
        self.classes = None if classes is None else list(classes)
        self.sample_rows = sample_rows
        self.evaluation_rows = evaluation_rows
        self.evaluate_every = evaluate_every
        self.early_stopping = early_stopping
        self.max_seconds = max_seconds
        self.checkpoint_seconds = checkpoint_seconds
        self.checkpoint_every = checkpoint_every
        self._check()

    def get_metric_names(self) -> list[str]:
        return self.metrics_pool.get_metric_names(["test", "train"] if self.split.test_share else ["train"])

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        """Trains on ``data``, the path of a parquet file or of a folder of them; goes on from the last checkpoint.

        Raises:
            DatasetError: If the data are missing or unfit, or not those of the checkpoint.
            TaskDefinitionError: If the parts of the task do not fit together.
        """
        self._check()  # once more: hyperparameters may have changed it since it was made
        table = open_parquet(data)
        seed = self.seed if self.shuffle else None
        rows = TrainingData(table, self.data_loader, self.split, self.window_rows, seed)
        sample = rows.sample(SampleSize(self.sample_rows, self.evaluation_rows))
        samples = {"train": sample.train}
        if sample.test is not None:
            samples = {"test": sample.test, **samples}
            if len(sample.test.frame) < self.evaluation_rows and sample.read_count < rows.row_count:
                environment.log(
                    f"Tests on {len(sample.test.frame)} rows: the {sample.read_count} rows that were read to find "
                    f"{self.evaluation_rows} have no more"
                )
        evaluation = SampleEvaluation(
            self.evaluator, self.metrics_pool, self.artificiers, samples, self.evaluation_rows
        )
        state = self._find_state(rows, sample.train, environment)
        result = TrainingLoop(state, rows, self._build_schedule(), evaluation, environment).run()
        result.info.update(self.info, run=0, rows=state.rows, batches=state.batches)
        result.artifacts["history"] = pd.DataFrame(state.history)
        for artificier in self.artificiers:
            artificier.run_before_storage(result)
        result.store(self, 0, environment)

    def _find_state(self, data: TrainingData, sample: LabelledFrame, environment: TrainingEnvironment) -> TrainingState:
        """Returns the state of the last checkpoint, or that of a new training."""
        model = self.model_provider.get_model()
        if len(environment.hosts) > 1:
            self._check_hosts(model.steps[-1][1], len(environment.hosts))
        facts = self._list_facts(data, sample, model)
        checkpoint = environment.latest_checkpoint()
        if checkpoint is None:
            classes = start_model(model, sample, self.evaluator, self.classes, self.seed)
            state = TrainingState(model, classes, facts)
            state.judge_by(self.early_stopping)
            return state
        if not isinstance(checkpoint.state, TrainingState):
            raise DatasetError(
                f"the checkpoint at step {checkpoint.step} is not one of a training on batches, but a "
                f"{type(checkpoint.state).__name__}; train anew"
            )
        state = checkpoint.state
        for name in dict.fromkeys([*facts, *state.facts]):
            before, now = (repr(each.get(name)) for each in (state.facts, facts))
            if before != now:  # as texts, since NaN is the same, too
                raise DatasetError(
                    f"the checkpoint at step {checkpoint.step} is of a training with {name} {before:.200}, and this "
                    f"one has {now:.200}, so it cannot go on from there; give it what it had, or train anew"
                )
        state.judge_by(self.early_stopping)
        environment.log(f"Going on after {state.rows} rows, in epoch {state.epoch + 1} of {self.epochs}")
        return state

    def _check_hosts(self, model: Any, count: int) -> None:
        """Refuses several machines that would all learn the same, or would not end after the same batch."""
        if not getattr(model, "is_distributed", False):
            raise TaskDefinitionError(
                f"{type(model).__name__} learns on one machine, and there are {count}, which would all learn the same; "
                "give it one, or a model with is_distributed, as PartialEstimator describes it"
            )
        if self.max_seconds is not None:
            raise TaskDefinitionError(
                f"max_seconds is {self.max_seconds}, and {count} machines would not end after the same batch; give "
                "epochs"
            )

    def _list_facts(self, data: TrainingData, sample: LabelledFrame, model: TrainingPipeline) -> dict[str, Any]:
        """Returns what determines the order of the rows, which of them are learned from, and how, as far as texts can.

        What a training may have otherwise where it goes on, such as more epochs, is not among it.
        """
        options = ("window_rows", "batch_size", "shuffle", "seed", "sample_rows", "classes")
        return {
            "rows": data.row_count,
            "row groups": data.group_count,
            **{name: getattr(self, name) for name in options},
            **{f"split.{name}": getattr(self.split, name) for name in ("columns", "test_share", "seed")},
            "label": sample.label_column,
            "features": sample.features,
            "model": type(model.steps[-1][1]).__name__,
            **dict(_list_step_options(model)),
            "data with the digest": _digest(sample.frame, self.data_loader.as_is),
        }

    def _build_schedule(self) -> Schedule:
        return Schedule(**{each.name: getattr(self, each.name) for each in dataclasses.fields(Schedule)})

    def _check(self) -> None:
        counts: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("epochs", "batch_size", "window_rows", "sample_rows", "evaluation_rows", "evaluate_every")
        }
        if self.checkpoint_every is not None:
            counts["checkpoint_every"] = self.checkpoint_every
        for name, value in counts.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise TaskDefinitionError(f"{name} is {value!r}; give a whole number from 1")
        seed: Any = self.seed
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise TaskDefinitionError(f"seed is {seed!r}; give a whole number from 0, below 2**32")
        if self.batch_size > self.window_rows:
            raise TaskDefinitionError(
                f"batch_size is {self.batch_size}, more than the window_rows {self.window_rows}; a window has whole "
                "batches: give it more rows"
            )
        for name in ("max_seconds", "checkpoint_seconds"):
            seconds: Any = getattr(self, name)
            is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
            if seconds is not None and not (is_number and seconds > 0):
                raise TaskDefinitionError(f"{name} is {seconds!r}; give a number above 0")
        for name, advice in (("sample", "give fewer epochs"), ("group_column", "use SingleFrameTrainingTask")):
            if getattr(self.data_loader, name) is not None:
                raise TaskDefinitionError(f"a training on batches has no {name} of its data_loader; {advice}")
        self.split.check()
        if self.early_stopping is not None:
            self.early_stopping.check()
            if self.early_stopping.metric not in [*self.get_metric_names(), "loss"]:
                raise TaskDefinitionError(
                    f"early stopping looks at {self.early_stopping.metric!r}, which is not measured; the metrics are "
                    f"{', '.join(self.get_metric_names()) or 'none: add one to metrics_pool'}"
                )


def _list_step_options(model: TrainingPipeline) -> Iterator[tuple[str, Any]]:
    """Yields the options of a pipeline's steps that say their value: an object's address is another one each time."""
    for name, step in model.steps:
        given = step.get_params(deep=False) if hasattr(step, "get_params") else {}
        for option, value in given.items():
            if isinstance(value, (bool, int, float, str)) and option not in _INERT_OPTIONS:
                yield f"{name}.{option}", value


def _digest(frame: pd.DataFrame, as_is: Sequence[str]) -> str:
    """Returns a text that is another one for other values, or other positions in the dataset."""
    texts = {name: frame[name].map(repr) for name in as_is if name in frame}  # these may be lists
    hashes = pd.util.hash_pandas_object(frame.assign(**texts))
    return f"{int(hashes.sum()):016x}"
