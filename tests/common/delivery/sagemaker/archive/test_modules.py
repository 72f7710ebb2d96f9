"""Unpickling: with the installed classes as far as there are such, else with those of the archived package."""

import gzip
import io
import json
import os
import pickle
import platform
import subprocess
import sys
import tarfile
import tempfile
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest

import tg.common.errors
from tg.common import ResultArchiveError
from tg.common.delivery.sagemaker.archive.modules import PackageProperties
from tg.common.delivery.sagemaker.archive.result_archive import ResultArchive, write_result_archive
from tg.common.ml.training_core import AbstractTrainingTask

TASK = """
class Task:
    def answer(self):
        return {answer!r}

    class Part:
        @staticmethod
        def name():
            return "part"
"""


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    """Other tests' modules of these names are put aside."""
    before = {name: sys.modules.pop(name) for name in _test_modules()}
    paths, finders = list(sys.path), list(sys.meta_path)
    yield
    assert sys.meta_path == finders
    assert sys.path == paths
    for name in _test_modules():
        del sys.modules[name]
    sys.modules.update(before)


def _test_modules() -> list[str]:
    return [name for name in sys.modules if name.startswith(("Titanic__", "local_"))]


def reference(module: str, name: str) -> bytes:
    """A pickle that refers to a name in a module."""
    parts = [b"\x80\x04"]
    for text in (module, name):
        parts.append(b"\x8c" + bytes([len(text.encode())]) + text.encode())
    return b"".join([*parts, b"\x93."])


def write_package(files: Mapping[str, str], version: str = "0") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in {f"Titanic__{version}/__init__.py": "", "PKG-INFO": "", **files}.items():
            info = tarfile.TarInfo(f"Titanic-{version}/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def make_archive(
    folder: Path, pickles: Mapping[str, bytes], package: bytes, version: str = "0", **properties: Any
) -> ResultArchive:
    folder.mkdir(parents=True)
    model = folder / "model"
    (model / "runs" / "0").mkdir(parents=True)
    for name, content in pickles.items():
        (model / "runs" / "0" / f"{name}.pkl").write_bytes(content)
    (model / "package.tag.gz").write_bytes(package)
    module = f"Titanic__{version}"
    content = {
        "name": "Titanic",
        "version": version,
        "module_name": module,
        "tg_import_path": f"{module}.tg",
        "original_tg_import_path": "tg",
        "resources_location": f"/usr/lib/python3/site-packages/{module}/resources",
        **properties,
    }
    (model / "package.json").write_text(json.dumps(content))
    write_result_archive(model, folder / "model.tar.gz")
    return ResultArchive(folder / "model.tar.gz")


NO_PACKAGE = b"no package, which is not needed"


def load(archive: ResultArchive) -> Any:
    return archive.unpickle("runs/0/it.pkl")


def test_our_modules_are_the_installed_ones(tmp_path: Path) -> None:
    pickles = {
        "error": reference("Titanic__0.tg.common.errors", "DatasetError"),
        "task": reference("Titanic__0.tg.common.ml.training_core.abstract_training_task", "AbstractTrainingTask"),
        "metrics": pickle.dumps({"roc_auc": 0.75, "module": "Titanic__0.tg.common"}),
    }
    archive = make_archive(tmp_path / "result", pickles, NO_PACKAGE)
    assert archive.unpickle("runs/0/error.pkl") is tg.common.errors.DatasetError
    assert archive.unpickle("runs/0/task.pkl") is AbstractTrainingTask
    assert archive.unpickle("runs/0/metrics.pkl") == {"roc_auc": 0.75, "module": "Titanic__0.tg.common"}
    assert "Titanic__0" not in sys.modules


def test_names_are_matched_by_whole_parts(tmp_path: Path) -> None:
    pickles = {
        "other": reference("Titanic__01.tg.common.errors", "DatasetError"),
        "tgx": reference("Titanic__0.tgx", "Task"),
    }
    package = write_package({"Titanic__0/tgx.py": TASK.format(answer="tgx")})
    archive = make_archive(tmp_path / "result", pickles, package)
    with pytest.raises(ResultArchiveError) as caught:
        archive.unpickle("runs/0/other.pkl")
    assert str(caught.value) == (
        f"'runs/0/other.pkl' of '{archive.path}' cannot be unpickled: "
        "ModuleNotFoundError: No module named 'Titanic__01'"
    )
    assert archive.unpickle("runs/0/tgx.pkl")().answer() == "tgx"


