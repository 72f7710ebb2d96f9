"""A named list of requirements that a package or an image is given."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DependencyList:
    """Requirements that belong together, in pip's notation.

    Attributes:
        name: What they are for, such as ``training``.
        dependencies: One requirement each, such as ``pandas==3.1.1``.
    """

    name: str
    dependencies: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.dependencies, str):
            raise TypeError(f"dependencies is the text {self.dependencies!r}; give a list of requirements")
        object.__setattr__(self, "dependencies", tuple(self.dependencies))
