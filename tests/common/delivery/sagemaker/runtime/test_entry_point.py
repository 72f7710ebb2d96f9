"""The entry point as an image starts it: a process that has nothing but the unpacked package."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.common.delivery.sagemaker.runtime.versatile_task import Task
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.run_file import build_run_file
from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.delivery.sagemaker.contract.shown_log import ShownLog
from tg.common.delivery.sagemaker.machine.job_layout import unpack_package
from tg.common.ml.training_core import AbstractTrainingTask

pytestmark = pytest.mark.starts_process

ENTRY_POINT = "tg.common.delivery.sagemaker.runtime.entry_point"


class Place:
    """A folder that stands for a container's file system."""

    def __init__(self, folder: Path) -> None:
        self.ml = folder / "ml"
        self._folder = folder
        (self.ml / "input" / "config").mkdir(parents=True)

    def start(
        self,
        *arguments: str,
        task: AbstractTrainingTask | None = None,
        seconds: float = 60,
        version: str = "0",
        run_file_of: Callable[[str], str] = build_run_file,
        **environment: str,
    ) -> Any:
        # In the package, the module of this test's task has to be importable by itself.
        packaging = Packaging("Task", version, {"job": SagemakerJob(task or Task()), "other": "no job"})
        packaging.silent = True
        package = packaging.make_package(self._folder)
        python_path = unpack_package(package, self._folder)
        run_file = self._folder / "train.py"
        limit = f"import {package.module_name}.{ENTRY_POINT} as e; e._LEAVING_SECONDS = {seconds}\n"
        run_file.write_text(limit + run_file_of(package.module_name))
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(python_path),
            "PYTHONUNBUFFERED": "1",
            "TG_ML_FOLDER": str(self.ml),
            **environment,
        }
        return subprocess.Popen(
            [sys.executable, str(run_file), *arguments],
            env=variables,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, *arguments: str, **options: Any) -> tuple[int, list[str]]:
        process = self.start(*arguments, **options)
        output, _ = process.communicate(timeout=60)
        shown = ShownLog().feed(output.encode()).decode()
        return process.returncode, [line.partition(" INFO: ")[2] or line for line in shown.splitlines()]

    def give_hyperparameters(self, **values: Any) -> None:
        (self.ml / "input" / "config" / "hyperparameters.json").write_text(json.dumps(values))

    @property
    def failure(self) -> str:
        return (self.ml / "output" / "failure").read_text()

    @property
    def model_files(self) -> set[str]:
        model = self.ml / "model"
        return {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_it_says_what_the_source_document_shows(place: Place) -> None:
    exit_code, lines = place.run("train")
    assert exit_code == 0
    properties = json.loads(lines.pop(6))
    assert properties["module_name"] == "Task__0"
    assert properties["tg_import_path"] == "Task__0.tg"
    assert lines == [
        "Welcome to Training Grounds!",
        "Loading job",
        "Job of type <class 'Task__0.tg.common.delivery.sagemaker.runtime.job.SagemakerJob'> is loaded",
        "Job has `run` attribute",
        "This is Sagemaker Job performing a training task",
        "Preparing package properties...",
        "Preparing package file...",
        "Processing hyperparameters...",
        "No hyperparameters are provided",
        "Model initialized. Jsonpickling...",
        "Starting training now...",
        "data=None size=1.5 layers=[10, 5]",
        "###METRIC###loss:0.5###step:2###",
        "Job has exited successfully",
        "DONE. Exiting Training Grounds.",
    ]
    assert place.model_files == {"package.tag.gz", "task.json", "package.json", "completed.json"}
    assert not (place.ml / "output" / "failure").exists()


def test_the_argument_train_may_be_left_out(place: Place) -> None:
    assert place.run()[0] == 0


def test_a_check_imports_what_the_job_needs_and_trains_nothing(place: Place) -> None:
    exit_code, lines = place.run("check")
    assert exit_code == 0
    assert lines == [
        "Welcome to Training Grounds!",
        "All that Task__0 needs can be imported",
        "DONE. Exiting Training Grounds.",
    ]
    assert place.model_files == set()
    assert not (place.ml / "output" / "failure").exists()


@pytest.mark.parametrize("argument", ["check", "train"])
def test_a_module_that_is_missing_ends_it_before_the_training(
    place: Place, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "tg_test_lacking.py").write_text("def Model(): pass\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    exit_code, lines = place.run(argument, task=Task("tg_test_lacking:Model"))
    assert exit_code == 1
    line = (
        "'tg_test_lacking' cannot be imported: the module 'tg_test_lacking' is missing; for an image that is built "
        'here, add its library, such as "requirements": ["tg_test_lacking"]'
    )
    assert place.failure == f"{line}\n"
    assert "Starting training now..." not in lines


def test_a_module_that_is_missing_in_the_training_is_told_with_the_key_that_adds_it(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("import"))
    assert exit_code == 1
    assert place.failure.splitlines()[0] == (
        "the module 'tg_test_nowhere' is missing; for an image that is built here, add its library, such as "
        '"requirements": ["tg_test_nowhere"]'
    )
    assert "ModuleNotFoundError: No module named 'tg_test_nowhere'" in lines


def test_other_arguments_are_refused(place: Place) -> None:
    exit_code, _ = place.run("serve")
    assert exit_code == 1
    assert place.failure.startswith("the arguments are ['serve']; give 'train' or nothing\n")


@pytest.mark.parametrize(
    "values",
    [
        {"size": "2.5", "layers:json": "[1]"},
        {"size": '"2.5"', "layers:json": '"[1]"'},
        {"size": 2.5, "layers:json": [1], "_tuning_objective_metric": "x", "sagemaker_program": "x"},
    ],
)
def test_hyperparameters_are_read_in_every_encoding(place: Place, values: dict[str, Any]) -> None:
    place.give_hyperparameters(**values)
    exit_code, lines = place.run("train")
    assert exit_code == 0, lines
    assert "data=None size=2.5 layers=[1]" in lines
    assert json.loads((place.ml / "model" / "hyperparameters.json").read_text()) == {
        "size": "2.5",
        "layers:json": "[1]",
    }


def test_a_hyperparameter_that_the_task_has_not_is_the_failure(place: Place) -> None:
    place.give_hyperparameters(sise="1")
    exit_code, lines = place.run("train")
    assert exit_code == 1
    assert place.failure == "hyperparameter 'sise': the task (Task) has no 'sise'; did you mean 'size'?\n"
    assert not any("Traceback" in line for line in lines)


def test_the_dataset_is_the_channels_only_file_or_the_channel(place: Place) -> None:
    channel = place.ml / "input" / "data" / "training"
    channel.mkdir(parents=True)
    (channel / "a.parquet").touch()
    assert "data=a.parquet size=1.5 layers=[10, 5]" in place.run("train")[1]
    (channel / "b.parquet").touch()
    assert "data=['a.parquet', 'b.parquet'] size=1.5 layers=[10, 5]" in place.run("train")[1]
    assert "data=b.parquet size=1.5 layers=[10, 5]" in place.run("train", TG_DATASET="b.parquet")[1]
    (channel / "b.parquet").unlink()
    assert "data=['a.parquet'] size=1.5 layers=[10, 5]" in place.run("train", TG_DATASET=".")[1]


def test_an_error_of_the_task_is_the_failure(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("raise"))
    assert exit_code == 1
    assert place.failure.splitlines()[0] == "ValueError: no such luck"
    assert len(place.failure) <= 1024
    assert "ValueError: no such" in lines
    assert "completed.json" not in place.model_files


def test_metrics_are_said_whatever_a_task_does_to_logging_and_stdout(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("silence"))
    assert exit_code == 0, lines
    said = [line for line in lines if line.startswith("###METRIC###") or line == "between"]
    assert said == [
        "###METRIC###before:1.0###",
        "###METRIC###disabled:2.0###",
        "###METRIC###redirected:3.0###",
        "between",
        "###METRIC###closed:4.0###",
    ]
    assert lines[-1] == "DONE. Exiting Training Grounds."


def test_a_thread_that_goes_on_does_not_keep_the_job(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("leave a thread"), seconds=0.5)
    assert exit_code == 0, lines
    assert lines[-2] == "DONE. Exiting Training Grounds."
    assert lines[-1].endswith(" WARNING: The job is over and does not end by itself (threads: endless)")
    assert "completed.json" in place.model_files


def test_what_is_no_text_is_escaped_in_the_failure(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("raise no text"))
    assert exit_code == 1
    assert place.failure.splitlines()[0] == "OSError: no file \\udcff.csv"
    assert any(line.endswith(" ERROR: Job has failed: OSError: no file \\udcff.csv") for line in lines)


def test_an_error_whose_message_cannot_be_shown_is_the_failure(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("raise without words"))
    reason = "Silent: its message cannot be shown, as its __str__ raises ZeroDivisionError"
    assert (exit_code, place.failure.splitlines()[0]) == (1, reason)
    assert any(line.endswith(f" ERROR: Job has failed: {reason}") for line in lines)


def test_a_hyperparameter_that_is_secret_is_not_in_the_failure(place: Place) -> None:
    place.give_hyperparameters(password="hunter22")
    assert place.run("train", task=Task("raise a secret"))[0] == 1
    assert place.failure.splitlines()[0] == "ValueError: no login with ***"
    assert "hunter22" not in place.failure


def test_a_task_that_exits_has_not_trained(place: Place) -> None:
    assert place.run("train", task=Task("exit"))[0] == 1
    assert place.failure.startswith("the training called sys.exit(0) before its end\n")


def test_sigterm_ends_with_143_even_if_the_task_catches_exceptions(place: Place) -> None:
    process = place.start("train", task=Task("wait"))
    for line in process.stdout:
        if line.endswith("waiting\n"):
            break
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "swallowed" not in output
    assert place.failure == "the training was stopped by SIGTERM\n"
    assert "completed.json" not in place.model_files


def test_a_training_that_keeps_checkpoints_saves_one_more_before_it_is_stopped(place: Place) -> None:
    outputs = []
    for version in ("0", "1"):  # what another version of the package has pickled is read, too
        process = place.start("train", task=Task("keep checkpoints"), version=version)
        before = read_until_waiting(process)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 143
        assert place.failure == "the training was stopped by SIGTERM\n"
        assert "the training goes on\n" not in output
        assert "The job is to stop: the training ends at its next checkpoint, or in 90 seconds\n" in output
        outputs.append(before + output)
    assert "###METRIC###loss:1.0###\n" in outputs[0]
    assert "Saved the checkpoint of step 1\n" in outputs[0]
    assert "The training goes on from the checkpoint of step 1\n" in outputs[1]
    assert '###JOB###{"op":"resumed","step":1,"points":{"loss":1}}###\n' in outputs[1]
    assert "###METRIC###loss:0.5###step:1###\n" in outputs[1]
    assert "Saved the checkpoint of step 2\n" in outputs[1]


@pytest.mark.parametrize(("seconds", "signals", "said"), [("1", 1, True), ("600", 2, False)])
def test_a_training_that_saves_none_ends_in_time_and_at_once_when_asked_again(
    place: Place, seconds: str, signals: int, said: bool
) -> None:
    process = place.start("train", task=Task("forget checkpoints"), TG_STOP_SECONDS=seconds)
    read_until_waiting(process)
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        for line in process.stdout:
            if "The job is to stop" in line or "stopped by SIGTERM" in line:
                break
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert place.failure == "the training was stopped by SIGTERM\n"
    assert ("The training has saved no checkpoint since then\n" in output) is said


def read_until_waiting(process: Any) -> str:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.endswith("waiting\n"):
            break
    return "".join(lines)


def test_sigterm_is_not_lost_where_nothing_can_be_raised(place: Place) -> None:
    exit_code, lines = place.run("train", task=Task("be stopped in a finalizer"))
    assert exit_code == 143, lines
    assert place.failure == "the training was stopped by SIGTERM\n"


def test_a_resource_that_is_no_job_or_not_there_is_refused(place: Place) -> None:
    assert place.run("train", TG_RESOURCE="other")[0] == 1
    assert place.failure.startswith("the job 'no job' has no `run` attribute")
    assert place.run("train", TG_RESOURCE="nothing")[0] == 1
    assert place.failure.startswith("the package 'Task__0' holds no object 'nothing'; it holds 'job', 'other'")


def test_workers_end_without_a_word_and_c_speaks_before_the_end(place: Place, tmp_path: Path) -> None:
    exit_code, lines = place.run("train", task=Task("fork"), TMPDIR=str(tmp_path))
    assert exit_code == 0, lines
    (work,) = tmp_path.glob("tg-work-*")
    assert lines[12:] == [
        f"[1] in {work}",
        "a word on stderr",
        "C has the last word",
        "Job has exited successfully",
        "DONE. Exiting Training Grounds.",
    ]


def test_a_run_file_without_a_guard_trains_once_and_says_what_is_wrong(place: Place) -> None:
    def build_careless_run_file(module: str) -> str:
        return f"from {module}.{ENTRY_POINT} import main\nmain()\n"

    task = Task("be careless with workers")
    exit_code, lines = place.run("train", task=task, run_file_of=build_careless_run_file)
    assert exit_code == 1
    assert lines.count("Starting training now...") == 1
    assert any(
        "a worker process of a training must not start the training again; call main() below" in x for x in lines
    )
    assert place.failure.startswith("a multiprocessing.Pool cannot start: 4 of its workers have ended before any gave")
    assert place.failure.count("\n") == 1


def test_a_run_file_is_guarded_and_starts_the_relay_first() -> None:
    assert (
        build_run_file("Demo__0")
        == """\
if __name__ == "__main__":
    from Demo__0.tg.common.delivery.sagemaker.runtime.relay import start_relay

    start_relay()

    from Demo__0.tg.common.delivery.sagemaker.runtime.entry_point import main

    main()
else:
    from Demo__0.tg.common.delivery.sagemaker.runtime.entry_point import prepare_process

    prepare_process()
"""
    )
