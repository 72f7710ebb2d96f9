"""A workflow as MLflow's documentation has it: each step is an entry point, and gets what the one before has made."""

import mlflow

with mlflow.start_run() as run:
    first = mlflow.run(".", "step", parameters={"number": 1}, env_manager="local")
    made = mlflow.MlflowClient().get_run(first.run_id)
    second = mlflow.run(".", "step", parameters={"number": int(made.data.metrics["made"]) + 1}, env_manager="local")
    mlflow.log_metric("made", mlflow.MlflowClient().get_run(second.run_id).data.metrics["made"])
