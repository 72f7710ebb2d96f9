from typing import Any

import pytest

from tg.common import DeliveryError, HyperparameterError
from tg.common.delivery.sagemaker.tuning.ranges import NumberRange, build_parameter_ranges, check_ranges
from tg.common.ml.single_frame_training import (
    DataFrameLoader,
    Evaluation,
    FoldSplitter,
    ModelConstructor,
    ModelProvider,
    SingleFrameTrainingTask,
)


def test_each_kind() -> None:
    ranges = {
        "kwargs.C:float": NumberRange(1e-5, 100, "Logarithmic"),
        "kwargs.max_iter:int": NumberRange(100, 1e3),
        "kwargs.depth": NumberRange(1, 8),
        "kwargs.rate": NumberRange(0, 0.5),
        "kwargs.tol": NumberRange(1.0, 2.0),
        "kwargs.solver": ["lbfgs", "saga"],
        "kwargs.layers:json": [[10], [10, 5], None, True, 0.5],
    }
    assert build_parameter_ranges(ranges) == {
        "ContinuousParameterRanges": [
            {"Name": "kwargs.C:float", "MinValue": "1e-05", "MaxValue": "100.0", "ScalingType": "Logarithmic"},
            {"Name": "kwargs.rate", "MinValue": "0.0", "MaxValue": "0.5", "ScalingType": "Auto"},
            {"Name": "kwargs.tol", "MinValue": "1.0", "MaxValue": "2.0", "ScalingType": "Auto"},
        ],
        "IntegerParameterRanges": [
            {"Name": "kwargs.max_iter:int", "MinValue": "100", "MaxValue": "1000", "ScalingType": "Auto"},
            {"Name": "kwargs.depth", "MinValue": "1", "MaxValue": "8", "ScalingType": "Auto"},
        ],
        "CategoricalParameterRanges": [
            {"Name": "kwargs.solver", "Values": ["lbfgs", "saga"]},
            {"Name": "kwargs.layers:json", "Values": ["[10]", "[10, 5]", "null", "true", "0.5"]},
        ],
    }


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({}, r"^there are 0 ranges; the tuner takes 1 to 30$"),
        ({f"x{i}": [1] for i in range(31)}, r"^there are 31 ranges; "),
        ({"": [1]}, r"^the name '' of a range is empty or has more than 256 characters$"),
        ({"x:int": NumberRange(0.5, 2)}, r"^the range of 'x:int' is NumberRange\(low=0.5, .*, which does not fit its "),
        ({"x:bool": NumberRange(0, 1)}, r"^the range of 'x:bool' is .* does not fit its type; correct one of them$"),
        ({"x": "saga"}, r"^the values of 'x' are the text 'saga'; give a list$"),
        ({"x": []}, r"^the values of 'x' are nothing; give 1 to 30 different ones$"),
        ({"x": list(range(31))}, r"give 1 to 30 different ones$"),
        ({"x": [1, "1"]}, r"^the values of 'x' are '1', '1'; give 1 to 30 different ones$"),
        ({"x": ["a" * 257]}, r"^a value of 'x' has 257 characters; the tuner takes 256$"),
    ],
)
def test_what_the_tuner_does_not_take(ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        build_parameter_ranges(ranges)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 1), r"^the range is from 1 to 1; give a greater high than low$"),
        ((0, float("nan")), r"^the range is from 0 to nan; "),
        ((0, 1, "Log"), r"^scale is 'Log'; give one of 'Auto', 'Linear', 'Logarithmic', 'ReverseLogarithmic'$"),
        ((0, 1, "Logarithmic"), r"^the range from 0 is Logarithmic; give a low above 0, or another scale$"),
    ],
)
def test_what_is_no_range(arguments: Any, message: str) -> None:
    with pytest.raises(DeliveryError, match=message):
        NumberRange(*arguments)


def test_ranges_are_tried_on_a_copy_of_the_task() -> None:
    constructor = ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=100)
    task = SingleFrameTrainingTask(
        DataFrameLoader("y"), ModelProvider(constructor), Evaluation.binary_classification, FoldSplitter()
    )
    check_ranges(task, {"model_provider.constructor.kwargs.C:float": NumberRange(0.1, 1), "splitter.test_size": [0.3]})
    assert constructor.kwargs == {"max_iter": 100}
    with pytest.raises(
        HyperparameterError, match=r"model_provider.constructor \(ModelConstructor\) has no 'kwarg'; did"
    ):
        check_ranges(task, {"model_provider.constructor.kwarg.C:float": NumberRange(0.1, 1)})
    with pytest.raises(HyperparameterError, match=r"'fast' is not of type int$"):
        check_ranges(task, {"model_provider.constructor.kwargs.max_iter": [100, "fast"]})
