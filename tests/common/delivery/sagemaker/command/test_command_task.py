"""A command as a training, in this process and as the job's child."""

import json
import os
import pickle
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.processes import is_alive, wait_for
from tg.common import HyperparameterError, TaskDefinitionError
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.project_archive import build_project_archive
from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.delivery.sagemaker.command import PROJECT_FOLDER, CommandTask
from tg.common.delivery.sagemaker.contract.ml_folder import MlFolder
from tg.common.delivery.sagemaker.runtime.task_description import describe_task
from tg.common.errors import CommandFailedError
from tg.common.secrets import SecretMask

needs_process = pytest.mark.starts_process


class Job:
    """A job in a folder, whose project has the given files."""

    def __init__(self, folder: Path) -> None:
        self.ml = MlFolder(folder / "ml")
        self.project = folder / "project"
        self.project.mkdir()
        self._folder = folder

    def run(self, command: list[str] | str, hyperparameters: dict[str, str] | None = None, **attributes: Any) -> None:
        task = CommandTask(command, {"alpha": "1"})
        vars(task).update(attributes)
        self.ml.config.mkdir(parents=True, exist_ok=True)
        (self.ml.config / "hyperparameters.json").write_text(json.dumps(hyperparameters or {}))
        job = SagemakerJob(task)
        packaging = Packaging("script", "0", {"job": job})
        packaging.core, packaging.silent = (), True
        files = {
            PurePosixPath(each.relative_to(self.project)): each for each in self.project.rglob("*") if each.is_file()
        }
        packaging.project = build_project_archive(self.project, files)
        package = packaging.make_package(self._folder)
        job.run(self.ml, package.properties, package.path.read_bytes(), package.rename)

    def made(self, name: str) -> str:
        return (self.ml.model / name).read_text()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


WRITE = "import json, os, sys; json.dump({}, open(os.environ['SM_MODEL_DIR'] + '/said.json', 'w'))"


@needs_process
def test_a_program_runs_in_a_writable_copy_with_the_variables_of_scripts(job: Job) -> None:
    (job.project / "lib").mkdir()
    (job.project / "lib" / "words.txt").write_text("found")
    (job.project / "run.py").write_text(
        WRITE.format(
            "[os.getcwd(), sys.argv[1:], open('lib/words.txt').read(), os.environ['PYTHONUNBUFFERED'],"
            " os.environ['SM_HPS'], sys.executable]"
        )
        + "\nopen('lib/words.txt', 'w').write('changed')\n"
        + "open(os.environ['SM_OUTPUT_DATA_DIR'] + '/report.txt', 'w').write('fine')\n"
    )
    job.run(["python", "run.py", f"{PROJECT_FOLDER}/lib"], {"x": "3", "long-name": "two words"})
    folder, words, text, unbuffered, hps, python = json.loads(job.made("said.json"))
    assert words == [f"{folder}/lib", "-x", "3", "--long-name", "two words"]
    assert (text, unbuffered) == ("found", "1")
    assert json.loads(hps) == {"alpha": 1, "x": 3, "long-name": "two words"}
    assert Path(python).parent == Path(sys.executable).parent
    assert (job.project / "lib" / "words.txt").read_text() == "found"  # the project is not touched
    assert not Path(folder).exists()
    assert job.made("tg_output/data/report.txt") == "fine"
    names = [each["name"] for each in json.loads(job.made("completed.json"))["members"]]
    assert {"said.json", "tg_output/data/report.txt", "task.json"} <= set(names)


@needs_process
@pytest.mark.parametrize("command", ["printf loss=0.125", "printf loss=0.125; exit 3"])
def test_what_is_said_after_a_command_is_no_part_of_its_last_line(
    job: Job, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    with suppress(CommandFailedError):
        job.run(command)
    assert "\nloss=0.125\n" in capfd.readouterr().out


@needs_process
@pytest.mark.parametrize(
    ("command", "hyperparameters", "text"),
    [
        ("echo one | tr a-z A-Z > $SM_MODEL_DIR/out", {}, "ONE\n"),
        ("printf a > $SM_MODEL_DIR/out\nprintf b >> $SM_MODEL_DIR/out", {}, "ab"),
        ("cd / && printf '%s ' > $SM_MODEL_DIR/out", {"x": "a b"}, "-x a b "),
    ],
)
def test_a_shell_runs_a_script(job: Job, command: str, hyperparameters: dict[str, str], text: str) -> None:
    job.run(command, hyperparameters)
    assert job.made("out") == text


@needs_process
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ["python", "-c", "raise SystemExit(7)"],
            7,
            "the command (python) ended with exit code 7; its output says why",
        ),
        ("exit 3", 3, "the command (bash) ended with exit code 3; its output says why"),
        (["no-such-program"], 127, "the program 'no-such-program' is not to be found where the training runs"),
        (["python", "-c", "import os; os.kill(os.getpid(), 9)"], 137, "the command (python): it was killed by SIGKILL"),
        (["./plain.txt"], 126, "the program './plain.txt' cannot be started: Permission denied"),
    ],
)
def test_a_command_that_fails(job: Job, command: list[str] | str, code: int, message: str) -> None:
    (job.project / "plain.txt").write_text("")
    with pytest.raises(CommandFailedError) as caught:
        job.run(command)
    assert (caught.value.exit_code, str(caught.value).startswith(message)) == (code, True)
    assert not (job.ml.model / "completed.json").exists()


