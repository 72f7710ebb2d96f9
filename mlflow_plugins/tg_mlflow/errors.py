"""What can go wrong on the side of MLflow; the roots are in :mod:`tg.common.errors`.

::

    TgError
    └── ProjectError              the MLflow project does not say what to train
        └── BackendConfigError    the backend configuration cannot be understood
"""

from tg.common import TgError


class ProjectError(TgError):
    """The MLflow project does not say what to train, or cannot be read."""


class BackendConfigError(ProjectError):
    """The backend configuration cannot be understood."""
