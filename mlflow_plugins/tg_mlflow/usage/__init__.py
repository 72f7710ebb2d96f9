"""What a job uses of its machine: curves in MLflow's own tab for it, peaks and means, and a line of advice.

It asks an executor and writes to the run, beside the training, which it never disturbs or fails; it knows no places.
"""

from tg_mlflow.usage.sampler import sampling_usage

__all__ = ["sampling_usage"]
