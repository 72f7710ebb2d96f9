"""The program that starts a package in a ready-made image, run as there: by its path, beside the package."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.worker_tasks import Working
from tests.support import make_points
from tg.common.delivery.delivery import DependencyList, Packaging
from tg.common.delivery.delivery.package.package_check import FAILURE_PREFIX
from tg.common.delivery.sagemaker import MetricLineParser, SagemakerJob, SagemakerOptions
from tg.common.delivery.sagemaker.contract.ml_folder import CHANNEL, LONGEST_FAILURE, MlFolder
from tg.common.delivery.sagemaker.contract.variables import EXIT_FAILED, EXIT_TERMINATED, ML_FOLDER_VARIABLE
from tg.common.delivery.sagemaker.job_files.job_folder import JobFolder
from tg.common.delivery.sagemaker.machine.job_layout import lay_out_ml_folder
from tg.common.delivery.sagemaker.runtime import channel_start
from tg.common.delivery.sagemaker.runtime.channel_start import find_missing
from tg.common.ml import single_frame_training as sft
from tg.common.ml.training_core import AbstractTrainingTask

pytestmark = pytest.mark.starts_process

Run = Callable[..., "subprocess.CompletedProcess[str]"]


OPTIONS = SagemakerOptions(role=None, bucket=None, project_name="points", datasets_folder="datasets")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Packages a training with requirements and runs it."""
    points_task = sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(sft.ModelConstructor("sklearn.linear_model:LogisticRegression")),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(1),
        metrics_pool=sft.MetricPool(),
    )
    make_points().to_parquet(tmp_path / "points.parquet")
    lay_out_ml_folder(JobFolder(tmp_path), {CHANNEL: tmp_path / "points.parquet"}, OPTIONS)

    def run(
        requirements: list[str] | None, task: AbstractTrainingTask = points_task
    ) -> "subprocess.CompletedProcess[str]":
        packaging = Packaging("Points", "0", {"job": SagemakerJob(task)})
        packaging.silent = True
        if requirements is not None:
            packaging.dependencies = [DependencyList("given", requirements)]
        code = tmp_path / "ml" / "input" / "data" / "code"
        code.mkdir()
        packaging.make_package(code)
        shutil.copyfile(channel_start.__file__, code / "start.py")
        code.chmod(0o555)
        return subprocess.run(
            [sys.executable, "-u", str(code / "start.py")],
            env={
                **os.environ,
                "TMPDIR": str(tmp_path),
                "TG_ML_FOLDER": str(tmp_path / "ml"),
                "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_package_is_run_from_its_channel(run: Run, tmp_path: Path) -> None:
    result = run(None)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Installing" not in result.stdout
    assert "Job has exited successfully" in result.stdout
    model = tmp_path / "ml" / "model"
    assert (model / "completed.json").is_file()
    package = tmp_path / "ml" / "input" / "data" / "code" / "Points-0.tar.gz"
    assert (model / "package.tag.gz").read_bytes() == package.read_bytes()


def test_workers_of_a_package_from_a_channel_work(run: Run) -> None:
    result = run(None, Working(["spawn"]))
    assert result.returncode == 0, result.stdout + result.stderr
    points = MetricLineParser().feed(result.stdout.encode(), 0)
    values = {point.name: point.value for point in points}
    assert (values["spawn pool"], values["spawn executor"], values["loky"]) == (285, 285, 285)
    assert result.stdout.count("Starting training now...") == 1


def test_what_is_missing_and_cannot_be_installed_is_told(run: Run, tmp_path: Path) -> None:
    result = run(["pandas", "tg-test-no-such-library==1.0"])
    assert result.returncode == 1
    failure = (tmp_path / "ml" / "output" / "failure").read_text()
    assert failure.startswith("the image lacks tg-test-no-such-library==1.0, and they cannot be installed (ERROR: ")
    assert failure.endswith("; take an image that has them, or let the job reach a package index\n")
    assert failure.count("\n") == 1


def test_only_what_is_not_there_at_all_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    requirements = ["pandas", "numpy==0.1", "scikit_learn>=1", "no-such-library[extra]>=2; python_version > '3'", "./x"]
    assert find_missing(requirements) == ["no-such-library[extra]>=2; python_version > '3'", "./x"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(", and the package asks for numpy==0.1; the image's is used")


def test_what_is_for_another_system_is_not_missing() -> None:
    requirements = [
        "no-such-library; python_version < '3'",
        "no-such-library==1.0+cpu ; sys_platform == 'no-such-system'",
        "another ; python_version > '3' and sys_platform == 'no-such-system'",
        "wanted @ https://index.example/wanted.whl ; python_version > '3'",
        "odd ; no such marker",
    ]
    assert find_missing(requirements) == requirements[3:]


def test_builds_and_extras_of_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = {"torch": "2.13.0+cu126", "xgboost": "3.2.0", "uvicorn": "0.30"}

    def version(name: str) -> str:
        if name not in versions:
            raise channel_start.importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(channel_start.importlib.metadata, "version", version)
    requirements = ["torch==2.13.0+cpu", "xgboost==3.2.0", "uvicorn[standard]>=0.2", "torchvision==0.28+cpu"]
    assert find_missing(requirements) == ["uvicorn[standard]==0.30", "torchvision==0.28+cpu"]
    assert capsys.readouterr().out == (
        "The image has torch 2.13.0+cu126, and the package asks for torch==2.13.0+cpu; the image's is used\n"
    )


def shipped() -> Path:
    return Path(channel_start.__file__).parents[4]


@pytest.mark.parametrize(
    ("is_set", "is_there", "commands"),
    [
        (
            False,
            False,
            [
                "--no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu",
                "torch==2.13.0+cpu ours==1.2 yaml",
            ],
        ),
        (
            True,
            False,
            [
                "--no-deps torch==2.13.0+cpu",
                "--no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu",
                "torch==2.13.0+cpu ours==1.2+company.3 yaml",
            ],
        ),
        (True, True, ["--no-deps torch==2.13.0+cpu", "torch==2.13.0+cpu ours==1.2+company.3 yaml"]),
    ],
)
def test_builds_come_from_the_index_that_has_them(
    is_set: bool, is_there: bool, commands: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def pip_install(arguments: list[str]) -> str | None:
        asked.append(" ".join(arguments))
        return None if is_there or arguments[:2] != ["--no-deps", "torch==2.13.0+cpu"] else "ERROR: no such build"

    monkeypatch.setattr(channel_start, "has_own_index", lambda: is_set)
    monkeypatch.setattr(channel_start, "pip_install", pip_install)
    (tmp_path / "tg").symlink_to(shipped())
    channel_start.install(["torch==2.13.0+cpu", "ours==1.2+company.3", "yaml"], tmp_path)
    assert asked == commands


def test_a_build_that_no_index_is_known_to_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_start, "has_own_index", lambda: False)
    monkeypatch.setenv("TG_ML_FOLDER", str(tmp_path))
    (tmp_path / "tg").symlink_to(shipped())
    with pytest.raises(SystemExit):
        channel_start.install(["torch==2.6.0+rocm6.2"], tmp_path)
    assert (tmp_path / "output" / "failure").read_text() == (
        "no index is known that has 'torch==2.6.0+rocm6.2'; take an image that has it, or name an index that has it in "
        "the image's PIP_EXTRA_INDEX_URL\n"
    )


def test_a_folder_without_a_package(tmp_path: Path) -> None:
    shutil.copyfile(channel_start.__file__, tmp_path / "start.py")
    variables = {**os.environ, "TG_ML_FOLDER": str(tmp_path / "ml")}
    result = subprocess.run([sys.executable, str(tmp_path / "start.py")], env=variables, capture_output=True, text=True)
    assert result.returncode == 1
    assert (tmp_path / "ml" / "output" / "failure").read_text() == f"there is not one package in {tmp_path}, but []\n"


def test_the_program_uses_the_standard_library_only() -> None:
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"exec(open({channel_start.__file__!r}).read(), {{'__name__': 'start'}})"],
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_sigterm_ends_an_installation() -> None:
    script = f"import os, runpy, signal\nm = runpy.run_path({channel_start.__file__!r})\n"
    script += "signal.signal(signal.SIGTERM, m['_terminate'])\nos.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 128 + signal.SIGTERM


def test_it_says_the_contract_once_more_since_it_cannot_import_it() -> None:
    assert (
        channel_start._ML_FOLDER_VARIABLE,
        channel_start._ML_FOLDER,
        channel_start._LONGEST_FAILURE,
        channel_start._FAILURE_PREFIX,
        channel_start._EXIT_FAILED,
        channel_start._EXIT_TERMINATED,
    ) == ("TG_ML_FOLDER", "/opt/ml", 1024, "Job has failed: ", 1, 143)
    assert (ML_FOLDER_VARIABLE, MlFolder().root.as_posix(), LONGEST_FAILURE) == ("TG_ML_FOLDER", "/opt/ml", 1024)
    assert (FAILURE_PREFIX, EXIT_FAILED, EXIT_TERMINATED) == ("Job has failed: ", 1, 143)
