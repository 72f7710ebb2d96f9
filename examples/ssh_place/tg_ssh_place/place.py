"""What users may say about a training on another machine."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from tg.common import DeliveryError
from tg_mlflow.places.config import JobConfig
from tg_mlflow.places.place import Place

from .executor import SshExecutor
from .options import DEFAULT_FOLDER, SshOptions


class SshConfig(JobConfig):
    """Keys of the place ``tg-ssh``.

    Attributes:
        host: The machine, as ``ssh`` takes it: ``user@host``, or a name of ssh's configuration.
        port: Its port; by default what ssh's configuration says, or 22.
        identity_file: The file of a private key; by default those that ssh tries.
        config_file: A configuration of ssh in place of the user's own.
        python: The Python there, which has the libraries; a relative path begins in the user's home.
        folder: Where jobs are kept there; a relative path begins in the user's home.
        stop_grace_seconds: How long the job may take to stop before it is killed.
        retry_seconds: How long a connection that is lost is tried again.
    """

    place = "tg-ssh"

    host: str | None = None
    port: int | None = None
    identity_file: str | None = None
    config_file: str | None = None
    python: str = "python3"
    folder: str = DEFAULT_FOLDER
    stop_grace_seconds: float = Field(default=120, ge=0)
    retry_seconds: float = Field(default=60, ge=0)


class SshPlace(Place):
    """Another machine that is reached over ssh."""

    config_model = SshConfig
    options_model = SshOptions

    def build_options(self, config: SshConfig, folder: Path) -> SshOptions:
        if config.host is None:
            raise DeliveryError("tg-ssh needs to know the machine: give host, such as user@host")
        return SshOptions(
            host=config.host,
            port=config.port,
            identity_file=_find_file("identity_file", config.identity_file, folder),
            config_file=_find_file("config_file", config.config_file, folder),
            python=config.python,
            folder=config.folder,
            stop_grace_seconds=config.stop_grace_seconds,
            retry_seconds=config.retry_seconds,
        )

    def open(self, options: SshOptions, is_shared: bool = False) -> SshExecutor:
        return SshExecutor(options)

    def read_options(self, given: Mapping[str, Any]) -> SshOptions:
        """Reads options again. A file that this machine does not have is passed over: ssh's own may do."""
        options = super().read_options(given)
        assert isinstance(options, SshOptions)
        return replace(
            options, identity_file=_if_there(options.identity_file), config_file=_if_there(options.config_file)
        )

    def default_parallel(self) -> int:
        """One: how many trainings the other machine can bear is for the user to say."""
        return 1


def _find_file(key: str, value: str | None, folder: Path) -> str | None:
    if value is None:
        return None
    path = folder.absolute() / Path(value).expanduser()
    if not path.is_file():
        raise DeliveryError(f"{key} is {value!r}, and there is no file {str(path)!r}; correct it, or leave it out")
    return str(path)


def _if_there(path: str | None) -> str | None:
    return path if path is not None and os.path.isfile(path) else None
