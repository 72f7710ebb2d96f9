"""A training on 20 million rows, more than 2 GB of parquet, against a loop that a person writes for the same work.

The loop reads row groups in the same random order, holds the same rows back, shuffles, scales, learns from the same
batches by ``partial_fit``, and measures as often on as many rows. Both models must have the same coefficients, to nine
digits, before anything is timed. Each training is in a process of its own, whose peak of memory is that of the training
and of all imports.
"""

from __future__ import annotations

import importlib.util
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

from harness import ROOT, Figure, Scale, call_in_fork, measure_in_turns, run
from tg.common.ml import dft
from tg.common.ml import incremental_training as inc
from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import InMemoryTrainingEnvironment

MAX_RATIO, MAX_MEGABYTES = 1.2, 600
MILLION = 1_000_000
WINDOW_ROWS, BATCH_ROWS, BATCHES_BETWEEN = 100_000, 10_000, 100
SAMPLED_GROUPS, SAMPLE_ROWS, FITTED_ROWS, MEASURED_ROWS = 32, 400_000, 50_000, 20_000
SHARE = 0.1

Array = np.ndarray[Any, Any]


def load_example() -> ModuleType:
    """Imports the example that makes the data."""
    path = ROOT / "examples" / "incremental" / "prepare_data.py"
    spec = importlib.util.spec_from_file_location("prepare_data", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = load_example()
NUMBERS, GROUP_ROWS = EXAMPLE.NUMBERS, EXAMPLE.GROUP_ROWS


class Quiet(InMemoryTrainingEnvironment):
    """Keeps results, and prints nothing."""

    def log(self, message: object) -> None:
        pass

    def _write_metric(self, name: str, value: float, step: int | None) -> None:
        self.result["metrics"][name] = value


def train(data: Path) -> Array:
    """Trains with the task, and returns the coefficients."""
    task = inc.IncrementalTrainingTask(
        sft.DataFrameLoader("bought", features=NUMBERS),
        sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:SGDClassifier", loss="log_loss", random_state=0),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        sft.Evaluation.binary_classification,
        inc.HashSplit("visitor", SHARE),
        sft.MetricPool().add_sklearn(roc_auc_score).add_sklearn(log_loss),
        checkpoint_seconds=float("inf"),
    )
    environment = Quiet()
    task.run_with_environment(data, environment)
    coefficients: Array = environment.result["runs"][0]["model"].steps[-1][1].coef_
    return coefficients


def train_by_hand(data: Path) -> Array:
    """Does the same without the library, and returns the coefficients."""
    paths = sorted(data.glob("*.parquet")) if data.is_dir() else [data]
    groups = [(path, number) for path in paths for number in range(pq.ParquetFile(path).num_row_groups)]

    def read(number: int, rows: int) -> pa.Table:
        path, group = groups[number]
        batches = pq.ParquetFile(path).iter_batches(rows, [group], [*NUMBERS, "bought", "visitor"])
        return pa.Table.from_batches([next(batches)])

    def is_tested(rows: pa.Table) -> Array:
        return mix(mix(np.zeros(len(rows), np.uint64)) ^ rows["visitor"].to_numpy().view(np.uint64)) < SHARE * 2**64

    def take(rows: pa.Table, chosen: Array) -> tuple[Array, Array]:
        frame = rows.take(chosen).to_pandas()
        return frame[NUMBERS].to_numpy(), frame["bought"].to_numpy()

    order = np.random.default_rng(0).permutation(len(groups)).tolist()[:SAMPLED_GROUPS]
    learned_parts, tested_parts, lacking = {}, {}, FITTED_ROWS
    for number in order:
        rows = read(number, -(-SAMPLE_ROWS // len(order)))
        tested = is_tested(rows)
        learned = np.flatnonzero(~tested)[: min(lacking, -(-FITTED_ROWS // len(order)))]
        lacking -= len(learned)
        learned_parts[number] = rows.take(learned)
        tested_parts[number] = rows.take(np.flatnonzero(tested)[: -(-MEASURED_ROWS // len(order))])
    parts = [pa.concat_tables([each[number] for number in sorted(order)]) for each in (learned_parts, tested_parts)]
    fitted, held_out = (take(each, np.arange(len(each))) for each in parts)
    scaler = StandardScaler().fit(fitted[0])
    few = spread(np.arange(len(fitted[1])), MEASURED_ROWS)
    stages = [held_out, (fitted[0][few], fitted[1][few])]

    def measure() -> list[float]:
        predicted = [(true, model.predict_proba(scaler.transform(features))[:, 1]) for features, true in stages]
        return [metric(*each) for metric in (roc_auc_score, log_loss) for each in predicted]

    model, done, history = SGDClassifier(loss="log_loss", random_state=0), 0, []
    order = np.random.default_rng([0, 0, 0]).permutation(len(groups)).tolist()
    together = WINDOW_ROWS // GROUP_ROWS
    for window, start in enumerate(range(0, len(order), together)):
        rows = pa.concat_tables([read(number, GROUP_ROWS) for number in order[start : start + together]])
        learned = np.flatnonzero(~is_tested(rows))
        features, labels = take(rows, np.random.default_rng([0, 0, window + 1]).permutation(learned))
        features = scaler.transform(features)
        count = -(-len(labels) // BATCH_ROWS)
        ends = [len(labels) * number // count for number in range(count + 1)]
        for first, last in itertools.pairwise(ends):
            model.partial_fit(features[first:last], labels[first:last], classes=[0, 1])
            done += 1
            if done % BATCHES_BETWEEN == 0:
                history.append(measure())
    history.append(measure())
    return np.asarray(model.coef_)


def mix(values: Array) -> Array:
    """One step of SplitMix64."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def spread(rows: Array, most: int) -> Array:
    """Returns at most so many of the rows, at equal distances."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp)]


def measure_training(action: Callable[[Path], Array], data: Path) -> dict[str, Any]:
    """Trains in a fork, and returns seconds, those of processors, megabytes at the peak, and the coefficients."""

    def measured() -> dict[str, Any]:
        start, start_of_processors = time.perf_counter(), time.process_time()
        coefficients = action(data)
        return {
            "seconds": time.perf_counter() - start,
            "processor_seconds": time.process_time() - start_of_processors,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
            "coefficients": coefficients.ravel().tolist(),
        }

    return dict(call_in_fork(measured))


def measure(scale: Scale) -> Iterator[Figure]:
    rows, few = scale.pick(20 * MILLION, 600_000), scale.pick(MILLION, 200_000)
    with tempfile.TemporaryDirectory() as folder:
        data, less = Path(folder) / "data", Path(folder) / "less"
        for path, count in ((data, rows), (less, few)):
            call_in_fork(lambda path=path, count=count: EXAMPLE.write(path, count))
        gigabytes = sum(each.stat().st_size for each in data.iterdir()) / 1e9
        ours, theirs = (measure_training(action, less)["coefficients"] for action in (train, train_by_hand))
        if not np.allclose(ours, theirs, rtol=1e-9, atol=0):
            sys.exit(f"the coefficients are not those of the loop: {ours} and {theirs}")
        found: dict[str, list[dict[str, Any]]] = {"ours": [], "theirs": [], "few": []}

        def note(name: str, action: Callable[[Path], Array], path: Path) -> float:
            found[name].append(measure_training(action, path))
            return float(found[name][-1]["seconds"])

        seconds = measure_in_turns(
            3,
            ours=lambda: note("ours", train, data),
            theirs=lambda: note("theirs", train_by_hand, data),
            few=lambda: note("few", train, less),
        )
    if not np.allclose(found["ours"][0]["coefficients"], found["theirs"][0]["coefficients"], rtol=1e-9, atol=0):
        sys.exit("the coefficients are not those of the loop")
    size = f"{rows / MILLION:g} million rows, {gigabytes:.2g} GB"
    against = "a loop of `iter_batches` and `partial_fit`"
    yield Figure.ratio(
        "incremental.time", f"a training on {size}", against, seconds["ours"], seconds["theirs"], MAX_RATIO
    )
    processors = {name: [each["processor_seconds"] for each in found[name]] for name in ("ours", "theirs")}
    yield Figure.ratio(
        "incremental.processor_time", "its time of processors", against, processors["ours"], processors["theirs"], None
    )
    peak, least = (max(each["megabytes"] for each in found[name]) for name in ("ours", "few"))
    yield Figure(
        "incremental.memory",
        "its peak of memory",
        peak,
        "MB",
        wanted=MAX_MEGABYTES,
        details=f"with all imports; {least:.0f} MB for {few / MILLION:g} million rows",
    )
    # The time of processors, as a training of a second suffers more from what else the machine does.
    few_seconds = [each["processor_seconds"] for each in found["few"]]
    yield Figure.ratio(
        "incremental.linear",
        "its time of processors for a row",
        f"that of {few / MILLION:g} million rows",
        [each / rows * 1e9 for each in processors["ours"]],
        [each / few * 1e9 for each in few_seconds],
        MAX_RATIO,
        unit="ns",
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
