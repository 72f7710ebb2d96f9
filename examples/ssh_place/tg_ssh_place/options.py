"""How another machine and its jobs are reached."""

import re
from dataclasses import dataclass

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.executor import PlaceOptions

DEFAULT_FOLDER = "~/.local/state/tg-mlflow/ssh"


@dataclass(frozen=True)
class SshOptions(PlaceOptions):
    """How another machine and its jobs are reached. Everything else is said in ssh's own configuration.

    Attributes:
        host: The machine, as ``ssh`` takes it: ``user@host``, or a name of ssh's configuration.
        port: Its port; by default what ssh's configuration says, or 22.
        identity_file: The file of a private key; by default those that ssh tries. Only its path is kept.
        config_file: A configuration of ssh in place of the user's own.
        python: The Python there, which has the libraries; a relative path begins in the user's home.
        folder: Where jobs are kept there; a relative path begins in the user's home.
        stop_grace_seconds: How long a job may take to stop before it is killed.
        retry_seconds: How long a connection that is lost is tried again.

    Raises:
        DeliveryError: If a value is invalid.
    """

    host: str
    port: int | None = None
    identity_file: str | None = None
    config_file: str | None = None
    python: str = "python3"
    folder: str = DEFAULT_FOLDER
    stop_grace_seconds: float = 120
    retry_seconds: float = 60

    def __post_init__(self) -> None:
        # A host with a hyphen in front would be one of ssh's options.
        if not re.fullmatch(r"[^\s-]\S*", self.host):
            raise DeliveryError(f"host is {self.host!r}; give user@host, or a name of ssh's configuration")
        if self.port is not None and not 0 < self.port < 1 << 16:
            raise DeliveryError(f"port is {self.port}; give a number from 1 to 65535")
        for name in ("python", "folder"):
            if not getattr(self, name):
                raise DeliveryError(f"{name} is empty; give a path on {self.host}, or leave it out")
