"""Binds a run's metrics, and the dataset that they are of, to a logged model."""

import json
import math
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric, Run

from tg.common.delivery.sagemaker import ResultArchive
from tg_mlflow.results.members import METRICS
from tg_mlflow.tracking.tags import METRIC_NAMES_TAG
from tg_mlflow.tracking.training_data import find_training_data


def bind_metrics(
    client: MlflowClient, training: Run, model: LoggedModel, archive: ResultArchive, run: int, is_of_fold: bool
) -> None:
    """Gives a logged model the metrics that a training has measured it by, with the dataset, unless it has them.

    They are points of the run, which has each of them once all the same. Where one model stands for several splits,
    they are the means; the model of one split has that split's, named ``fold_<metric>``. A model has no value that is
    not a number, for which MLflow would keep 0.

    Args:
        client: The tracking server's.
        training: The training's run, which has all its metrics and its dataset.
        model: The model, as it was read last.
        archive: What the training has made.
        run: The number of the model's run in the archive.
        is_of_fold: Whether the metrics are those of this run, and not of all.

    Raises:
        Exception: Any exception of the archive or the tracking server.
    """
    run_id, keys = training.info.run_id, _read_keys(training.data.tags)
    data = find_training_data(training)
    source = {} if not data else {"dataset_name": data[0].name, "dataset_digest": data[0].digest}
    known = {(each.key, each.step, each.timestamp) for each in model.metrics or ()}
    bound = []
    for name in archive.unpickle(METRICS.format(run=run)):
        name = f"fold_{name}" if is_of_fold else name
        key = keys.get(name, name)
        # The run itself has the last point of each metric.
        points = [each for each in training.data._metric_objs if each.key == key]
        if is_of_fold:
            points = [each for each in client.get_metric_history(run_id, key) if each.step == run]
        last = max(points, key=lambda each: (each.step, each.timestamp), default=None)
        if last is not None and not math.isnan(last.value) and (last.key, last.step, last.timestamp) not in known:
            bound.append(Metric(last.key, last.value, last.timestamp, last.step, model_id=model.model_id, **source))
    if bound:
        client.log_batch(run_id, metrics=bound)


def _read_keys(tags: Mapping[str, str]) -> dict[str, str]:
    """Returns the keys of metrics whose names MLflow does not take."""
    names: dict[str, str] = {}
    found = [name for name in tags if name == METRIC_NAMES_TAG or name.startswith(f"{METRIC_NAMES_TAG}.")]
    for tag in sorted(found, key=lambda name: (len(name), name)):  # a long name goes on in the next one
        for key, piece in json.loads(tags[tag]).items():
            names[key] = names.get(key, "") + piece
    return {name: key for key, name in names.items()}
