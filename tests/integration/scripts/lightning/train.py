"""Trains with PyTorch Lightning, which MLflow records by itself; goes on after an epoch when it is told to."""

import os
import sys
import time

import mlflow
import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

# MLflow would load the model in a process of its own, to see what it imports.
os.environ["MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT"] = "1"
GO_ON, LONGEST_SECONDS = "/tmp/go-on", 300


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def forward(self, rows):
        return self.layer(rows)

    def training_step(self, batch):
        return self.measure("train_loss", batch)

    def validation_step(self, batch):
        self.measure("val_loss", batch)

    def measure(self, name, batch):
        rows, targets = batch
        loss = torch.nn.functional.mse_loss(self(rows), targets)
        self.log(name, loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Waiting(lightning.Callback):
    def on_train_epoch_start(self, trainer, module):
        if trainer.current_epoch == 1:
            print("waiting", flush=True)
            deadline = time.monotonic() + LONGEST_SECONDS
            while not os.path.exists(GO_ON):
                if time.monotonic() > deadline:
                    sys.exit("nobody has said that it may go on")
                time.sleep(0.05)


lightning.seed_everything(0)
rows = torch.randn(80, 2)
data = DataLoader(TensorDataset(rows, 0.25 * rows[:, :1] + 0.5), batch_size=8)
mlflow.pytorch.autolog()
trainer = lightning.Trainer(max_epochs=5, callbacks=[Waiting()])
trainer.fit(Line(), data, data)
