"""Any parquet table of Arrow's types: the logged model predicts what the trained one does, or a column is refused."""

import datetime as dt
import json
import os
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.models import Model
from mlflow.pyfunc.scoring_server import infer_and_parse_data, predictions_to_json
from pyarrow import parquet

from tg.common import DatasetError
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle, rename_prefix
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft
from tg.common.ml.single_frame_training.evaluation import CLASSIFICATIONS
from tg.common.ml.single_frame_training.fold_fit import FoldFit
from tg.common.ml.training_core import InMemoryTrainingEnvironment, Split
from tg_mlflow.results.model_files import save_model
from tg_mlflow.results.model_json import as_json_columns, as_json_records

MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
RECENT = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3) | st.sampled_from(
    ["1", "1.0", "true", "nan", "None", "NaT", "2024-05-01", "12:30:00", "-0"]
)
DECIMALS = st.decimals(-(10**6), 10**6, places=2)
FLOATS = st.floats(-1024, 1024, width=16) | st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0])
DOUBLES = FLOATS | st.floats(-1e9, 1e9) | st.integers(-9, 9).map(float)
DURATIONS = st.timedeltas(dt.timedelta(-99999), dt.timedelta(99999))

# Arrow's types and the values of columns of them.
COLUMNS: dict[str, tuple[Any, "st.SearchStrategy[Any]"]] = {
    "null": (pa.null(), st.none()),
    "bool": (pa.bool_(), st.booleans()),
    **{
        str(kind): (kind, st.integers(-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1) | st.integers(0, 3))
        for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())
    },
    **{
        str(kind): (kind, st.integers(0, 2**kind.bit_width - 1) | st.integers(0, 3))
        for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    },
    "half": (pa.float16(), FLOATS.map(np.float16)),
    "float": (pa.float32(), FLOATS),
    "double": (pa.float64(), DOUBLES),
    "decimal": (pa.decimal128(12, 2), DECIMALS),
    "whole decimal": (pa.decimal128(38, 0), st.integers(-(10**30), 10**30).map(Decimal)),
    "wide decimal": (pa.decimal256(50, 20), DECIMALS),
    "date32": (pa.date32(), st.dates()),
    "date64": (pa.date64(), st.dates()),
    "s": (pa.timestamp("s"), MOMENTS.map(lambda each: each.replace(microsecond=0))),
    "ms": (pa.timestamp("ms"), MOMENTS.map(lambda each: each.replace(microsecond=0))),
    "us": (pa.timestamp("us"), MOMENTS),
    "ns": (pa.timestamp("ns"), RECENT),
    "utc": (pa.timestamp("us", "UTC"), MOMENTS),
    "utc ns": (pa.timestamp("ns", "UTC"), RECENT),
    "zoned": (pa.timestamp("us", "Europe/Berlin"), MOMENTS),
    "zoned ms": (pa.timestamp("ms", "America/New_York"), MOMENTS.map(lambda each: each.replace(microsecond=0))),
    "offset": (pa.timestamp("us", "+02:30"), MOMENTS),
    "time32 s": (pa.time32("s"), st.times().map(lambda each: each.replace(microsecond=0))),
    "time32 ms": (pa.time32("ms"), st.times().map(lambda each: each.replace(microsecond=5000))),
    "time64 us": (pa.time64("us"), st.times()),
    "time64 ns": (pa.time64("ns"), st.times()),
    "duration s": (pa.duration("s"), DURATIONS.map(lambda each: dt.timedelta(each.days, each.seconds))),
    "duration": (pa.duration("us"), DURATIONS),
    "duration ns": (pa.duration("ns"), DURATIONS),
    "string": (pa.string(), TEXT),
    "large string": (pa.large_string(), TEXT),
    "words": (pa.dictionary(pa.int32(), pa.string()), TEXT),
    "ordered": (pa.dictionary(pa.int8(), pa.string(), ordered=True), st.sampled_from(["low", "high", "1"])),
    "numbers": (pa.dictionary(pa.int32(), pa.int64()), st.integers(-3, 3) | st.integers(2**53, 2**53 + 3)),
    "floats": (pa.dictionary(pa.int32(), pa.float64()), st.sampled_from([0.1, 1.0, 2.5])),
    "days": (pa.dictionary(pa.int32(), pa.date32()), st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 4))),
    "moments": (
        pa.dictionary(pa.int32(), pa.timestamp("us")),
        st.sampled_from([dt.datetime(2024, 1, 1, 12), dt.datetime(1, 2, 3)]),
    ),
    "flags": (pa.dictionary(pa.int32(), pa.bool_()), st.booleans()),
    "amounts": (pa.dictionary(pa.int32(), pa.decimal128(9, 2)), st.sampled_from([Decimal("0.10"), Decimal("2.50")])),
    "hours": (pa.dictionary(pa.int32(), pa.time64("us")), st.sampled_from([dt.time(1), dt.time(12, 30, 0, 5)])),
    "spans": (pa.dictionary(pa.int32(), pa.duration("s")), st.sampled_from([dt.timedelta(1), dt.timedelta(0, 5)])),
    "zones": (pa.dictionary(pa.int32(), pa.timestamp("us", "Asia/Tokyo")), st.sampled_from([dt.datetime(2024, 1, 1)])),
    "binary": (pa.binary(), st.binary(max_size=3)),
    "fixed binary": (pa.binary(2), st.binary(min_size=2, max_size=2)),
    "uuid": (pa.uuid(), st.uuids().map(lambda each: each.bytes)),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2)),
    "struct": (pa.struct([("a", pa.int64())]), st.fixed_dictionaries({"a": st.integers(0, 9)})),
    "map": (pa.map_(pa.string(), pa.int64()), st.lists(st.tuples(TEXT, st.integers(0, 9)), max_size=1)),
}
UNREAD = {"binary", "fixed binary", "uuid", "list", "struct", "map"}
ZONE = dt.timezone.utc
LABELS: dict[str, tuple[Any, list[Any]]] = {
    "bool": (pa.bool_(), [True, False]),
    "int8": (pa.int8(), [1, 2, -3]),
    "uint64": (pa.uint64(), [2**64 - 1, 0, 5]),
    "float": (pa.float32(), [0.5, 1.0, -2.0]),
    "double": (pa.float64(), [0.0, 1.0]),
    "half": (pa.float16(), [np.float16(0.5), np.float16(1)]),
    "decimal": (pa.decimal128(5, 2), [Decimal("0.10"), Decimal("2.50"), Decimal("3.00")]),
    "string": (pa.string(), ["yes", "no", "1"]),
    "large string": (pa.large_string(), ["a", ""]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["b", "a"]),
    "numbers": (pa.dictionary(pa.int8(), pa.int64()), [7, 3]),
    "date": (pa.date32(), [dt.date(2024, 1, 1), dt.date(2024, 5, 1)]),
    "time": (pa.timestamp("us"), [dt.datetime(2024, 1, 1), dt.datetime(2024, 5, 1)]),
    "zoned": (pa.timestamp("us", "UTC"), [dt.datetime(2024, 1, 1, tzinfo=ZONE), dt.datetime(2024, 5, 1, tzinfo=ZONE)]),
    "duration": (pa.duration("s"), [dt.timedelta(1), dt.timedelta(2)]),
    "time of day": (pa.time64("us"), [dt.time(1), dt.time(2)]),
    "null": (pa.null(), [None]),
    "list": (pa.list_(pa.int8()), [[1], [2]]),
    "binary": (pa.binary(), [b"a", b"b"]),
}
NAMES = st.one_of(
    st.sampled_from(
        ["x", "", " ", "a b", "(0, 30]", "<=50K", "0", "a.b", "a\nb", "index", "model", "columns", "predict_method"]
    ),
    st.sampled_from(
        ["x_missing", "Label", "label ", "__index_level_0__", "ä", "None", "true", "'", '"', "{", "\\", "level_0"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=3),
).filter(lambda name: name != "label")


@dataclass(frozen=True)
class AnyTable:
    table: pa.Table
    kinds: dict[str, str]
    label: str
    is_regression: bool


@st.composite
def tables(draw: st.DrawFn) -> AnyTable:
    count = draw(st.integers(4, 9))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    # What is refused ends an example, so most are without.
    readable = [kind for kind in COLUMNS if kind not in UNREAD]
    kinds = {name: draw(st.sampled_from([*readable * 10, *sorted(UNREAD)])) for name in names}
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        arrow, values = COLUMNS[kind]
        cells = values if draw(st.booleans()) else st.none() | values
        columns[name] = _make(draw(st.lists(cells, min_size=count, max_size=count)), arrow)
    label = draw(st.sampled_from(list(LABELS)[:11] * 6 + list(LABELS)))
    arrow, classes = LABELS[label]
    rest = draw(st.lists(st.sampled_from(classes), min_size=count - len(classes), max_size=count - len(classes)))
    columns["label"] = _make([*classes, *rest], arrow)
    # Of labels that a regression refuses, too, only a few are for one.
    chances = {"date": [False] * 9 + [True], "string": [False] * 9 + [True]}
    numbers = ("int8", "uint64", "float", "double", "decimal", "half")
    is_regression = draw(st.sampled_from(chances.get(label, [True] * 4 + [False] if label in numbers else [False])))
    return AnyTable(pa.table(columns), kinds, label, is_regression)


def _make(values: list[Any], kind: Any) -> Any:
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    if pa.types.is_dictionary(kind):
        array = pa.array(values, kind.value_type).dictionary_encode()
        return pa.DictionaryArray.from_arrays(
            array.indices.cast(kind.index_type), array.dictionary, ordered=kind.ordered
        )
    return pa.array(values, kind)


class Results:
    """What a job leaves, without the job: the package once for all, the model of each example."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        packaging = Packaging("Any", "0", {"job": None})
        packaging.project_folder, packaging.silent = folder / "project", True
        packaging.project_folder.mkdir()
        package = packaging.make_package(folder)
        self.files = {"package.tag.gz": package.path, "package.json": folder / "package.json"}
        self.files["package.json"].write_text(json.dumps(package.properties))
        self.folder = folder
        self.objects: dict[str, Any] = {}
        self.outcomes: Counter[str] = Counter()

    def store(self, task: sft.SingleFrameTrainingTask, model: Any) -> None:
        self.objects = {"runs/0/model.pkl": model, "runs/0/training_task.pkl": task}
        content, _ = dump_renamed_pickle(model, lambda name: rename_prefix(name, {"tg": "Any__0.tg"}))
        self.files["runs/0/model.pkl"] = self.folder / "model.pkl"
        self.files["runs/0/model.pkl"].write_bytes(content)

    def get_path(self, name: str) -> Path:
        return self.files[name]

    def unpickle(self, name: str) -> Any:
        return self.objects[name]


def attempt(table: AnyTable) -> Callable[[str], AbstractContextManager[None]]:
    """What a launcher puts around a signature: it can do without, where MLflow's do not hold a column's name."""
    return lambda name: suppress(ValueError) if "" in table.kinds else nullcontext()


def build_task(is_regression: bool) -> sft.SingleFrameTrainingTask:
    model = "sklearn.linear_model:" + ("Ridge" if is_regression else "LogisticRegression")
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor(model), dft.DataFrameTransformerFactory.default_factory()
        ),
        evaluator=sft.Evaluation.regression if is_regression else sft.Evaluation.multiclass_classification,
    )


def train(task: sft.SingleFrameTrainingTask, path: Path) -> tuple[Any, pd.DataFrame]:
    table = task.data_loader.load(path)
    task.evaluator.check_labels(table.labels, "label")
    features = table.frame[table.features]
    fit = FoldFit(task.model_provider.get_model(), None, "", InMemoryTrainingEnvironment())
    fit.run(table, Split(np.arange(len(features)), {}), isinstance(task.evaluator, CLASSIFICATIONS))
    return fit.model, features


def serve(model: Any, request: dict[str, Any]) -> Any:
    """Reads a request as MLflow's server does."""
    parsed = json.loads(json.dumps(request))
    return infer_and_parse_data(parsed, model.metadata.get_input_schema())


def check(any_table: AnyTable, results: Results, folder: Path) -> str:
    path = folder / "data.parquet"
    parquet.write_table(any_table.table, path)
    task = build_task(any_table.is_regression)
    try:
        trained, features = train(task, path)
    except DatasetError as error:
        text = str(error)
        named = [name for name in (*any_table.kinds, "label") if repr(name) in text]
        assert named, text
        assert len(text.splitlines()) == 1 or any("\n" in name for name in named), text
        refused = [name for name in named if any_table.kinds.get(name) in UNREAD or name == "label"]
        assert refused, text
        return "refused"
    assert not set(any_table.kinds.values()) & UNREAD
    results.store(task, trained)
    logged = results.folder / "model"
    for left in (logged, *results.folder.glob("model-*")):
        shutil.rmtree(left, ignore_errors=True)
    save_model(results, logged, Model(), path, attempt(any_table), is_checked=False)  # type: ignore[arg-type]
    served = mlflow.pyfunc.load_model(str(logged), suppress_warnings=True)
    frame = pd.read_parquet(path)
    raw = frame[list(features.columns)]
    columns = as_json_columns(raw)
    given = {
        "frame": frame,
        "records": serve(served, {"dataframe_records": as_json_records(raw)}),
        "split": serve(
            served,
            {
                "dataframe_split": {
                    "columns": list(columns),
                    "data": [list(row) for row in zip(*columns.values(), strict=True)],
                }
            },
        ),
    }
    methods = ["predict"] if any_table.is_regression else ["predict", "predict_proba", "decision_function"]
    for method in methods:
        expected = getattr(trained, method)(features)
        for form, rows in given.items():
            found = served.predict(rows, params={"predict_method": method})
            np.testing.assert_array_equal(np.asarray(found), np.asarray(expected), err_msg=f"{form} {method}")
            predictions_to_json(found, StringIO())
    return "equal"


def test_a_logged_model_predicts_what_the_trained_one_does(tmp_path: Path) -> None:
    results = Results(tmp_path / "package")

    @settings(
        max_examples=int(os.environ.get("TG_TEST_EXAMPLES", "25")),
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(tables())
    def predicts_the_same_or_is_refused(any_table: AnyTable) -> None:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.outcomes[check(any_table, results, Path(folder))] += 1

    predicts_the_same_or_is_refused()
    assert results.outcomes["equal"] > results.outcomes["refused"]
