"""What every part uses: the training log and the project's folders."""

from .loc import Loc
from .logger import Logger

__all__ = ["Loc", "Logger"]
