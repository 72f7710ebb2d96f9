"""``tg-attached``: trains in this process."""

from pathlib import Path

from tg.common.delivery.sagemaker import AttachedExecutor, AttachedOptions, Executor
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.place import Place


class AttachedConfig(PlaceConfig):
    """Keys of the place ``tg-attached``."""

    place = "tg-attached"


class AttachedPlace(Place):
    """Trains in this process, on the calling thread."""

    config_model = AttachedConfig
    options_model = AttachedOptions

    def build_options(self, config: AttachedConfig, folder: Path) -> AttachedOptions:
        return AttachedOptions()

    def open(self, options: AttachedOptions, is_shared: bool = False) -> Executor:
        return AttachedExecutor(options)

    def default_parallel(self) -> int:
        return 1
