"""The folders of a project."""

import os
from pathlib import Path


class _Location:
    """The folders of the current project; an environment variable overrides each, nothing is created.

    ================== ===================== ==========================================
    attribute          variable              default
    ================== ===================== ==========================================
    ``root_path``      ``TG_ROOT_PATH``      the nearest folder, from the current one up,
                                             with an ``MLproject``, ``pyproject.toml``,
                                             ``environment.env`` or ``.git``; else the
                                             current folder
    ``temp_path``      ``TG_TEMP_PATH``      ``<root_path>/temp``
    ``data_cache_path`` ``TG_DATA_CACHE_PATH`` ``<root_path>/data-cache``
    ================== ===================== ==========================================

    The values are read at each access, so that a changed working directory or variable takes effect.
    """

    _MARKERS = ("MLproject", "environment.env", "pyproject.toml", ".git")

    @property
    def root_path(self) -> Path:
        """The project's folder, absolute."""
        return self._override("TG_ROOT_PATH") or self._find_root()

    @property
    def temp_path(self) -> Path:
        """The folder for files that may be deleted at any time, absolute."""
        return self._override("TG_TEMP_PATH") or self.root_path / "temp"

    @property
    def data_cache_path(self) -> Path:
        """The folder for data that can be fetched again, absolute."""
        return self._override("TG_DATA_CACHE_PATH") or self.root_path / "data-cache"

    @staticmethod
    def _override(variable: str) -> Path | None:
        value = os.environ.get(variable)
        return Path(value).expanduser().absolute() if value else None

    @classmethod
    def _find_root(cls) -> Path:
        start = Path.cwd()
        for folder in (start, *start.parents):
            if any((folder / marker).exists() for marker in cls._MARKERS):
                return folder
        return start


Loc = _Location()
