"""Tells who survived the Titanic."""

from sklearn.metrics import roc_auc_score

from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft


def build_task(max_iter: int = 1000) -> sft.SingleFrameTrainingTask:
    """A logistic regression on mixed columns with missing values, measured on 30 % of the rows.

    Args:
        max_iter: How many steps the solver may take.
    """
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("Survived"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=max_iter),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
    )
