"""Tells malignant from benign tumours."""

from sklearn.metrics import accuracy_score, roc_auc_score

from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft


def build_task(max_iter: int = 1000, C: float = 1.0) -> sft.SingleFrameTrainingTask:
    """A logistic regression, measured on 30 % of the rows.

    Args:
        max_iter: How many steps the solver may take.
        C: The inverse strength of the regularization.
    """
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("benign"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=max_iter, C=C),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(accuracy_score, threshold=0.5),
    )
