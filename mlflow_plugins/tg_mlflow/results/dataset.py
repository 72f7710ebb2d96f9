"""Describes the data of a training as inputs of its run: its dataset, and what is in its channels."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from mlflow.entities import Dataset, DatasetInput, InputTag, Run
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Array
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from tg.common.delivery.sagemaker.executor.stored_dataset import StoredDataset
from tg.common.errors import DatasetError
from tg.common.ml.tables.pandas_metadata import find_unnamed_index
from tg_mlflow.errors import TrackingError
from tg_mlflow.results.dataset_file import count_bytes, digest_files, open_dataset
from tg_mlflow.results.optional_parts import Attempt
from tg_mlflow.tracking.client import TrackingClient
from tg_mlflow.tracking.training_data import TRAINING_CONTEXT, build_channel_context, find_context

_logger = logging.getLogger("mlflow.tg_mlflow")

# The server refuses more.
_LONGEST_SCHEMA = 1_000_000
# The digest of so much takes some seconds, in which the job is not started yet.
_MOST_CHANNEL_BYTES = 5_000_000_000


def log_dataset(
    client: TrackingClient,
    run_id: str,
    path: Path | None,
    remote: StoredDataset | None = None,
    run: Run | None = None,
) -> None:
    """Logs a dataset as an input of a run, in the context ``training``, unless the run has it.

    Later changes of the dataset do not matter. In one experiment, MLflow keeps one dataset of a name and digest, with
    the source that it first had.

    Args:
        client: The tracking server's.
        run_id: The run.
        path: The dataset on this machine; ``None`` if it is not here.
        remote: The dataset in S3, if it was read there; one of the two there has to be.
        run: The run, if it has just been read.

    Raises:
        OSError: If it cannot be read.
        DatasetError: If it is in S3 only, and not there any more.
        TrackingError: If the tracking server refuses it.
    """
    known = (run or client.get_run(run_id)).inputs
    logged = known.dataset_inputs if known is not None else []
    name = _find_name(path, remote)
    if not any(each.dataset.name == name and find_context(each) == TRAINING_CONTEXT for each in logged):
        _log_input(client, run_id, build_dataset(path, remote), TRAINING_CONTEXT)


def log_channels(client: TrackingClient, run_id: str, channels: Mapping[str, Path], attempt: Attempt) -> None:
    """Logs the content of each channel as an input of a run: a name of its own, a digest and where it is.

    The digest is that of a dataset: over the names and contents of all files. Of more than 5 GB, none is made, and that
    is said.

    Args:
        client: The tracking server's.
        run_id: The run.
        channels: The files and folders of this machine, by the names of their channels.
        attempt: Lets each fail by itself.
    """
    for name, path in channels.items():
        with attempt(f"channel {name}"):
            if (size := count_bytes(path)) > _MOST_CHANNEL_BYTES:
                _logger.info(
                    "The content of channel %r is not recorded, as it has %.1f GB: its digest would take long",
                    name,
                    size / 1e9,
                )
                continue
            path = path.resolve()
            source = json.dumps({"uri": str(path)})
            dataset = Dataset(f"{name}/{path.name}", digest_files(path), "local", source)
            _log_input(client, run_id, dataset, build_channel_context(name))


def _log_input(client: TrackingClient, run_id: str, dataset: Dataset, context: str) -> None:
    """Logs an input of a run; MLflow keeps one of a name and digest in a run, with the context that it first had."""
    inputs = [DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])]
    try:
        client.log_inputs(run_id, inputs)
    except TrackingError:
        # If several runs are the first to log it at the same time, the server refuses all but one. It exists now.
        client.log_inputs(run_id, inputs)


def build_dataset(path: Path | None, remote: StoredDataset | None = None) -> Dataset:
    """Describes a file or folder; it is read once, for its digest, but not into memory, unless it is CSV.

    A dataset that is only in S3 is not read: its digest comes from S3's metadata, and its columns are unknown.

    Args:
        path: The dataset on this machine; ``None`` if it is not here.
        remote: The dataset in S3, if it was read there; one of the two there has to be.

    Returns:
        A dataset with the file's name, a digest of its content, its address as its source, and, if it is parquet or
        CSV, its columns as MLflow's types and the number of its rows. The types are those that a loader reads:
        decimals, times of day and empty columns are ``double``, dates are ``datetime``, a dictionary has the type of
        its values. Types that MLflow lacks, such as durations, become ``string``. Tens of thousands of columns are too
        many for MLflow and are left out.

    Raises:
        OSError: If it cannot be read.
        DatasetError: If it is in S3 only, and not there any more.
    """
    digest = remote.digest if remote is not None else None
    schema = profile = None
    if path is not None:
        digest = digest_files(path)
        schema, profile = _describe_columns(path)
    kind, uri = ("s3", remote.uri) if remote is not None else ("local", str(path and path.resolve()))
    if digest is None:
        raise DatasetError(f"the dataset {uri!r} is not there any more, so nothing is known of it")
    return Dataset(_find_name(path, remote), digest, kind, json.dumps({"uri": uri}), schema, profile)


def _find_name(path: Path | None, remote: StoredDataset | None) -> str:
    return path.resolve().name if path is not None else PurePosixPath(remote.uri if remote is not None else "").name


def _describe_columns(path: Path) -> tuple[str | None, str | None]:
    """Returns MLflow's schema and profile of a table; nothing for other files."""
    table = open_dataset(path.resolve())
    if table is None:
        return None, None
    incomplete, index = table.find_incomplete_columns(), find_unnamed_index(table.schema)
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_as_mlflow_type(field.type), field.name, required=field.name not in incomplete)
        for field in table.schema
        if field.name not in index
    ]
    schema, rows = json.dumps({"mlflow_colspec": Schema(columns).to_dict()}), table.count_rows()
    profile = json.dumps({"num_rows": rows, "num_elements": rows * len(columns)})
    return schema if len(schema) <= _LONGEST_SCHEMA else None, profile


def _as_mlflow_type(given: Any) -> "DataType | Array":
    types = pa.types
    if types.is_dictionary(given):
        return _as_mlflow_type(given.value_type)
    if types.is_list(given) or types.is_large_list(given) or types.is_fixed_size_list(given):
        return Array(_as_mlflow_type(given.value_type))
    if types.is_boolean(given):
        return DataType.boolean
    if types.is_integer(given):
        is_small = given.bit_width < 32 or types.is_int32(given)
        return DataType.integer if is_small else DataType.long
    if types.is_float16(given) or types.is_float32(given):
        return DataType.float
    if types.is_float64(given) or types.is_decimal(given) or types.is_null(given):
        return DataType.double
    if types.is_timestamp(given) or types.is_date(given):
        return DataType.datetime
    if types.is_binary(given) or types.is_large_binary(given) or types.is_fixed_size_binary(given):
        return DataType.binary
    return DataType.string
