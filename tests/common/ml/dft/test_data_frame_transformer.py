import pickle

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, TargetEncoder

from tg.common.ml.dft import CategoricalTransformer, ContinuousTransformer, DataFrameTransformer

FRAME = pd.DataFrame({"a": [1.0, 3.0], "c": ["x", "y"]}, index=["r", "r"])


def test_outputs_stand_side_by_side_in_order():
    transformer = DataFrameTransformer([CategoricalTransformer(["c"]), ContinuousTransformer(["a"])]).fit(FRAME)
    expected = pd.DataFrame({"c_x": [1.0, 0.0], "c_y": [0.0, 1.0], "a": [-1.0, 1.0]}, index=["r", "r"])
    assert_frame_equal(transformer.transform(FRAME), expected)
    assert_frame_equal(clone(transformer).fit_transform(FRAME), expected)
    assert transformer.get_feature_names_out().tolist() == ["c_x", "c_y", "a"]


def test_equal_names_are_made_distinct():
    pair = [ContinuousTransformer(["a"]), ContinuousTransformer(["a"], scaler=None)]
    result = DataFrameTransformer(pair).fit_transform(FRAME)
    assert result.to_dict("list") == {"a": [-1.0, 1.0], "a_2": [1.0, 3.0]}


def test_given_transformers_stay_unfitted():
    given = ContinuousTransformer(["a"])
    fitted = DataFrameTransformer([given]).fit(FRAME)
    assert not hasattr(given, "scaler_")
    assert fitted.transformers[0] is given


def test_transformers_may_be_nested():
    inner = DataFrameTransformer([ContinuousTransformer(["a"])])
    assert DataFrameTransformer([inner]).fit_transform(FRAME).to_dict("list") == {"a": [-1.0, 1.0]}


def test_no_transformers():
    result = DataFrameTransformer([]).fit_transform(FRAME)
    assert result.shape == (2, 0)
    assert result.index.tolist() == ["r", "r"]


@pytest.mark.parametrize("sparse", [True, False])
def test_scikit_learn_transformers_take_part(sparse):
    foreign = ColumnTransformer(
        [("m", MinMaxScaler(), ["a"]), ("o", OneHotEncoder(sparse_output=sparse), ["c"])],
        sparse_threshold=1.0,
        verbose_feature_names_out=False,
    )
    transformer = DataFrameTransformer([foreign, ContinuousTransformer(["a"])])
    expected = {"a": [0.0, 1.0], "c_x": [1.0, 0.0], "c_y": [0.0, 1.0], "a_2": [-1.0, 1.0]}
    assert transformer.fit_transform(FRAME).to_dict("list") == expected
    assert transformer.fit(FRAME).transform(FRAME).to_dict("list") == expected


def test_names_are_taken_from_the_frame_a_function_returns():
    def double(frame):
        return pd.DataFrame({"twice": (frame["a"] * 2).astype("Int64")})

    result = DataFrameTransformer([FunctionTransformer(double)]).fit_transform(FRAME)
    assert_frame_equal(result, pd.DataFrame({"twice": [2.0, 6.0]}, index=["r", "r"]))


def test_fit_transform_of_a_target_encoder_does_not_show_it_the_target():
    frame = pd.DataFrame({"c": [f"v{i}" for i in range(40)]})
    y = pd.Series([0.0, 1.0] * 20)
    encoder = ColumnTransformer([("t", TargetEncoder(target_type="continuous", smooth=0.0), ["c"])])
    transformer = DataFrameTransformer([encoder])
    in_one = transformer.fit_transform(frame, y)
    apart = transformer.fit(frame, y).transform(frame)
    assert apart["t__c"].tolist() == y.tolist()
    # no value occurs twice, so each row gets the mean of the 32 rows in other folds, of which 12 to 20 are ones
    assert in_one["t__c"].between(12 / 32, 20 / 32).all()


def test_all_absent_columns_are_listed():
    transformer = DataFrameTransformer([ContinuousTransformer(["a"]), CategoricalTransformer(["c"])]).fit(FRAME)
    with pytest.raises(ValueError, match=r"lacks the columns \['a', 'c'\]; it has \['z'\]"):
        transformer.transform(pd.DataFrame({"z": [1]}))


def test_errors_of_foreign_transformers():
    with pytest.raises(ValueError, match="FunctionTransformer does not name its columns"):
        DataFrameTransformer([FunctionTransformer(lambda frame: frame[["a"]].to_numpy())]).fit(FRAME)
    with pytest.raises(ValueError, match="FunctionTransformer returned values that are not numbers"):
        DataFrameTransformer([FunctionTransformer(lambda frame: frame[["c"]])]).fit(FRAME).transform(FRAME)
    with pytest.raises(ValueError, match=r"FunctionTransformer returned the shape \(1, 1\), expected \(2, 1\)"):
        DataFrameTransformer([FunctionTransformer(lambda frame: frame[["a"]].iloc[:1])]).fit(FRAME).transform(FRAME)


def test_errors_of_frames():
    with pytest.raises(TypeError, match="expected a pandas DataFrame, got list"):
        DataFrameTransformer([]).fit([[1]])
    with pytest.raises(ValueError, match="without rows"):
        DataFrameTransformer([]).fit(FRAME.iloc[:0])
    with pytest.raises(NotFittedError):
        DataFrameTransformer([]).transform(FRAME)


def test_pickle():
    transformer = DataFrameTransformer([ContinuousTransformer(["a"]), CategoricalTransformer(["c"])]).fit(FRAME)
    assert_frame_equal(pickle.loads(pickle.dumps(transformer)).transform(FRAME), transformer.transform(FRAME))
