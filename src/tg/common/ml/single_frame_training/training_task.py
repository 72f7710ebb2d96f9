"""A training on one table that fits in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

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
from .evaluation import Evaluator
from .model_provider import ModelProvider
from .training_result import SingleFrameTrainingResult


class SingleFrameTrainingTask(AbstractTrainingTask):
    """Trains and measures one model a split.

    Metrics are named ``<metric>_<stage>``. With several splits, each split's metrics are reported when it is done, as
    ``fold_<metric>_<stage>`` with the split's number as step, and at the end their means under the plain name.

    Args:
        data_loader: Reads the data.
        model_provider: Makes the models.
        evaluator: One of :class:`Evaluation`, or an own one.
        splitter: By default, one random division with 30 % of the rows to test on.
        metrics_pool: By default, no metrics.
        artificiers: Called in this order on each run's result.
        artificers: The same, as older notebooks spell it.
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
    ) -> None:
        super().__init__()
        self.data_loader = data_loader
        self.model_provider = model_provider
        self.evaluator = evaluator
        self.splitter = splitter or FoldSplitter()
        self.metrics_pool = metrics_pool or MetricPool()
        self.artificiers = [*artificiers, *artificers]

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
        for number in environment.track(range(len(splits))):
            environment.log(f"Starting stage {number + 1}/{len(splits)}")
            result = self._run_split(table, splits[number], number)
            self._store(result, number, environment)
            environment.log(f"Completed stage {number + 1}/{len(splits)}")
            folds.append(result.metrics)
            if len(splits) > 1:
                for name, value in result.metrics.items():
                    environment.output_metric(f"fold_{name}", value, step=number)
        # Splits may have different stages, so each mean is over the splits that have the metric.
        for name in dict.fromkeys(name for fold in folds for name in fold):
            environment.output_metric(name, float(np.mean([fold[name] for fold in folds if name in fold])))

    def _run_split(self, table: LabelledFrame, split: Split, number: int) -> SingleFrameTrainingResult:
        features, labels = table.frame[table.features], table.labels
        self.evaluator.check_labels(labels[split.train], table.label_column)
        model = self.model_provider.get_model()
        model.fit(features.iloc[split.train], labels[split.train])
        stages = {**split.tests, "train": split.train}
        parts = []
        for stage, rows in stages.items():
            part = self.evaluator.evaluate(model, features.iloc[rows], labels[rows])
            parts.append(part.assign(stage=stage))
        # In the order of the data, whatever order the splitter gave the rows in.
        order = np.argsort(np.concatenate(list(stages.values())), kind="stable")
        result = SingleFrameTrainingResult(
            model=model,
            result_df=pd.concat(parts).iloc[order],
            info={**self.info, "run": number},
            train_split=table.frame.index[split.train],
            test_splits={stage: table.frame.index[rows] for stage, rows in split.tests.items()},
        )
        for artificier in self.artificiers:
            artificier.run_before_metrics(result)
        result.metrics.update(self.metrics_pool.measure(result.result_df, stages))
        for artificier in self.artificiers:
            artificier.run_before_storage(result)
        return result

    def _store(self, result: SingleFrameTrainingResult, number: int, environment: TrainingEnvironment) -> None:
        artifacts = {
            "result_df": result.result_df,
            "metrics": result.metrics,
            "info": result.info,
            "model": result.model,
            "training_task": self,
            "train_split": result.train_split,
            "test_splits": result.test_splits,
            **result.artifacts,
        }
        for name, artifact in artifacts.items():
            environment.store_artifact(["runs", number], name, artifact)