def test_a_project_module_that_is_here_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "local_tasks.py").write_text(TASK.format(answer="here"))
    archive = make_archive(
        tmp_path / "result",
        {"it": reference("Titanic__0.local_tasks", "Task.Part"), "task": reference("Titanic__0.local_tasks", "Task")},
        NO_PACKAGE,
    )
    assert load(archive).__module__ == "local_tasks"
    assert archive.unpickle("runs/0/task.pkl")().answer() == "here"
    monkeypatch.undo()


@pytest.mark.parametrize(
    "here", ["", "class Task:\n    Other = 1\n", "import local_not_installed\n", "raise ImportError"]
)
def test_without_the_name_here_the_archived_module_is_used(
    here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "local_tasks.py").write_text(here)
    package = write_package({"Titanic__0/local_tasks.py": TASK.format(answer="archived")})
    archive = make_archive(tmp_path / "result", {"it": reference("Titanic__0.local_tasks", "Task.Part")}, package)
    assert load(archive).__module__ == "Titanic__0.local_tasks"
    assert load(archive).name() == "part"
    monkeypatch.undo()


def load_inner(content: bytes) -> Any:
    return pickle.loads(content)


class Nesting:
    """Pickles a part of itself by its own means, as torch does."""

    def __reduce__(self) -> Any:
        return load_inner, (reference("Titanic__0.local_nested", "Task"),)


def test_a_pickle_within_a_pickle_finds_the_archived_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "local_nested.py").write_text(TASK.format(answer="here"))
    monkeypatch.syspath_prepend(tmp_path / "here")
    package = write_package({"Titanic__0/local_nested.py": TASK.format(answer="archived")})
    archive = make_archive(tmp_path / "archive", {"it": pickle.dumps(Nesting())}, package)
    assert load(archive)().answer() == "archived"


def test_our_classes_that_are_not_here_any_more_come_from_the_package(tmp_path: Path) -> None:
    package = write_package({"Titanic__0/tg/__init__.py": "", "Titanic__0/tg/gone.py": TASK.format(answer="old")})
    archive = make_archive(tmp_path / "result", {"it": reference("Titanic__0.tg.gone", "Task")}, package)
    assert load(archive)().answer() == "old"
    assert load(archive).__module__ == "Titanic__0.tg.gone"


def test_the_top_module_itself_is_the_archived_one(tmp_path: Path) -> None:
    package = write_package({"Titanic__0/__init__.py": "def build():\n    return 5\n"})
    assert load(make_archive(tmp_path / "result", {"it": reference("Titanic__0", "build")}, package))() == 5


def test_a_pickled_module_is_found_like_a_class(tmp_path: Path) -> None:
    importing = b"\x80\x03cimportlib\nimport_module\nX\x15\0\0\0Titanic__0.local_task\x85R."
    ours = b"\x80\x03cimportlib\nimport_module\nX\x1b\0\0\0Titanic__0.tg.common.errors\x85R."
    assert b"\x15\0\0\0" in importing
    package = write_package({"Titanic__0/local_task.py": TASK.format(answer="module")})
    archive = make_archive(tmp_path / "result", {"it": importing, "ours": ours}, package)
    assert load(archive).Task().answer() == "module"
    assert archive.unpickle("runs/0/ours.pkl") is tg.common.errors


def test_two_versions_are_loaded_side_by_side(tmp_path: Path) -> None:
    archives = [
        make_archive(
            tmp_path / version,
            {"it": reference(f"Titanic__{version}.local_tasks", "Task")},
            write_package({f"Titanic__{version}/local_tasks.py": TASK.format(answer=version)}, version),
            version,
        )
        for version in ("0", "1")
    ]
    tasks = [load(archive)() for archive in archives]
    assert [task.answer() for task in tasks] == ["0", "1"]
    assert [type(task).__module__ for task in tasks] == ["Titanic__0.local_tasks", "Titanic__1.local_tasks"]


USING = """
import Titanic__0.local_parts.second
from Titanic__0 import local_parts
from Titanic__0.local_parts import first as renamed
from .local_parts.second import VALUE

class Task:
    reference = "Titanic__0.local_parts.first:VALUE"

    def answer(self):
        return [renamed.VALUE, local_parts.second.VALUE, VALUE]

    def later(self):
        from Titanic__0 import local_late
        return local_late.VALUE
"""


def make_using(folder: Path, value: str) -> ResultArchive:
    package = write_package(
        {
            "Titanic__0/local_tasks.py": USING,
            "Titanic__0/local_parts/__init__.py": "",
            "Titanic__0/local_parts/first.py": f"VALUE = 'first {value}'",
            "Titanic__0/local_parts/second.py": f"VALUE = 'second {value}'",
            "Titanic__0/local_late.py": f"VALUE = 'Titanic__01 late {value}'",
            "Titanic__0/properties.json": '{"module_name": "Titanic__0"}',
        }
    )
    return make_archive(folder, {"it": reference("Titanic__0.local_tasks", "Task")}, package)


