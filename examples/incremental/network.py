"""The same task for a network of PyTorch, which learns batch by batch, on one machine or on several."""

import atexit
import os
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss, roc_auc_score
from torch import distributed, nn

from tg.common.ml import dft
from tg.common.ml import incremental_training as inc
from tg.common.ml import single_frame_training as sft


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Two layers, for two classes. It is pickled with its optimizer, and so goes on where it was.

    In the processes of torchrun, which all read the same batches, each learns from its part of the rows, and gradients
    are summed over all of them: the network is that of one process, but for rounding.

    Args:
        width: How many units are between the layers.
        learning_rate: Of the optimizer, Adam.
        random_state: The seed of the first weights.
    """

    is_distributed = True

    def __init__(self, width: int = 16, learning_rate: float = 0.01, random_state: int | None = None) -> None:
        self.width = width
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "NetworkClassifier":
        return self.partial_fit(X, y, np.unique(y))

    def partial_fit(self, X: Any, y: Any, classes: Any) -> "NetworkClassifier":
        """Takes one step of the optimizer; ``loss_`` is the loss before it."""
        if not hasattr(self, "network_"):
            self.classes_ = np.asarray(classes)
            with torch.random.fork_rng():
                torch.manual_seed(self.random_state or 0)
                self.network_ = nn.Sequential(
                    nn.Linear(np.shape(X)[1], self.width), nn.ReLU(), nn.Linear(self.width, 1)
                )
            self.optimizer_ = torch.optim.Adam(self.network_.parameters(), self.learning_rate)
        mine = find_own_rows(len(X))
        features = torch.tensor(X[mine], dtype=torch.float32)
        target = torch.tensor(np.asarray(y == self.classes_[1])[mine], dtype=torch.float32)
        self.optimizer_.zero_grad()
        score = self.network_(features)[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(score, target, reduction="sum") / len(X)
        loss.backward()
        parts = [loss.detach(), *(each.grad for each in self.network_.parameters())]
        if distributed.is_initialized():
            for part in parts:
                distributed.all_reduce(part)
        self.optimizer_.step()
        self.loss_ = parts[0].item()
        return self

    def predict_proba(self, X: Any) -> Any:
        with torch.no_grad():
            score = torch.sigmoid(self.network_(torch.tensor(X, dtype=torch.float32))[:, 0]).numpy()
        return np.column_stack([1 - score, score])

    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


def find_own_rows(count: int) -> slice:
    """Returns which of so many rows this process learns from; joins the others of torchrun first, if there are some."""
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        return slice(count)
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
        atexit.register(distributed.destroy_process_group)
    return slice(distributed.get_rank(), count, world_size)


def build_task(epochs: int = 1, batch_size: int = 500, seed: int = 0) -> inc.IncrementalTrainingTask:
    """A network, tested on the visits of a tenth of the visitors.

    Args:
        epochs: How often each row is learned from.
        batch_size: How many rows make one step of the optimizer.
        seed: Fixes the order of the rows, and the first weights.
    """
    return inc.IncrementalTrainingTask(
        data_loader=sft.DataFrameLoader("bought", exclude=["visitor"]),
        model_provider=sft.ModelProvider(
            NetworkClassifier,
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        split=inc.HashSplit("visitor"),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(log_loss),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        evaluate_every=50,
    )
