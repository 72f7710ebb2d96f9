import gc
import gzip
import importlib
import io
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import make_points
from tg.common import PackagingError
from tg.common.delivery.delivery import EntryPoint, Package, Packaging
from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
from tg.common.ml import single_frame_training as sft
from tg_mlflow.project.modules import project_modules

Make = Callable[..., Package]


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in [name for name in sys.modules if name.partition("__")[0] in ("Versions", "Other")]:
        del sys.modules[name]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(
        version: str, source: str, load: Callable[[Any], Any] = lambda module: module.X, name: str = "Versions"
    ) -> Package:
        project, out = tmp_path / "project", tmp_path / "out"
        project.mkdir(exist_ok=True)
        out.mkdir(exist_ok=True)
        (project / "lp_models.py").write_text(textwrap.dedent(source))
        with project_modules(project):
            packaging = Packaging(name, version, {"job": load(importlib.import_module("lp_models"))})
            packaging.project_folder, packaging.silent = project, True
            return packaging.make_package(out)

    return make


MODEL = """
    import lp_models as me
    from sklearn.linear_model import LogisticRegression

    VERSION = {version}

    class Forest(LogisticRegression):
        def predict_proba(self, X):
            import lp_models
            assert lp_models.VERSION == me.VERSION == VERSION
            return super().predict_proba(X) * VERSION
    """


def build_task(module: Any) -> Any:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(sft.ModelConstructor("lp_models:Forest")),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool(),
    )


def test_two_versions_live_side_by_side_and_give_different_results(make: Make, tmp_path: Path) -> None:
    make_points().to_parquet(tmp_path / "points.parquet")
    packages = [make("1", MODEL.format(version=1), build_task), make("2", MODEL.format(version=0.5), build_task)]
    tasks = [install_package_and_get_loader(package.path).load_resource("job") for package in packages]
    assert [type(task).__module__.partition(".")[0] for task in tasks] == ["Versions__1", "Versions__2"]
    # The project itself cannot be imported here, and was not.
    assert "lp_models" not in sys.modules
    results = [task.run(tmp_path / "points.parquet")["runs"][0]["result_df"]["predicted"] for task in tasks]
    again = tasks[0].run(tmp_path / "points.parquet")["runs"][0]["result_df"]["predicted"]
    assert results[0].max() > 0.5
    assert (results[1] == results[0] * 0.5).all()
    assert (again == results[0]).all()


def test_a_package_can_be_loaded_again(make: Make, tmp_path: Path) -> None:
    package = make("1", "class X: pass")
    first, second = (install_package_and_get_loader(package.path) for _ in range(2))
    copy = package.path.rename(tmp_path / "copy.tar.gz")
    third = install_package_and_get_loader(copy)
    assert first.load_resource("job") is second.load_resource("job") is third.load_resource("job")
    assert first.module_name == "Versions__1"
    assert first.tg_import_path == "Versions__1.tg"
    assert [path for path in sys.path if "Versions-1" in path] == [
        str(Path(first.properties["resources_location"]).parents[1])
    ]


def test_another_package_of_the_same_version_is_refused(make: Make) -> None:
    install_package_and_get_loader(make("1", "X = 1").path)
    with pytest.raises(PackagingError) as caught:
        install_package_and_get_loader(make("1", "X = 2").path)
    assert str(caught.value) == (
        "another package with the module 'Versions__1' is loaded in this process; give this one another version, or "
        "start a new process"
    )


def test_the_same_files_compressed_otherwise_are_the_same_package(make: Make, tmp_path: Path) -> None:
    package = make("1", "class X: pass")
    (tmp_path / "again.tar.gz").write_bytes(gzip.compress(gzip.decompress(package.path.read_bytes()), compresslevel=1))
    first = install_package_and_get_loader(package.path)
    assert install_package_and_get_loader(tmp_path / "again.tar.gz").load_resource("job") is first.load_resource("job")


def test_a_package_is_unpacked_once_into_a_folder(make: Make, tmp_path: Path) -> None:
    package = make("1", "X = 1")
    folder = tmp_path / "new" / "packages"
    entry_point = install_package_and_get_loader(package.path, folder)
    assert [path.name for path in folder.iterdir()] == [package.sha256]
    assert Path(entry_point.properties["resources_location"]) == (
        folder / package.sha256 / "Versions-1" / "Versions__1" / "resources"
    )
    # What is there is not written again.
    marker = folder / package.sha256 / "Versions-1" / "marker"
    marker.touch()
    assert install_package_and_get_loader(package.path, folder).load_resource("job") == 1
    assert marker.exists()
    install_package_and_get_loader(make("2", "X = 1").path, folder)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.starts_process
