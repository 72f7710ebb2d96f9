"""Packages and images."""

from .containering import Containering
from .dependency_list import DependencyList
from .packaging import Packaging

__all__ = ["Containering", "DependencyList", "Packaging"]
