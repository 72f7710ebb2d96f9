import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learner_libraries import require
from tg.common import DatasetError
from tg.common.ml import dft
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FeatureNames,
    FoldSplitter,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
)
from tg.common.ml.single_frame_training.feature_names import give_names

XGBOOST, LIGHTGBM = "[]<", '",:[]{} \t'


def frame_of(*names):
    columns = pd.Index(names, dtype=object, tupleize_cols=False)
    return pd.DataFrame(np.arange(2.0 * len(names)).reshape(2, -1)).set_axis(columns, axis="columns")


@pytest.mark.parametrize(
    ("names", "refused", "expected"),
    [
        (["age", "income"], LIGHTGBM, ["age", "income"]),
        (["age=(0, 30]", "income=<=50K", "income=>50K"], XGBOOST, ["age=(0, 30)", "income=le50K", "income=>50K"]),
        (["age=(0, 30]", "city=Lyon, FR"], LIGHTGBM, ["age=(0;_30)", "city=Lyon;_FR"]),
        (['say "a"', "{x}: 1"], LIGHTGBM, ["say_'a'", "(x)__1"]),
        (["[a]", "(a)", "a<"], XGBOOST, ["(a)_2", "(a)", "alt"]),
        (["a b", "a_b", "a\tb"], LIGHTGBM, ["a_b_2", "a_b", "a_b_3"]),
        (["a", "a", "a_2"], "", ["a", "a_3", "a_2"]),
        (["", "x", " "], LIGHTGBM, ["unnamed", "x", "_"]),
        ([0, 1, "1"], "", ["0", "1_2", "1"]),
        ([("a", 1), ("a", 2)], "", ["a_1", "a_2"]),
        (["größe", "年", "a\x00b", "a\nb"], "", ["größe", "年", "a_b", "a_b_2"]),
        ([1.5, None, True], "", ["1.5", "None", "True"]),
    ],
)
def test_names_are_readable(names, refused, expected):
    assert give_names(names, refused) == expected


@given(
    st.lists(st.one_of(st.text('ab_2<[]{}",: (\n', max_size=4), st.integers(0, 3), st.tuples(st.text("ab<")))),
    st.sampled_from([XGBOOST, LIGHTGBM, ""]),
)
def test_names_are_unique_and_taken_and_those_that_can_stay(names, refused):
    given_names = give_names(names, refused)
    assert len(set(given_names)) == len(names)
    assert all(name and name.isprintable() and not set(refused) & set(name) for name in given_names)
    for name, given_name in zip(names, given_names, strict=True):
        can_stay = isinstance(name, str) and name and name.isprintable() and not set(refused) & set(name)
        assert not can_stay or names.count(name) > 1 or given_name == name


def test_columns_are_renamed_and_the_map_is_kept():
    step = FeatureNames(XGBOOST).fit(frame_of("a[0]", "b"))
    assert list(step.transform(frame_of("a[0]", "b")).columns) == ["a(0)", "b"]
    assert step.changed_names_ == {"a[0]": "a(0)"}
    assert step.get_feature_names_out().tolist() == ["a(0)", "b"]


def test_columns_in_another_order_are_found_by_name():
    step = FeatureNames(XGBOOST).fit(frame_of("a[0]", "b"))
    transformed = step.transform(frame_of("b", "more", "a[0]"))
    assert transformed.to_dict("list") == {"a(0)": [2.0, 5.0], "b": [0.0, 3.0]}
    with pytest.raises(DatasetError, match=r"^the frame lacks the columns 'a\[0\]'; it has 'b'$"):
        step.transform(frame_of("b"))


def test_arrays_go_through():
    array = np.ones((2, 2))
    assert FeatureNames(XGBOOST).fit(array).transform(array) is array


def returning(kind):
    from sklearn.preprocessing import FunctionTransformer

    functions = {
        "frame": lambda X: X.set_axis(["<1", "[2]", "<1"], axis="columns"),
        "numbers": lambda X: X.set_axis([0, 1, 2], axis="columns"),
        "array": lambda X: X.to_numpy(),
    }
    return FunctionTransformer(functions[kind])


@pytest.mark.parametrize("keep_column_names", [True, False])
@pytest.mark.parametrize("kind", [None, "frame", "numbers", "array"])
@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_libraries_take_what_transformers_make(library, kind, keep_column_names):
    require(library)
    small = {"xgboost": {"n_estimators": 2}, "lightgbm": {"n_estimators": 2, "verbose": -1},
             "catboost": {"iterations": 2, "verbose": 0, "allow_writing_files": False}}[library]  # fmt: skip
    name = {"xgboost": "XGBRegressor", "lightgbm": "LGBMRegressor", "catboost": "CatBoostRegressor"}[library]
    provider = ModelProvider(
        ModelConstructor(f"{library}:{name}", **small),
        None if kind is None else returning(kind),
        keep_column_names=keep_column_names,
    )
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(80, 3)), columns=["a, [b]", "a; (b)", "{<}"])
    model = provider.get_model().fit(frame, frame["a, [b]"].to_numpy())
    assert model.predict(frame).shape == (80,)
    assert np.corrcoef(model.predict(frame), frame["a, [b]"])[0, 1] > 0.5


@pytest.mark.parametrize(
    ("library", "name", "given_name"),
    [("xgboost", "XGBClassifier", "age_(0, 30)"), ("lightgbm", "LGBMClassifier", "age_(0;_30)")],
)
def test_names_of_the_default_transformer_are_recorded_and_said_once(library, name, given_name, capsys):
    require(library)
    random = np.random.default_rng(0)
    age = random.uniform(18, 80, 400)
    frame = pd.DataFrame(
        {
            "age": pd.cut(age, [0, 30, 50, 100]).astype(str),
            "income": random.choice(["<=50K", ">50K"], 400),
            "y": (random.random(400) < age / 100).astype(int),
        }
    )
    task = SingleFrameTrainingTask(
        DataFrameLoader("y"),
        ModelProvider(
            ModelConstructor(f"{library}:{name}", n_estimators=5),
            dft.DataFrameTransformerFactory.default_factory(),
        ),
        Evaluation.binary_classification,
        FoldSplitter(2),
    )
    runs = task.run(frame)["runs"]
    changed = runs[1]["info"]["feature_names"]
    assert given_name in changed.values()
    assert all(original != given for original, given in changed.items())
    assert capsys.readouterr().out.count("features' names in another form") == 1
