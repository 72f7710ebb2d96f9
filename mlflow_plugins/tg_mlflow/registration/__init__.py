"""The model of a run that has finished becomes a version in MLflow's registry, and perhaps gets an alias.

It knows the run and what the run's tag asks for; whoever has ended a run calls it. Nothing of it fails the run.
"""

from typing import TYPE_CHECKING

from tg.common.lazy_names import lazy_names

_HOMES = {
    "build_register_tags": ".registration",
    "settle_registration": ".registration",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from tg_mlflow.registration.registration import build_register_tags as build_register_tags
    from tg_mlflow.registration.registration import settle_registration as settle_registration
else:
    __getattr__, __dir__ = lazy_names(__name__, _HOMES)
