"""A task that travels into a container with this module, which therefore imports nothing that is not there."""

from typing import Any

from sklearn.metrics import roc_auc_score

from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft


def rms_score(true: Any, predicted: Any) -> float:
    """A metric of this module, which therefore has to travel with the package."""
    return float(((true - predicted) ** 2).mean() ** 0.5)


def build_task() -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.ensemble:RandomForestClassifier", n_estimators=20, random_state=0),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(3),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(rms_score),
    )
