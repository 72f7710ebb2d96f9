"""What is read of packages that were made of projects that differ a little."""

import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.package.package_file import build_package_file
from tg.common.delivery.delivery.package.project_archive import build_project_archive
from tg_mlflow.comparison.package_record import PackageRecord, read_package


def package(folder: Path, version: str, payload: Any, files: "dict[str, str] | None" = None) -> PackageRecord:
    """Packages a project of these files."""
    project, out = folder / version, folder / f"{version}-out"
    for each in (project, out):
        each.mkdir()
    for name, text in (files or {}).items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    packaging = Packaging("Task", version, {"job": payload})
    packaging.silent = True
    packaging.project_folder = project
    packaging.data_files = [name for name in files or {} if not name.endswith(".py")]
    return read_package(packaging.make_package(out).path)


def pack(folder: Path, **files: bytes) -> PackageRecord:
    """Reads a package with these files in its module and no others."""
    named = {f"Task__1/{name}": content for name, content in {"properties.json": b"{}", **files}.items()}
    path = folder / "Task-1.tar.gz"
    path.write_bytes(build_package_file(named, "Task-1"))
    return read_package(path)


def test_the_same_project_reads_the_same_in_packages_of_other_versions(tmp_path: Path) -> None:
    files = {"tasks.py": "import lib.a\nfrom lib import a\nfrom tg.common import loc\n", "lib/a.py": "A = 'é'\n"}
    files |= {"lib/__init__.py": "", "words.txt": "one\r\ntwo"}
    first, second = (package(tmp_path, version, {"seed": 7}, files) for version in ("1a", "2b"))
    assert (first.root, second.root) == ("Task__1a", "Task__2b")
    assert {name: file.text for name, file in first.sources.items()} == files
    assert (first.sources, first.objects, first.shipped) == (second.sources, second.objects, second.shipped)
    assert list(first.objects) == ["resources/job.pkl"]
    assert len(first.shipped) > 50
    assert first.properties["python_version"] == sys.version.split()[0]


def test_another_attribute_of_a_task_is_another_pickle(tmp_path: Path) -> None:
    first, second = (package(tmp_path, f"{seed}", {"seed": seed}) for seed in (7, 8))
    assert first.objects != second.objects


@pytest.mark.starts_process
def test_a_class_of_a_notebook_and_a_set_are_the_same_in_another_process(tmp_path: Path) -> None:
    script = (
        "import cloudpickle, sys\n"
        "class Notebook:\n"
        "    def f(self): return {}\n"
        "value = Notebook(); value.names = set('abcdefgh')\n"
        "sys.stdout.buffer.write(cloudpickle.dumps(value, protocol=3))"
    )
    dumps = [
        subprocess.run([sys.executable, "-c", script.format(value)], capture_output=True, check=True).stdout
        for value in (1, 1, 2)
    ]
    read = [pack(tmp_path, **{"resources/job.pkl": dump}).objects for dump in dumps]
    assert dumps[0] != dumps[1]
    assert read[0] == read[1] != read[2]


def test_pickles_with_names_that_are_not_ascii_are_compared_by_their_bytes(tmp_path: Path) -> None:
    pickles = [f"cTask__1.modül\nTask{number}\n.".encode() for number in (1, 2)]
    first, second = (pack(tmp_path, **{"resources/job.pkl": each}) for each in pickles)
    assert first.objects != second.objects


def test_the_project_of_a_script_is_read_as_it_is(tmp_path: Path) -> None:
    project = tmp_path / "wine"
    project.mkdir()
    (project / "train.py").write_text("import Task__1.helpers\n", encoding="utf-8")
    (project / "data.bin").write_bytes(b"\0\1")
    (project / "large.csv").write_text("1\n" * 300_000, encoding="utf-8")
    (project / "latest.csv").symlink_to("large.csv")
    files = {PurePosixPath(path.name): path for path in project.iterdir()}
    read = pack(tmp_path, **{"resources/project.tar": build_project_archive(project, files)})
    assert {name: (file.size_bytes, file.text) for name, file in read.sources.items()} == {
        "train.py": (23, "import Task__1.helpers\n"),
        "data.bin": (2, None),
        "large.csv": (600_000, None),
        "latest.csv": (18, "link to large.csv\n"),
    }
