"""The data that a run was trained on, among its inputs: its dataset, and what was in its channels."""

from mlflow.entities import Dataset, DatasetInput, Run
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

# The context of a dataset; what that of a channel's content begins with.
TRAINING_CONTEXT = "training"
_CHANNEL_CONTEXT = "channel "


def build_channel_context(channel: str) -> str:
    """Builds the context of what is in a channel."""
    return f"{_CHANNEL_CONTEXT}{channel}"


def find_channels(run: Run) -> dict[str, Dataset]:
    """Finds what was in the channels of a run's job, by their names, as far as that is recorded."""
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    pairs = [(find_context(each), each.dataset) for each in inputs if is_channel(each)]
    return {context.removeprefix(_CHANNEL_CONTEXT): dataset for context, dataset in pairs}


def find_context(given: DatasetInput) -> str:
    """Returns what an input of a run is for, such as ``training``; nothing if it does not say that."""
    return {tag.key: str(tag.value) for tag in given.tags}.get(MLFLOW_DATASET_CONTEXT, "")


def is_channel(given: DatasetInput) -> bool:
    """Whether an input of a run is what was in a channel of its job."""
    return find_context(given).startswith(_CHANNEL_CONTEXT)


def find_training_data(run: Run) -> list[Dataset]:
    """Lists a run's inputs in the context ``training``; if none has that, all of its datasets besides channels."""
    inputs = run.inputs.dataset_inputs if run.inputs is not None else []
    training = [each for each in inputs if find_context(each) == TRAINING_CONTEXT]
    return [each.dataset for each in training or inputs if not is_channel(each)]


def is_by_metadata(dataset: Dataset) -> bool:
    """Whether a dataset's digest is that of S3's metadata, which no file on a machine has."""
    return bool(dataset.source_type == "s3" and not dataset.profile)
