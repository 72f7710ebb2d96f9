"""Tells handwritten digits apart with a linear model, and says after each epoch how well."""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from tg.common.ml.training_core import AbstractTrainingTask, TrainingEnvironment


class DigitsTask(AbstractTrainingTask):
    """A linear model, trained by stochastic gradient descent.

    Args:
        learning_rate: How far each step goes.
        alpha: The strength of the regularization.
        epochs: How often the model sees all rows.
    """

    def __init__(self, learning_rate: float = 0.01, alpha: float = 1e-4, epochs: int = 10) -> None:
        super().__init__()
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.epochs = epochs

    def get_metric_names(self) -> list[str]:
        return ["accuracy"]

    def run_with_environment(self, data: Any, environment: TrainingEnvironment) -> None:
        features, labels = load_digits(return_X_y=True)
        train, test, train_labels, test_labels = train_test_split(features / 16, labels, random_state=0)
        model = SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=self.learning_rate, alpha=self.alpha, random_state=0
        )
        for epoch in environment.track(range(self.epochs), unit="epoch"):
            model.partial_fit(train, train_labels, classes=np.arange(10))
            environment.output_metric("accuracy", model.score(test, test_labels), step=epoch)
        environment.store_artifact([], "model", model)
