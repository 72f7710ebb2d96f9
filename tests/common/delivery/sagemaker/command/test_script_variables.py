"""The variables that scripts for SageMaker expect."""

import json
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.command import script_variables
from tg.common.delivery.sagemaker.command.script_variables import build_script_variables
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder, build_input_config


@pytest.fixture
def ml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlFolder:
    monkeypatch.setattr(script_variables, "_count_cpus", lambda: 4)
    monkeypatch.setattr(script_variables, "_count_gpus", lambda: 0)
    monkeypatch.setenv("TRAINING_JOB_NAME", "job-1")
    folder = MlFolder(tmp_path)
    folder.config.mkdir(parents=True)
    for name in ("train", "test-2", "code"):
        folder.find_channel(name).mkdir(parents=True)
    for name, content in build_input_config({}, ["train", "test-2"]).items():
        (folder.config / name).write_bytes(content)
    return folder


def test_all_variables(ml: MlFolder) -> None:
    options = ["--learning-rate", "0.1", "--name", "tree"]
    found = build_script_variables(ml, options, {"learning-rate": "0.1", "name": "tree"}, {"epochs": "3", "name": "x"})
    root = str(ml.root)
    details = json.loads(found.pop("SM_TRAINING_ENV"))
    assert details["channel_input_dirs"] == {
        "train": f"{root}/input/data/train",
        "test-2": f"{root}/input/data/test-2",
    }
    assert (details["job_name"], details["hyperparameters"]["epochs"]) == ("job-1", 3)
    assert found == {
        "SM_CHANNELS": '["test-2", "train"]',
        "SM_CHANNEL_TEST_2": f"{root}/input/data/test-2",
        "SM_CHANNEL_TRAIN": f"{root}/input/data/train",
        "SM_CURRENT_HOST": "algo-1",
        "SM_FRAMEWORK_PARAMS": "{}",
        "SM_HOSTS": '["algo-1"]',
        "SM_HPS": '{"epochs": 3, "name": "tree", "learning-rate": 0.1}',
        "SM_HP_EPOCHS": "3",
        "SM_HP_LEARNING_RATE": "0.1",
        "SM_HP_NAME": "tree",
        "SM_INPUT_CONFIG_DIR": f"{root}/input/config",
        "SM_INPUT_DATA_CONFIG": '{"test-2": {"TrainingInputMode": "File"}, "train": {"TrainingInputMode": "File"}}',
        "SM_INPUT_DIR": f"{root}/input",
        "SM_LOG_LEVEL": "20",
        "SM_MODEL_DIR": f"{root}/model",
        "SM_CHECKPOINT_DIR": f"{root}/checkpoints",
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_NUM_CPUS": "4",
        "SM_NUM_GPUS": "0",
        "SM_NUM_NEURONS": "0",
        "SM_OUTPUT_DATA_DIR": f"{root}/output/data",
        "SM_OUTPUT_DIR": f"{root}/output",
        "SM_OUTPUT_INTERMEDIATE_DIR": f"{root}/output/intermediate",
        "SM_RESOURCE_CONFIG": ('{"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}'),
        "SM_USER_ARGS": '["--learning-rate", "0.1", "--name", "tree"]',
    }


def test_a_job_without_input_files_has_them_too(tmp_path: Path, ml: MlFolder) -> None:
    found = build_script_variables(MlFolder(tmp_path / "other"), [], {}, {})
    assert (found["SM_HOSTS"], found["SM_CHANNELS"], found["SM_HPS"]) == ('["algo-1"]', "[]", "{}")
