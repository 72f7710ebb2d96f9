"""One step."""

import sys

import mlflow

with mlflow.start_run():
    mlflow.log_metric("made", 2 * int(sys.argv[1]))
    mlflow.log_text(sys.argv[1], "number.txt")
