"""The variables that SageMaker's training toolkit gives to a script, and one for the folder of checkpoints.

Source: github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.ml_folder import CODE_CHANNEL, LEADER, RESOURCES_NAME, MlFolder

_LOG_LEVEL = 20  # logging.INFO
_GPU_SECONDS = 10


def build_script_variables(
    folder: MlFolder, options: Sequence[str], hyperparameters: Mapping[str, str], parameters: Mapping[str, str]
) -> dict[str, str]:
    """Builds the variables ``SM_…`` of a job.

    Args:
        folder: ``/opt/ml``, or its counterpart.
        options: What the hyperparameters have become on the command line.
        hyperparameters: Texts by name; numbers, lists and the like are JSON.
        parameters: What the command was made of; they are hyperparameters, too, where no other has the name.
    """
    data = folder.data.parent
    found = sorted(each.name for each in data.iterdir() if each.is_dir()) if data.is_dir() else []
    channels = {name: str(data / name) for name in found if name != CODE_CHANNEL}
    resources = _read_json(folder, RESOURCES_NAME)
    hosts, current = resources.get("hosts", [LEADER]), resources.get("current_host", LEADER)
    values = {name: _decode(value) for name, value in {**parameters, **hyperparameters}.items()}
    cpus, gpus = _count_cpus(), _count_gpus()
    variables: dict[str, Any] = {
        "SM_MODEL_DIR": str(folder.model),
        "SM_INPUT_DIR": str(folder.config.parent),
        "SM_INPUT_CONFIG_DIR": str(folder.config),
        "SM_OUTPUT_DIR": str(folder.failure.parent),
        "SM_OUTPUT_DATA_DIR": str(folder.output_data),
        "SM_OUTPUT_INTERMEDIATE_DIR": str(folder.failure.parent / "intermediate"),
        "SM_CHECKPOINT_DIR": str(folder.checkpoints),
        "SM_CHANNELS": list(channels),
        "SM_HPS": values,
        "SM_USER_ARGS": list(options),
        "SM_HOSTS": hosts,
        "SM_CURRENT_HOST": current,
        "SM_NETWORK_INTERFACE_NAME": resources.get("network_interface_name", "eth0"),
        "SM_NUM_CPUS": cpus,
        "SM_NUM_GPUS": gpus,
        "SM_NUM_NEURONS": 0,
        "SM_LOG_LEVEL": _LOG_LEVEL,
        "SM_INPUT_DATA_CONFIG": _read_json(folder, "inputdataconfig.json"),
        "SM_RESOURCE_CONFIG": resources,
        "SM_FRAMEWORK_PARAMS": {},
        **{f"SM_CHANNEL_{_name_variable(name)}": path for name, path in channels.items()},
        **{f"SM_HP_{_name_variable(name)}": value for name, value in values.items()},
    }
    variables["SM_TRAINING_ENV"] = {
        "channel_input_dirs": channels,
        "current_host": current,
        "hosts": hosts,
        "hyperparameters": values,
        "input_config_dir": str(folder.config),
        "input_dir": str(folder.config.parent),
        "job_name": os.environ.get("TRAINING_JOB_NAME", ""),
        "model_dir": str(folder.model),
        "network_interface_name": variables["SM_NETWORK_INTERFACE_NAME"],
        "num_cpus": cpus,
        "num_gpus": gpus,
        "output_data_dir": str(folder.output_data),
        "output_dir": str(folder.failure.parent),
        "resource_config": resources,
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in variables.items()}


def _read_json(folder: MlFolder, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder.config / name).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _name_variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _count_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count_gpus() -> int:
    program = shutil.which("nvidia-smi")
    if program is None:
        return 0
    try:
        found = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, timeout=_GPU_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU") for line in found.stdout.splitlines())