def test_packages_of_the_same_name_do_not_disturb_each_other(tmp_path: Path) -> None:
    with make_using(tmp_path / "a", "A") as a, make_using(tmp_path / "b", "B") as b:
        first, second = load(a)(), load(b)()
    before = sys.modules["Titanic__0"]
    # The archives are closed, and what has been loaded from them works, even what it imports only now.
    assert first.answer() == ["first A", "second A", "second A"]
    assert second.answer() == ["first B", "second B", "second B"]
    assert first.later() == "Titanic__01 late A"
    assert second.later() == "Titanic__01 late B"
    assert sys.modules["Titanic__0"] is before
    own = type(second).__module__.partition(".")[0]
    assert type(first).__module__ == "Titanic__0.local_tasks"
    assert own.startswith("Titanic__0_")
    assert len(own) == len("Titanic__0_") + 12
    assert second.reference == f"{own}.local_parts.first:VALUE"
    assert json.loads((Path(sys.modules[own].__path__[0]) / "properties.json").read_text()) == {"module_name": own}


def test_the_same_package_in_two_archives_gives_the_same_classes(tmp_path: Path) -> None:
    first, second = make_using(tmp_path / "a", "A"), make_using(tmp_path / "b", "B")
    classes = [load(make_using(tmp_path / name, name[0])) for name in ("A0", "B0", "A1", "B1")]
    assert classes[0] is classes[2] is load(first)
    assert classes[1] is classes[3] is load(second)
    assert classes[0] is not classes[1]


def test_an_installed_package_of_the_same_name_is_not_disturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "Titanic__0").mkdir()
    (tmp_path / "Titanic__0" / "__init__.py").touch()
    (tmp_path / "Titanic__0" / "local_tasks.py").write_text(TASK.format(answer="installed"))
    loaded = load(make_using(tmp_path / "result", "A"))()
    assert loaded.answer() == ["first A", "second A", "second A"]
    import Titanic__0.local_tasks  # type: ignore[import-not-found]

    assert Titanic__0.local_tasks.Task().answer() == "installed"
    assert type(loaded).__module__ != "Titanic__0.local_tasks"
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("package", "reason"),
    [
        (NO_PACKAGE, "the archive '.*/package.tag.gz' is damaged, or no such archive"),
        (
            write_package({"../../evil.py": ""}),
            "package.tag.gz' is refused: member 'Titanic-0/../../evil.py' has the path",
        ),
        (write_package({}, "1"), "the archived package does not hold the module 'Titanic__0'; it is damaged"),
        (write_package({}), "ModuleNotFoundError: No module named 'Titanic__0.local_tasks'"),
        (write_package({"Titanic__0/local_tasks.py": ""}), "AttributeError: Can't get attribute 'Task'"),
        (write_package({"Titanic__0/__init__.py": "1 / 0"}), "ZeroDivisionError: division by zero"),
        (write_package({"Titanic__0/local_tasks.py": "import local_absent"}), "No module named 'local_absent'"),
    ],
)
def test_a_package_that_does_not_help_is_told(package: bytes, reason: str, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "result", {"it": reference("Titanic__0.local_tasks", "Task")}, package)
    for _ in range(2):  # the second time is like the first
        with pytest.raises(ResultArchiveError, match=rf"'runs/0/it.pkl' of '.*' cannot be unpickled: .*{reason}"):
            load(archive)
    assert not (tmp_path / "evil.py").exists()


def test_a_failed_load_leaves_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    package = write_package({"Titanic__0/__init__.py": "raise LookupError('no')"})
    archive = make_archive(tmp_path / "result", {"it": reference("Titanic__0.local_tasks", "Task")}, package)
    with pytest.raises(ResultArchiveError, match="LookupError: no"):
        load(archive)
    assert _test_modules() == []
    assert list(tmp_path.glob("tg-package-*")) == []


def test_a_module_that_was_made_in_memory_is_not_disturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = types.ModuleType("Titanic__0")
    monkeypatch.setitem(sys.modules, "Titanic__0", made)
    assert load(make_using(tmp_path / "result", "A"))().answer() == ["first A", "second A", "second A"]
    assert sys.modules["Titanic__0"] is made


