"""The run file of an image, which lies beside the package's folder."""

import os
import runpy
import sys
from pathlib import Path

import pytest

from tg.common.delivery.delivery.package.run_file import build_run_file

FOLDER = "Lying_Beside-0"
MODULE = "Lying_Beside__0"
PREPARE = "def prepare_process():\n    pass\n"


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run file for a package that only lets itself be imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == MODULE]:
        monkeypatch.delitem(sys.modules, name)
    folder = tmp_path / FOLDER / MODULE
    for part in ("tg", "common", "delivery", "sagemaker", "runtime"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
        folder /= part
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "entry_point.py").write_text(PREPARE)
    path = tmp_path / "train.py"
    path.write_text(build_run_file(MODULE, FOLDER))
    return path


@pytest.mark.parametrize("given", ["/lib", f"/lib{os.pathsep}/other", "", None])
def test_the_package_is_found_whatever_python_path_a_job_has(
    run_file: Path, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    package = str(run_file.with_name(FOLDER))
    monkeypatch.setattr(sys, "path", [str(run_file.parent), "/lib", *sys.path])
    monkeypatch.setenv("PYTHONPATH", given or "")
    if given is None:
        monkeypatch.delenv("PYTHONPATH")
    runpy.run_path(str(run_file))
    assert sys.path[:3] == [package, str(run_file.parent), "/lib"]
    # what a training starts finds the package, too
    assert os.environ["PYTHONPATH"] == (f"{package}{os.pathsep}{given}" if given else package)


def test_the_python_path_of_an_image_stays(run_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = str(run_file.with_name(FOLDER))
    monkeypatch.setattr(sys, "path", [str(run_file.parent), package, "/lib", *sys.path])
    monkeypatch.setenv("PYTHONPATH", f"{package}{os.pathsep}/lib")
    before = list(sys.path)
    runpy.run_path(str(run_file))
    assert (sys.path, os.environ["PYTHONPATH"]) == (before, f"{package}{os.pathsep}/lib")
