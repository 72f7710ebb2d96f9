"""The folder ``/opt/ml``, through which SageMaker and a training container talk to each other.

Source: the Amazon SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The channel of the dataset, and that of a package which comes as files.
CHANNEL = "training"
CODE_CHANNEL = "code"
HYPERPARAMETERS_NAME = "hyperparameters.json"
# SageMaker shows so many characters of the failure file.
LONGEST_FAILURE = 1024


@dataclass(frozen=True)
class MlFolder:
    """The paths below ``/opt/ml``, or below another folder that plays its part.

    Attributes:
        root: The folder itself.
    """

    root: Path = Path("/opt/ml")

    @property
    def config(self) -> Path:
        """Where hyperparameters.json, inputdataconfig.json and resourceconfig.json are."""
        return self.root / "input" / "config"

    @property
    def data(self) -> Path:
        """Where the dataset is, as the file or folder that it is elsewhere."""
        return self.root / "input" / "data" / CHANNEL

    @property
    def code(self) -> Path:
        """Where the package is that comes as files, to a ready-made image."""
        return self.root / "input" / "data" / CODE_CHANNEL

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.root / "model"

    @property
    def failure(self) -> Path:
        """The file that says why a training failed."""
        return self.root / "output" / "failure"

    @property
    def checkpoints(self) -> Path:
        """What is kept when a training is interrupted."""
        return self.root / "checkpoints"


def build_input_config(hyperparameters: Mapping[str, str], has_data: bool) -> dict[str, bytes]:
    """Writes the files of ``input/config`` for a job on one host.

    Args:
        hyperparameters: Texts by name.
        has_data: Whether there is a data channel.

    Returns:
        The content of each file by its name.
    """
    files = {
        HYPERPARAMETERS_NAME: dict(hyperparameters),
        "inputdataconfig.json": {CHANNEL: {"TrainingInputMode": "File"}} if has_data else {},
        "resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"},
    }
    return {name: json.dumps(content, sort_keys=True).encode() for name, content in files.items()}
