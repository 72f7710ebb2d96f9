"""The distribution as users install it: its metadata, and a training by the installed wheel."""

import email
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.starts_process


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


def test_an_index_takes_both(distributions: Path) -> None:
    files = sorted(map(str, distributions.iterdir()))
    assert [Path(file).name for file in files] == ["tg_mlflow-0.1.0-py3-none-any.whl", "tg_mlflow-0.1.0.tar.gz"]
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout.count("PASSED")) == (0, 2), checked.stdout


def test_the_wheel_has_both_trees_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.partition("/")[0] for name in names} == {"tg", "tg_mlflow", "tg_mlflow-0.1.0.dist-info"}
    assert {"tg/py.typed", "tg_mlflow/py.typed", "tg_mlflow/cli/main.py"} <= names
    assert not [name for name in names if "__pycache__" in name or "test_" in name]


def test_the_source_distribution_can_be_tested(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert {"src", "mlflow_plugins", "tests", "examples", "Makefile", "CHANGELOG.md", "LICENSE", "README.md"} <= tops


def test_the_metadata_names_version_extras_and_oldest_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = email.message_from_bytes(archive.read("tg_mlflow-0.1.0.dist-info/METADATA"))
        entry_points = archive.read("tg_mlflow-0.1.0.dist-info/entry_points.txt").decode()
    assert metadata["Version"] == "0.1.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert set(metadata.get_all("Provides-Extra")) == {"dask", "dev", "docs", "learners", "optuna", "ssh"}
    assert "tg-process = tg_mlflow.backend.project_backend:ProcessBackend" in entry_points


def test_the_changelog_has_the_version() -> None:
    assert "## 0.1.0" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_new_environment_trains_with_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    """Dependencies come from this environment, below the wheel; they take a minute to install."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "below.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    project = tmp_path / "irises"
    project.mkdir()
    rows = "\n".join(f"{number},{number % 7},{int(number > 20)}" for number in range(40))
    (project / "points.csv").write_text(f"x,y,label\n{rows}\n", encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")}
    variables |= {"TG_JOBS_PATH": str(tmp_path / "jobs"), "MLFLOW_DISABLE_TELEMETRY": "true"}

    def run(*words: str) -> str:
        command = [str(environment / "bin" / "python"), "-c", "from tg_mlflow.cli.main import main; main()", *words]
        ended = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    where = subprocess.run(
        [str(environment / "bin" / "python"), "-c", "import tg.common, tg_mlflow; print(tg_mlflow.__file__)"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(site / "tg_mlflow" / "__init__.py")
    assert "Now: mlflow run . --backend tg-process" in run("init")
    assert ") FINISHED\n" in run("run")