SCRIPT = """
import sys
from pathlib import Path
from tg.common.delivery.sagemaker.archive.result_archive import ResultArchive

archive = ResultArchive(Path(sys.argv[1]))
print(archive.unpickle("runs/0/it.pkl")().answer(), len(list(Path(sys.argv[2]).iterdir())))
"""


@pytest.mark.starts_process
def test_a_process_leaves_no_files(tmp_path: Path) -> None:
    path = make_using(tmp_path / "result", "A").path
    (tmp_path / "temporary").mkdir()
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, tmp_path / "temporary"],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "['first A', 'second A', 'second A'] 2\n"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_bomb_in_the_package_is_refused(tmp_path: Path) -> None:
    package = write_package({"Titanic__0/local_tasks.py": "#" * 3_000_000})
    folder = tmp_path / "result"
    path = make_archive(folder, {"it": reference("Titanic__0.local_tasks", "Task")}, package).path
    from tg.common.delivery.sagemaker.archive.result_archive import ArchiveLimits

    archive = ResultArchive(path, ArchiveLimits(size_bytes=1_000_000))
    with pytest.raises(ResultArchiveError, match=r"package\.tag\.gz' is refused: it has more than 1,000,000 bytes"):
        load(archive)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"module_name": "a/b"}, "it names the modules ['a/b', 'Titanic__0.tg']"),
        ({"module_name": ".."}, "it names the modules ['..', 'Titanic__0.tg']"),
        ({"tg_import_path": ""}, "it names the modules ['Titanic__0', '']"),
        ({"module_name": None}, "it names the modules [None, 'Titanic__0.tg']"),
    ],
)
def test_damaged_properties_are_told(properties: dict[str, Any], reason: str, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "result", {"it": pickle.dumps(1)}, NO_PACKAGE, **properties)
    with pytest.raises(ResultArchiveError) as caught:
        load(archive)
    assert str(caught.value) == f"package.json in '{archive.path}' is damaged: {reason}"


def test_properties_must_be_an_object() -> None:
    assert PackageProperties.parse('{"module_name": "A__0", "tg_import_path": "A__0.tg"}') == PackageProperties(
        "A__0", "A__0.tg"
    )
    with pytest.raises(ValueError, match="it holds no properties"):
        PackageProperties.parse("[]")
    with pytest.raises(ValueError, match="Expecting value"):
        PackageProperties.parse("")


def test_without_properties_or_member_nothing_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.pkl").write_bytes(pickle.dumps(1))
    write_result_archive(tmp_path / "model", tmp_path / "model.tar.gz")
    archive = ResultArchive(tmp_path / "model.tar.gz")
    with pytest.raises(ResultArchiveError, match=r"has no member 'package\.json'"):
        archive.unpickle("a.pkl")
    with pytest.raises(ResultArchiveError, match=r"has no member 'b\.pkl'; did you mean 'a\.pkl'"):
        archive.unpickle("b.pkl")


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([1] * 100)[:-5], gzip.compress(b"", mtime=0)])
def test_what_is_no_pickle_is_told(content: bytes, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "result", {"it": content}, NO_PACKAGE)
    with pytest.raises(ResultArchiveError, match=r"'runs/0/it.pkl' of '.*model.tar.gz' cannot be unpickled: \w+: "):
        load(archive)


@pytest.mark.parametrize(
    ("libraries", "python", "said"),
    [
        ({}, platform.python_version(), ""),
        ({"numpy": "1.0"}, platform.python_version(), f"numpy 1.0 (here {numpy.__version__})"),
        ({}, "3.1.0", f"Python 3.1.0 (here {platform.python_version()})"),
        (
            {"numpy": numpy.__version__, "pandas": "0.1", "tg-absent": "2"},
            "3.1.0",
            f"pandas 0.1 (here {pandas.__version__}), tg-absent 2 (not installed here) and "
            f"Python 3.1.0 (here {platform.python_version()})",
        ),
    ],
)
def test_versions_that_differ_are_named_where_a_pickle_cannot_be_loaded(
    tmp_path: Path, libraries: dict[str, str], python: str, said: str
) -> None:
    properties = {"library_versions": libraries, "python_version": python}
    archive = make_archive(tmp_path / "result", {"it": reference("numpy", "no_such_name")}, NO_PACKAGE, **properties)
    with pytest.raises(ResultArchiveError) as caught:
        load(archive)
    reason = "AttributeError: Can't get attribute 'no_such_name' on"
    assert str(caught.value).startswith(f"'runs/0/it.pkl' of '{archive.path}' cannot be unpickled: {reason}")
    assert str(caught.value).partition("; ")[2] == (said and f"it was made with {said}; use these versions")
