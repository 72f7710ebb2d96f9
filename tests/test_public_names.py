"""The names that notebooks import."""

import importlib

import pytest

# What the source document imports, by the path that it uses.
DOCUMENTED = {
    "tg.common": ["Loc", "Logger"],
    "tg.common.ml": ["dft", "single_frame_training"],
    "tg.common.ml.dft": ["DataFrameTransformerFactory", "ContinousTransformer", "ContinuousTransformer"],
    "tg.common.ml.single_frame_training": [
        "DataFrameLoader",
        "Evaluation",
        "FoldSplitter",
        "MetricPool",
        "ModelConstructor",
        "ModelProvider",
        "SingleFrameTrainingTask",
    ],
    "tg.common.delivery.delivery": ["Containering", "DependencyList", "Packaging"],
    "tg.common.delivery.sagemaker": [
        "Autonamer",
        "DOCKERFILE_TEMPLATE",
        "SagemakerAttachedExecutor",
        "SagemakerConfig",
        "SagemakerJob",
        "SagemakerLocalExecutor",
        "SagemakerOptions",
        "SagemakerProcessExecutor",
    ],
    "tg_mlflow": ["TgObjective", "run_tasks"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in DOCUMENTED.items() for name in names])
def test_documented_names_can_be_imported(module: str, name: str) -> None:
    # `from module import name`: the name may be a sub-module.
    try:
        found = getattr(importlib.import_module(module), name)
    except AttributeError:
        found = importlib.import_module(f"{module}.{name}")
    assert found is not None


@pytest.mark.parametrize("module", [name for name in DOCUMENTED if name != "tg.common.ml"])
def test_all_names_exist(module: str) -> None:
    package = importlib.import_module(module)
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert len(set(package.__all__)) == len(package.__all__)


def test_the_training_core_is_what_it_is() -> None:
    from tg.common.ml import training_core

    assert training_core.__all__ == [
        "AbstractTrainingTask",
        "Artificier",
        "Checkpoint",
        "CompositionSplitter",
        "FoldSplitter",
        "GroupSplitter",
        "IdentitySplitter",
        "InMemoryTrainingEnvironment",
        "Metric",
        "MetricPool",
        "OneTimeSplitter",
        "PredefinedSplitter",
        "SklearnMetric",
        "Split",
        "Splitter",
        "TimeSplitter",
        "TrainingEnvironment",
        "UnionSplitter",
        "apply_hyperparameters",
    ]
