"""Says which files of this machine a script is told to read where they are not."""

import logging
from collections.abc import Iterator

from tg.common.secrets import SecretMask
from tg_mlflow.places.config import PlaceConfig
from tg_mlflow.places.image_config import ImageConfig
from tg_mlflow.project.project import ProjectCommand
from tg_mlflow.project.script_command import ScriptCommand, names_own_file

_logger = logging.getLogger("mlflow.tg_mlflow")


def warn_of_staying_files(command: ProjectCommand, config: PlaceConfig) -> None:
    """Logs a warning for each file of this machine that a script is given by its path, where it trains in an image.

    Args:
        command: What the project runs.
        config: The place's configuration.
    """
    if isinstance(command, ScriptCommand) and isinstance(config, ImageConfig):
        for what, advice in _list_staying(command, config):
            _logger.warning(
                "%s, a path of this machine, which is not there where %s trains; %s", what, config.place, advice
            )


def _list_staying(command: ScriptCommand, config: PlaceConfig) -> Iterator[tuple[str, str]]:
    advice = "declare it in the MLproject with `type: path`, so that it travels"
    mask = SecretMask()
    for name, value in command.staying:
        if name is None:
            yield f"the command names {value!r}", "make it a parameter with `type: path`, so that it travels"
        else:
            yield f"parameter {name!r} is {mask.mask_named({name: value})[name]!r}", advice
    for name, given in config.hyperparameters.items():
        if isinstance(given, str) and names_own_file(given):
            shown = mask.mask_named({name: given})[name]
            yield f"hyperparameter {name!r} is {shown!r}", "name it in the key channels, so that it travels"