def test_a_process_leaves_no_folder_behind(make: Make, tmp_path: Path) -> None:
    package = make("1", "def X(value): return value + 1")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    script = f"""
import os
from pathlib import Path
from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
print(install_package_and_get_loader(Path({str(package.path)!r})).load_resource("job")(41))
print(len(os.listdir({str(temporary)!r})))
"""
    result = subprocess.run(
        [sys.executable, "-c", script], env={"TMPDIR": str(temporary)}, capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == ("42\n1\n", "")
    assert list(temporary.iterdir()) == []


def test_what_was_loaded_survives_a_clean_up_of_memory(make: Make) -> None:
    package = make("1", "def X():\n    import lp_models\n    return lp_models.X.__module__")
    job = install_package_and_get_loader(package.path).load_resource("job")
    gc.collect()
    assert job() == "Versions__1.lp_models"
    assert Path(sys.modules[job.__module__].__file__ or "").is_file()


def test_an_object_that_is_not_there_is_named(make: Make) -> None:
    entry_point = install_package_and_get_loader(make("1", "X = 1").path)
    for name in ("task", "../resources/job2"):
        with pytest.raises(PackagingError) as caught:
            entry_point.load_resource(name)
        assert str(caught.value) == f"the package 'Versions__1' holds no object '{name}'; it holds 'job'"


def test_a_module_that_is_no_package_is_named() -> None:
    for name in ("no_such_module", "json"):
        with pytest.raises(PackagingError, match=f"^'{name}' is not an installed package: "):
            EntryPoint(name)


def write_tar(path: Path, members: "dict[str, bytes | tarfile.TarInfo]") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            data = b"" if isinstance(content, tarfile.TarInfo) else content
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


PROPERTIES = {"x-0/x__0/properties.json": b"{}"}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "its members are not all in one folder"),
        ({"x-0/setup.py": b""}, "it has no module with a properties.json"),
        ({"x-0/x__0/y/properties.json": b""}, "it has no module with a properties.json"),
        ({**PROPERTIES, "x-0/y__0/properties.json": b""}, "it has no module with a properties.json"),
        ({"x-0/x-0/properties.json": b""}, "it has no module with a properties.json"),
        ({**PROPERTIES, "y-0/x.py": b""}, "its members are not all in one folder"),
        ({**PROPERTIES, "../out.py": b""}, "its members are not all in one folder"),
        (
            {**PROPERTIES, "x-0/../../out.py": b""},
            "'x-0/../../out.py' is not a file or folder below the one it is extracted into",
        ),
        ({**PROPERTIES, "/tmp/out.py": b""}, "its members are not all in one folder"),
        ({**PROPERTIES, "x": link("x-0/x", "/etc")}, "its member 'x-0/x' is not a file"),
    ],
)
def test_what_is_no_package_is_refused(tmp_path: Path, members: "dict[str, Any]", reason: str) -> None:
    path = write_tar(tmp_path / "x-0.tar.gz", members)
    with pytest.raises(PackagingError) as caught:
        install_package_and_get_loader(path, tmp_path / "folder")
    assert str(caught.value).startswith(f"'{path}' is not a package: {reason}")
    assert str(caught.value).endswith("; build it with Packaging")
    assert list((tmp_path / "folder").iterdir()) == []
    assert not (tmp_path / "out.py").exists()


def test_what_is_no_archive_is_refused(make: Make, tmp_path: Path) -> None:
    package = make("1", "X = 1")
    whole = package.path.read_bytes()
    damaged = whole[: len(whole) // 2] + bytes(100) + whole[len(whole) // 2 + 100 :]
    for content in (b"", b"text", whole[:1000], damaged):
        package.path.write_bytes(content)
        with pytest.raises(PackagingError, match=r"^'/.*' is not a package: .*; build it with Packaging$"):
            install_package_and_get_loader(package.path, tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []
    with pytest.raises(PackagingError, match=r"^package '/.*/missing' cannot be read: No such file or directory$"):
        install_package_and_get_loader(tmp_path / "missing")
