"""Transformers from DataFrame to DataFrame for scikit-learn, and a factory that chooses them by dtype."""

from .categorical_transformer import CategoricalTransformer
from .continuous_transformer import ContinousTransformer, ContinuousTransformer
from .data_frame_transformer import DataFrameTransformer
from .data_frame_transformer_factory import DataFrameTransformerFactory
from .datetime_transformer import DatetimeTransformer

__all__ = [
    "CategoricalTransformer",
    "ContinousTransformer",
    "ContinuousTransformer",
    "DataFrameTransformer",
    "DataFrameTransformerFactory",
    "DatetimeTransformer",
]
