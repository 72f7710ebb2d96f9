"""A training on one table that fits in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..training_core import (
    AbstractTrainingTask,
    Artificier,
    FoldSplitter,
    MetricPool,
    Split,
    Splitter,
    TrainingEnvironment,
)
from .data_frame_loader import DataFrameLoader, LabelledFrame
from .evaluation import CLASSIFICATIONS, Evaluator, evaluate_stages
from .fold_fit import FoldFit
from .model_provider import ModelProvider
from .training_result import SingleFrameTrainingResult
from .validation import Validation


class SingleFrameTrainingTask(AbstractTrainingTask):
    """Trains and measures one model per split.

    Metrics are named ``<metric>_<stage>``. With several splits, each split's metrics are reported when it is done, as
    ``fold_<metric>_<stage>`` with the split's number as step, and at the end their means under the plain name.

    With a `validation`, what the library measures after each iteration is reported as ``validation_<its name>`` with
    the iteration as step, from 0, or as ``fold_<split>_validation_<its name>`` with several splits. Where the fit was
    stopped early, ``best_iteration`` is a metric, too. The rows held back still belong to the stage ``train``.

    Args:
        data_loader: Reads the data.
        model_provider: Makes the models.
        evaluator: One of :class:`Evaluation`, or one of your own.
        splitter: By default, one random division with 30 % of the rows to test on.
        metrics_pool: By default, no metrics.
        artificiers: Called in this order on each run's result.
        artificers: The same, as older notebooks spell it.
        validation: Rows to validate each model on while it learns; by default, it learns from all rows of its split.
    """

    def __init__(
        self,
        data_loader: DataFrameLoader,
        model_provider: ModelProvider,
        evaluator: Evaluator,
        splitter: Splitter | None = None,
        metrics_pool: MetricPool | None = None,
        artificiers: Sequence[Artificier] = (),
        artificers: Sequence[Artificier] = (),
        validation: Validation | None = None,
    ) -> None:
        super().__init__()
        self.data_loader = data_loader
        self.model_provider = model_provider
        self.evaluator = evaluator
        self.splitter = splitter or FoldSplitter()
        self.metrics_pool = metrics_pool or MetricPool()
        self.artificiers = [*artificiers, *artificers]
        self.validation = validation

    def get_metric_names(self) -> list[str]:
        plain = self.metrics_pool.get_metric_names([*self.splitter.get_stages(), "train"])
        return plain if self.splitter.get_split_count() == 1 else [*plain, *(f"fold_{name}" for name in plain)]

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        """Trains on ``data``, a frame or the path of a parquet file or folder.

        Raises:
            DatasetError: If the data are missing or unfit.
            TaskDefinitionError: If the parts of the task do not fit together.
        """
        table = self.data_loader.load(data)
        splits = self.splitter.split(table.frame)
        folds: list[dict[str, float]] = []
        told: set[str] = set()
        for number in environment.track(range(len(splits)), unit="fold"):
            environment.log(f"Starting stage {number + 1}/{len(splits)}")
            prefix = "validation_" if len(splits) == 1 else f"fold_{number}_validation_"
            fit = FoldFit(self.model_provider.get_model(), self.validation, prefix, environment)
            result = self._run_split(table, splits[number], number, fit)
            for line in fit.model.describe_changes():
                if line not in told:
                    environment.log(line)
                    told.add(line)
            result.store(self, number, environment)
            environment.log(f"Completed stage {number + 1}/{len(splits)}")
            folds.append(result.metrics)
            if len(splits) > 1:
                for name, value in result.metrics.items():
                    environment.output_metric(f"fold_{name}", value, step=number)
        # Splits may have different stages, so each mean is over the splits that have the metric.
        for name in dict.fromkeys(name for fold in folds for name in fold):
            environment.output_metric(name, float(np.mean([fold[name] for fold in folds if name in fold])))

    def _run_split(self, table: LabelledFrame, split: Split, number: int, fit: FoldFit) -> SingleFrameTrainingResult:
        features, labels = table.frame[table.features], table.labels
        self.evaluator.check_labels(labels[split.train], table.label_column)
        best_iteration = fit.run(table, split, isinstance(self.evaluator, CLASSIFICATIONS))
        model = fit.model
        stages = {**split.tests, "train": split.train}
        parts = {stage: (features.iloc[rows], labels[rows]) for stage, rows in stages.items()}
        result_df = evaluate_stages(self.evaluator, model, parts)
        info = {**self.info, "run": number}
        if changed_names := model.get_changed_names():
            info["feature_names"] = changed_names
        # In the order of the data, whatever order the splitter gave the rows in.
        order = np.argsort(np.concatenate(list(stages.values())), kind="stable")
        result = SingleFrameTrainingResult(
            model=model,
            result_df=result_df.iloc[order],
            info=info,
            train_split=table.frame.index[split.train],
            test_splits={stage: table.frame.index[rows] for stage, rows in split.tests.items()},
        )
        for artificier in self.artificiers:
            artificier.run_before_metrics(result)
        result.metrics.update(self.metrics_pool.measure(result.result_df, stages))
        if best_iteration is not None:
            result.metrics["best_iteration"] = float(best_iteration)
        for artificier in self.artificiers:
            artificier.run_before_storage(result)
        return result
