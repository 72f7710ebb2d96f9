"""Logs thousands of points to its run and to one below it, without a pause and with some."""

import os
import time

import mlflow

POINTS = int(os.environ.get("POINTS", "3000"))

with mlflow.start_run():
    for index in range(POINTS):
        mlflow.log_metric("loss", index / 7, step=index)
        if index % 10 == 0:
            mlflow.log_metrics({"a": index, "b": -index}, step=index)
        if index % 100 == 0:
            print(f"###METRIC###printed:{index}###step:{index}###", flush=True)
            time.sleep(float(os.environ.get("PAUSE", "0.3")))
        if index == POINTS // 2:
            with mlflow.start_run(run_name="below", nested=True):
                for number in range(POINTS // 10):
                    mlflow.log_metric("below", number / 3, step=number)
