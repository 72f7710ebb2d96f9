"""Tells handwritten digits apart, with as many trees as help on rows that no tree has learned from."""

from sklearn.metrics import accuracy_score

from tg.common.ml import single_frame_training as sft

MOST_TREES = 1000


def build_task(learning_rate: float = 0.1, max_depth: int = 4, rounds: int = 10) -> sft.SingleFrameTrainingTask:
    """XGBoost, which stops by itself, measured on 30 % of the rows.

    Args:
        learning_rate: How much each tree counts.
        max_depth: How many questions a tree asks in turn.
        rounds: After how many iterations without improvement it stops.
    """
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("digit"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor(
                "xgboost:XGBClassifier",
                n_estimators=MOST_TREES,
                learning_rate=learning_rate,
                max_depth=max_depth,
                random_state=0,
            )
        ),
        evaluator=sft.Evaluation.multiclass_classification,
        splitter=sft.FoldSplitter(stratify_by="digit"),
        metrics_pool=sft.MetricPool().add_sklearn(accuracy_score),
        # A fifth of the rows that are trained with; the 30 % stay unseen until the end.
        validation=sft.Validation(share=0.2, rounds=rounds),
    )
