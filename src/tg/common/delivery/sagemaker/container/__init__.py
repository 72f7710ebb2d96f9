"""The executor of local containers, by the contract that SageMaker has. It talks to Docker; AWS may not enter."""

from .container_executor import ContainerExecutor, ContainerOptions

__all__ = [
    "ContainerExecutor",
    "ContainerOptions",
]
