"""Requests for SageMaker's own tuner, on top of ``remote``. No other room imports it."""

from .delivery import deliver_training
from .ranges import NumberRange, check_ranges
from .request import build_tuning_request

__all__ = [
    "NumberRange",
    "build_tuning_request",
    "check_ranges",
    "deliver_training",
]
