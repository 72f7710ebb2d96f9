"""What is checked of this machine."""

import importlib.metadata
from pathlib import Path
from typing import NamedTuple

import pytest

from tg_mlflow.diagnosis import Finding, examine, list_machine_checks
from tg_mlflow.diagnosis.machine_checks import find_libraries


class Usage(NamedTuple):
    free: int


def look() -> dict[str, Finding]:
    return {each.name: each.finding for each in examine("this machine", list_machine_checks())}


@pytest.mark.parametrize(
    ("free", "finding"),
    [
        (50 * 10**9, Finding.ok("50.0 GB free for {}")),
        (10**9, Finding.warning("1.0 GB free for {}", "free space there, or set TG_JOBS_PATH to another folder")),
        (10**8, Finding.problem("0.1 GB free for {}", "free space there, or set TG_JOBS_PATH to another folder")),
    ],
)
def test_disks(jobs: Path, monkeypatch: pytest.MonkeyPatch, free: int, finding: Finding) -> None:
    looked: list[Path] = []

    def measure(path: Path) -> Usage:
        looked.append(path)
        return Usage(free)

    monkeypatch.setattr("shutil.disk_usage", measure)
    found = look()
    assert (found["jobs"].outcome, found["jobs"].found) == (finding.outcome, finding.found.format(jobs))
    assert found["jobs"].remedy == finding.remedy
    assert looked[0] == jobs.parent  # the folder of jobs is not made
    assert found["temporary files"].remedy == (finding.remedy and "free space there, or set TMPDIR to another folder")


def test_a_folder_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TG_JOBS_PATH", str(tmp_path / "file" / "jobs"))
    assert look()["jobs"] == Finding.problem(
        f"nothing can be written to '{tmp_path}/file/jobs'", "set TG_JOBS_PATH to another folder"
    )


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("TG_JOBS_PATH")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", find_home)
    assert look()["jobs"] == Finding.problem(
        "jobs cannot be kept: there is no home folder", "set TG_JOBS_PATH to a folder"
    )


def test_libraries_that_are_too_old_or_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"tg-mlflow": "0.1.0", "mlflow": "2.9.2", "pandas": "2.3.0", "optuna": "1.0"}

    def find(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    needed = ["mlflow>=3.1", "pandas>=2.2", "tqdm>=4.66", 'optuna>=4.0; extra == "optuna"']
    monkeypatch.setattr("importlib.metadata.version", find)
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needed)
    monkeypatch.setattr("sys.executable", "/env/bin/python")
    assert find_libraries() == Finding.problem(
        "tg-mlflow 0.1.0 needs mlflow>=3.1 (installed: 2.9.2), tqdm>=4.66 (installed: none)",
        "/env/bin/python -m pip install 'mlflow>=3.1' 'tqdm>=4.66'",
    )
    versions |= {"mlflow": "3.4.0rc1", "tqdm": "4.66"}
    assert find_libraries() == Finding.ok("tg-mlflow 0.1.0, MLflow 3.4.0rc1")
    assert find_libraries("nothing").found == "nothing is not installed, and its places cannot be found"
