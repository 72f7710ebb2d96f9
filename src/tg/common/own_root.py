"""Locates this code: installed as ``tg``, or in a package as ``Titanic__0.tg``."""

from pathlib import Path

TG_FOLDER = Path(__file__).parents[1]
TG_MODULE = __name__.rpartition(".common.")[0]
# The package's top module, such as `Titanic__0`; empty if this code is not in a package.
PACKAGE_MODULE = TG_MODULE.rpartition(".")[0]
