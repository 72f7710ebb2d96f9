"""Trainings on one table that fits in memory, and the parts they are composed of."""

from ..training_core import (
    Artificier,
    CompositionSplitter,
    FoldSplitter,
    GroupSplitter,
    IdentitySplitter,
    Metric,
    MetricPool,
    OneTimeSplitter,
    PredefinedSplitter,
    Splitter,
    TimeSplitter,
    UnionSplitter,
)
from .data_frame_loader import DataFrameLoader, LabelledFrame
from .evaluation import Evaluation, Evaluator
from .feature_names import FeatureNames
from .input_columns import InputColumn, InputColumns
from .model_constructor import ModelConstructor
from .model_provider import ModelProvider
from .training_pipeline import TrainingPipeline
from .training_result import SingleFrameTrainingResult
from .training_task import SingleFrameTrainingTask
from .validation import Validation

__all__ = [
    "Artificier",
    "CompositionSplitter",
    "DataFrameLoader",
    "Evaluation",
    "Evaluator",
    "FeatureNames",
    "FoldSplitter",
    "GroupSplitter",
    "IdentitySplitter",
    "InputColumn",
    "InputColumns",
    "LabelledFrame",
    "Metric",
    "MetricPool",
    "ModelConstructor",
    "ModelProvider",
    "OneTimeSplitter",
    "PredefinedSplitter",
    "SingleFrameTrainingResult",
    "SingleFrameTrainingTask",
    "Splitter",
    "TimeSplitter",
    "TrainingPipeline",
    "UnionSplitter",
    "Validation",
]
