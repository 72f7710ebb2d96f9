"""The executor of local containers, with SageMaker's contract. It uses Docker, and does not know AWS."""

from .container_executor import ContainerExecutor, ContainerOptions

__all__ = [
    "ContainerExecutor",
    "ContainerOptions",
]
