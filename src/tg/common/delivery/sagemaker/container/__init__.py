"""The executor of local containers, by the contract that SageMaker has. It talks to Docker; AWS may not enter."""

from .local_executor import SagemakerLocalExecutor

__all__ = [
    "SagemakerLocalExecutor",
]
