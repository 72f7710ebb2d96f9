"""The smallest training that leaves metrics, a log and an artifact."""

TASKS = """
    from tg.common.ml.training_core import AbstractTrainingTask


    class Small(AbstractTrainingTask):
        def run_with_environment(self, data, environment):
            for step in range(5):
                environment.output_metric("loss", 1 / (step + 1), step)
            environment.store_artifact([], "weights", [1, 2, 3])


    def build_task(rate: float = 0.5):
        return Small()
"""
MLPROJECT = """
    name: points
    entry_points:
      main:
        parameters: {rate: {type: float, default: 0.5}}
        command: "tg-mlflow train tasks:build_task rate={rate}"
"""
