"""Tells which visits end with a purchase, from more of them than memory holds."""

from sklearn.metrics import log_loss, roc_auc_score

from tg.common.ml import dft
from tg.common.ml import incremental_training as inc
from tg.common.ml import single_frame_training as sft


def build_task(
    epochs: int = 1, batch_size: int = 10_000, alpha: float = 1e-4, seed: int = 0, evaluate_every: int = 5
) -> inc.IncrementalTrainingTask:
    """A logistic regression, tested on the visits of a tenth of the visitors.

    Args:
        epochs: How often each row is learned from.
        batch_size: How many rows are learned from at once.
        alpha: The strength of the regularization.
        seed: Fixes the order of the rows.
        evaluate_every: After how many batches the model is measured.
    """
    return inc.IncrementalTrainingTask(
        data_loader=sft.DataFrameLoader("bought", exclude=["visitor"]),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:SGDClassifier", loss="log_loss", alpha=alpha, average=True),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        split=inc.HashSplit("visitor"),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(log_loss),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        evaluate_every=evaluate_every,
    )