@needs_process
def test_what_is_left_in_the_copy_is_named(job: Job, capfd: pytest.CaptureFixture[str]) -> None:
    (job.project / "data.txt").write_text("before")
    job.run("echo x > new.txt; echo y > data.txt; mkdir __pycache__; touch __pycache__/a.pyc")
    assert "has written 2 files to its folder, which is not kept: data.txt, new.txt; write" in capfd.readouterr().out


@needs_process
def test_python_is_found_where_only_python3_is(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(programs / "python3"))
    job.run(["python", "-c", WRITE.format("sys.version_info[:2]")])
    assert json.loads(job.made("said.json")) == list(sys.version_info[:2])


ENDING = """
import os, pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def end(number, frame):
    pathlib.Path("{folder}/ended").write_text(str(number))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
pathlib.Path("{folder}/pids.new").write_text(f"{{os.getpid()}} {{child.pid}}")
os.rename("{folder}/pids.new", "{folder}/pids")
time.sleep(600)
"""

RUNNER = """
import os, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from tg.common.delivery.sagemaker.command.child_program import run_program
class Stop(BaseException): pass
def stop(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stop
signal.signal(signal.SIGTERM, stop)
try:
    run_program([sys.executable, "-c", {script!r}], Path({folder!r}), dict(os.environ), {own})
except (Stop, KeyboardInterrupt) as error:
    print(type(error).__name__)
"""


@needs_process
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "Stop"), (signal.SIGINT, "KeyboardInterrupt")])
def test_a_signal_reaches_the_program_and_what_it_has_started(
    tmp_path: Path, own: bool, number: signal.Signals, name: str
) -> None:
    script = ENDING.format(folder=tmp_path)
    text = RUNNER.format(path=sys.path, script=script, folder=str(tmp_path), own=own)
    runner = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for((tmp_path / "pids").exists)
        pids = [int(each) for each in (tmp_path / "pids").read_text().split()]
        os.kill(runner.pid, number)
        assert runner.communicate(timeout=60)[0] == f"{name}\n"
        assert (tmp_path / "ended").read_text() == str(int(number))
        wait_for(lambda: not any(map(is_alive, pids)))
    finally:
        runner.kill()


def test_options_are_checked() -> None:
    task = CommandTask(["program"])
    for name in ("", "-x", "a b"):
        with pytest.raises(HyperparameterError, match="cannot be an option of a command"):
            task.apply_hyperparams({name: "1"})
    for command in ("", [], ["program", 1]):
        with pytest.raises(TaskDefinitionError, match="give a text, or a program and its arguments"):
            CommandTask(command)  # type: ignore[arg-type]


def test_a_command_does_not_run_in_memory() -> None:
    with pytest.raises(TaskDefinitionError, match="a command runs in a job, not in memory"):
        CommandTask(["program"]).run()


def test_local_files_do_not_travel_with_the_task_itself(tmp_path: Path) -> None:
    task = CommandTask(["program"])
    task.files["a"] = tmp_path
    assert pickle.loads(pickle.dumps(task)).files == {}
    assert task.files == {"a": tmp_path}


def test_the_description_has_no_secrets() -> None:
    task = CommandTask(["program", "hunter22"], {"password": "hunter22", "alpha": "1"})
    task.info["autonamed"] = {"settings": {"password": "another22", "size": 2}, "names": [{"token": "third333"}]}
    described: dict[str, Any] = json.loads(describe_task(task, SecretMask.of_variables({"password": "hunter22"})))
    assert described == {
        "command": ["program", "***"],
        "parameters": {"password": "***", "alpha": "1"},
        "hyperparameters": {},
        "info": {"autonamed": {"settings": {"password": "***", "size": 2}, "names": [{"token": "***"}]}},
    }


@needs_process
def test_what_the_project_declares_reaches_the_command(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", "by the job")
    monkeypatch.delenv("DECLARED", raising=False)
    (job.project / "src").mkdir()
    (job.project / "src" / "tool.py").write_text("VALUE = 7")
    (job.project / "run.py").write_text(
        "import tool\n" + WRITE.format("[tool.VALUE, os.environ['GIVEN'], os.environ['DECLARED']]")
    )
    job.run(
        ["python", "run.py"],
        source_folders=["src"],
        variables={"GIVEN": "by the project", "DECLARED": "by the project"},
    )
    assert json.loads(job.made("said.json")) == [7, "by the job", "by the project"]
