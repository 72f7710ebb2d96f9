"""The folder ``/opt/ml``, through which SageMaker and a training container exchange files.

Source: the Amazon SageMaker developer guide, "How Amazon SageMaker AI Provides Training Information".
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The channels of the dataset, and of a package that is delivered as files.
CHANNEL = "training"
CODE_CHANNEL = "code"
HYPERPARAMETERS_NAME = "hyperparameters.json"
RESOURCES_NAME = "resourceconfig.json"
# The first of a job's machines.
LEADER = "algo-1"
# The folder of what other processes than the first one have made, where several train together.
HOSTS = "hosts"
# How many characters of the failure file SageMaker shows.
LONGEST_FAILURE = 1024


@dataclass(frozen=True)
class MlFolder:
    """The paths below ``/opt/ml``, or below its counterpart.

    Attributes:
        root: The folder itself.
        member: Where one of several processes that train together keeps what it makes, such as ``algo-2``; empty for
            the first one, whose files are the training's.
    """

    root: Path = Path("/opt/ml")
    member: str = ""

    @property
    def config(self) -> Path:
        """The folder of hyperparameters.json, inputdataconfig.json and resourceconfig.json."""
        return self.root / "input" / "config"

    @property
    def data(self) -> Path:
        """The folder of the dataset: the folder that it is, or the one that contains its file."""
        return self.find_channel(CHANNEL)

    def find_channel(self, name: str) -> Path:
        """Returns the folder of an input channel."""
        return self.root / "input" / "data" / name

    @property
    def code(self) -> Path:
        """The folder of a package that is delivered as files, to a ready-made image."""
        return self.find_channel(CODE_CHANNEL)

    @property
    def model(self) -> Path:
        """The folder that becomes model.tar.gz, or a member's part of it."""
        return self._find_own(self.root / "model")

    @property
    def failure(self) -> Path:
        """The file that says why a training failed."""
        return self._find_own(self.root / "output") / "failure"

    @property
    def output_data(self) -> Path:
        """The folder of what a training makes besides its model."""
        return self._find_own(self.root / "output") / "data"

    @property
    def mlflow(self) -> Path:
        """The folder of MLflow's store in the job."""
        return self._find_own(self.root / "output") / "mlflow"

    @property
    def mlflow_artifacts(self) -> Path:
        """Where the archive has MLflow's artifacts, in ``runs/<run id>`` and ``models/<model id>``."""
        return self.model / "tg_mlflow"

    @property
    def checkpoints(self) -> Path:
        """The folder that is kept when a training is interrupted."""
        return self.root / "checkpoints"

    def _find_own(self, folder: Path) -> Path:
        return folder / HOSTS / self.member if self.member else folder


def name_hosts(count: int) -> tuple[str, ...]:
    """Returns the names of a job's machines, as SageMaker gives them; the first one is the leader."""
    return tuple(f"algo-{number}" for number in range(1, count + 1))


def build_input_config(
    hyperparameters: Mapping[str, str],
    channels: Iterable[str],
    hosts: Sequence[str] = (LEADER,),
    current: str = LEADER,
    interface: str = "eth0",
) -> dict[str, bytes]:
    """Builds the files of ``input/config`` for one host of a job.

    Args:
        hyperparameters: Strings by name.
        channels: The names of the input channels.
        hosts: The names of all hosts.
        current: The name of this one.
        interface: The network interface by which they reach each other.

    Returns:
        The content of each file by its name.
    """
    files = {
        HYPERPARAMETERS_NAME: dict(hyperparameters),
        "inputdataconfig.json": {name: {"TrainingInputMode": "File"} for name in channels},
        RESOURCES_NAME: {"current_host": current, "hosts": list(hosts), "network_interface_name": interface},
    }
    return {name: json.dumps(content, sort_keys=True).encode() for name, content in files.items()}
