"""The datasets that a run was trained on, among its inputs."""

from mlflow.entities import Dataset, Run
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

# The context of such an input.
TRAINING_CONTEXT = "training"


def find_training_data(run: Run) -> list[Dataset]:
    """Lists a run's inputs in the context ``training``; all of its datasets if none has that context."""
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    contexts = [{tag.key: tag.value for tag in each.tags}.get(MLFLOW_DATASET_CONTEXT) for each in inputs]
    has_any = TRAINING_CONTEXT in contexts
    pairs = zip(inputs, contexts, strict=True)
    return [each.dataset for each, context in pairs if context == TRAINING_CONTEXT or not has_any]


def is_by_metadata(dataset: Dataset) -> bool:
    """Whether a dataset's digest is that of S3's metadata, which no file on a machine has."""
    return bool(dataset.source_type == "s3" and not dataset.profile)
