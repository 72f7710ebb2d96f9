"""Trains with three libraries that MLflow records by itself; goes on after the first one when it is told to."""

import os
import sys
import time

import lightgbm
import mlflow
import numpy as np
import xgboost
from sklearn.linear_model import LogisticRegression

# MLflow would load each model in a process of its own, to see what it imports.
os.environ["MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT"] = "1"
GO_ON, LONGEST_SECONDS = "/tmp/go-on", 300

random = np.random.default_rng(0)
features = random.normal(size=(80, 2))
labels = (features[:, 0] > 0).astype(int)
mlflow.autolog()
with mlflow.start_run():
    LogisticRegression().fit(features, labels)
    print("waiting")
    deadline = time.monotonic() + LONGEST_SECONDS
    while not os.path.exists(GO_ON):
        if time.monotonic() > deadline:
            sys.exit("nobody has said that it may go on")
        time.sleep(0.05)
    with mlflow.start_run(run_name="xgboost", nested=True):
        table = xgboost.DMatrix(features, labels)
        xgboost.train({"objective": "binary:logistic", "seed": 1}, table, 3, [(table, "train")], verbose_eval=False)
    with mlflow.start_run(run_name="lightgbm", nested=True):
        data = lightgbm.Dataset(features, labels)
        given = {"objective": "binary", "seed": 1, "verbose": -1}
        lightgbm.train(given, data, 3, valid_sets=[data], valid_names=["train"])
