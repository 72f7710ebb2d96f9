import hashlib
import importlib
import importlib.metadata
import json
import os
import pickletools
import platform
import re
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tg
from tests.support import make_points
from tg.common import PackagingError
from tg.common.delivery.delivery import DependencyList, Package, Packaging
from tg.common.delivery.sagemaker import SagemakerJob
from tg.common.ml import single_frame_training as sft
from tg.common.system.tar_extraction import extract_files
from tg_mlflow.project.modules import project_modules

CORE = ["jsonpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy"]

MODELS = """
    import enum
    import functools
    from dataclasses import dataclass, field

    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    import my_steps
    from tg.common.ml import single_frame_training as sft
    from tg.common.ml.training_core import AbstractTrainingTask


    class Mood(enum.Enum):
        GOOD = "good"
        BAD = "bad"


    @dataclass
    class Settings:
        mood: Mood = Mood.GOOD
        names: list[str] = field(default_factory=lambda: ["a"])


    class Outer:
        class Inner:
            value = 7


    class Forest(LogisticRegression):
        def predict_proba(self, X):
            import my_steps as late
            return late.keep(super().predict_proba(X))


    def build_pipeline(C):
        return make_pipeline(FunctionTransformer(my_steps.keep), LogisticRegression(C=C))


    class Task(AbstractTrainingTask):
        def __init__(self, settings, scale, inner):
            super().__init__()
            self.settings, self.scale, self.inner = settings, scale, inner
            self.pipeline = build_pipeline(2.0)

        def run_with_environment(self, data, environment):
            X = np.array([[0.0], [1.0], [2.0], [3.0]])
            self.pipeline.fit(X, [0, 0, 1, 1])
            environment.output_metric("accuracy", self.pipeline.score(X, [0, 0, 1, 1]))
            environment.output_metric("scaled", self.scale(3) + self.inner.value)
            environment.output_metric("good", self.settings.mood is Mood.GOOD)


    def build_task():
        return Task(Settings(), functools.partial(my_steps.times, factor=2), Outer.Inner())
    """

STEPS = """
    def keep(values):
        return values


    def times(value, factor):
        return value * factor
    """


class Project:
    """A project on disk, the modules of which can be imported while a test runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def package(self, folder: Path, payload: "dict[str, Any]", version: str = "0", **attributes: Any) -> Package:
        packaging = Packaging("Titanic", version, payload)
        packaging.project_folder = self.path
        packaging.silent = True
        for name, value in attributes.items():
            assert hasattr(packaging, name)
            setattr(packaging, name, value)
        return packaging.make_package(folder)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "project")
    with project_modules(project.path):
        yield project


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def task_of(constructor: Any) -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("label"),
        model_provider=sft.ModelProvider(constructor),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(),
        metrics_pool=sft.MetricPool(),
    )


def read_member(package: Package, name: str) -> bytes:
    with tarfile.open(package.path) as archive:
        file = archive.extractfile(f"{package.folder_name}/{package.module_name}/{name}")
        assert file is not None
        return file.read()


def run_alone(package: Package, folder: Path, script: str) -> str:
    """Runs a script in a new process where only the package is, and neither the project nor our installed modules."""
    with tarfile.open(package.path) as archive:
        extract_files(archive, folder)
    start = f"""
        import sys
        sys.modules["tg"] = sys.modules["tg_mlflow"] = None
        sys.path.insert(0, {str(folder / package.folder_name)!r})
        from {package.module_name}.tg.common.delivery.delivery.package.entry_point import EntryPoint
        load = EntryPoint({package.module_name!r}).load_resource
        """
    return run_script(textwrap.dedent(start) + textwrap.dedent(script), folder)


def run_script(script: str, folder: Path, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return "\n".join(line for line in result.stdout.splitlines() if " INFO: " not in line)


def referenced_modules(pickle: bytes) -> set[str]:
    return {
        str(argument).partition(" ")[0] for opcode, argument, _ in pickletools.genops(pickle) if opcode.name == "GLOBAL"
    }


# --- what a package is ---------------------------------------------------------------------------------------------


def test_the_file_is_a_source_distribution_with_one_module(project: Project, out: Path) -> None:
    project.write("tasks.py", "X = 1")
    project.write("pkg/__init__.py", "")
    project.write("pkg/words/a.txt", "hello")
    project.write("notes.txt", "")
    package = project.package(out, {"job": 1, "other": [2]}, version="1.2", data_files=["pkg/words/"])
    assert package.path == out / "Titanic-1.2.tar.gz"
    assert package.module_name == "Titanic__1_2"
    assert [path.name for path in out.iterdir()] == ["Titanic-1.2.tar.gz"]
    with tarfile.open(package.path) as archive:
        names = archive.getnames()
        assert {(each.isfile(), each.mtime, each.mode, each.uid, each.uname) for each in archive} == {
            (True, 315_532_800, 0o644, 0, "")
        }
    assert names == sorted(names)
    shipped = Path(str(tg.__file__)).parent
    ours = {f"tg/{path.relative_to(shipped).as_posix()}" for path in shipped.rglob("*.py")} | {"tg/py.typed"}
    builders, launchers = "delivery/code/(?!__init__|local_versions)", "aws|container|executor|job_files|machine|naming"
    rooms = f"{builders}|image/|sagemaker/({launchers}|notebook|options|remote|tuning)/"
    own = {each for each in ours if not re.search(rooms, each)}
    module = {
        *own,
        "__init__.py",
        "pkg/__init__.py",
        "pkg/words/a.txt",
        "properties.json",
        "resources/job.pkl",
        "resources/other.pkl",
        "tasks.py",
    }
    found = {"Titanic.egg-info/PKG-INFO", "Titanic.egg-info/entry_points.txt"}
    around = {"PKG-INFO", "build_backend.py", "pyproject.toml", *found}
    assert set(names) == {f"Titanic-1.2/{name}" for name in around | {f"Titanic__1_2/{name}" for name in module}}
    assert read_member(package, "tg/common/errors.py") == (shipped / "common" / "errors.py").read_bytes()
    assert read_member(package, "pkg/words/a.txt") == b"hello"


@pytest.mark.parametrize(
    ("line", "is_whole"),
    [
        ("from tg.common.delivery.sagemaker import SagemakerLocalExecutor", True),
        ("from tg.common.delivery.delivery import Packaging", True),
        ("from tg.common import Logger, delivery", True),
        ("import tg.common.delivery.sagemaker.naming.autonamer", True),
        ("import tg.common as c; names = c.delivery.sagemaker.Autonamer", True),
        ("from tg import common as c; names = lambda: c.delivery", True),
        ("from tg.common.delivery.sagemaker.contract import format_metric_line", False),
        ("from tg.common.delivery.delivery.package import Packaging", False),
        ("from tg.common.ml import dft", False),
        ("from tg.common import Logger", False),
    ],
)
def test_what_only_launchers_use_is_in_the_package_of_who_names_it(
    project: Project, out: Path, line: str, is_whole: bool
) -> None:
    project.write("tasks.py", f"{line}\nclass Job: pass")
    package = project.package(out, {"job": importlib.import_module("tasks").Job()})
    with tarfile.open(package.path) as archive:
        names = archive.getnames()
    remote = "Titanic-0/Titanic__0/tg/common/delivery/sagemaker/remote/remote_executor.py"
    assert (remote in names) == is_whole


@pytest.mark.parametrize(
    ("line", "builds"),
    [
        ("from tg.common.delivery.delivery.package import Packaging", True),
        ("from tg.common.delivery.delivery.code.project_imports import find_imports", True),
        ("from tg.common.delivery.sagemaker import SagemakerLocalExecutor", True),
        ("from tg.common.delivery.sagemaker.contract import format_metric_line", False),
        ("from tg.common.ml import dft", False),
    ],
)
def test_what_builds_packages_is_in_the_package_of_who_names_it(
    project: Project, out: Path, line: str, builds: bool
) -> None:
    project.write("tasks.py", f"{line}\nclass Job: pass")
    package = project.package(out, {"job": importlib.import_module("tasks").Job()})
    with tarfile.open(package.path) as archive:
        names = archive.getnames()
    code = "Titanic-0/Titanic__0/tg/common/delivery/delivery/code"
    assert (f"{code}/project_code.py" in names) == builds
    assert f"{code}/local_versions.py" in names  # which the image of a job reads


def test_the_package_knows_itself(project: Project, out: Path) -> None:
    project.write("tasks.py", "import yaml")
    package = project.package(out, {"job": importlib.import_module("tasks")})
    versions = {name: importlib.metadata.version(name) for name in [*CORE, "PyYAML"]}
    assert json.loads(read_member(package, "properties.json")) == {
        "name": "Titanic",
        "version": "0",
        "module_name": "Titanic__0",
        "tg_import_path": "Titanic__0.tg",
        "original_tg_import_path": "tg",
        "resources_location": "Titanic__0/resources",
        "python_version": platform.python_version(),
        "library_versions": versions,
        "modules": ["tasks"],
        "requirements": [f"{name}=={versions[name]}" for name in sorted(versions, key=str.lower)],
        "imports": ["importlib", "yaml"],
        "variables": {},
        "left_out": {},
    }
    assert package.modules == ("tasks",)
    assert package.rename("tasks.x") == "Titanic__0.tasks.x"
    assert package.rename("tg.common") == "Titanic__0.tg.common"
    assert package.rename("tgx") == "tgx"


@pytest.mark.starts_process
def test_the_same_source_gives_the_same_bytes_in_any_process(project: Project, out: Path) -> None:
    project.write("my_models.py", MODELS)
    project.write("my_steps.py", STEPS)
    script = """
        import os
        import sys
        from pathlib import Path
        import my_models
        from tg.common.delivery.delivery import Packaging
        from tg.common.delivery.sagemaker import SagemakerJob
        def build():
            packaging = Packaging("Titanic", "0", {"job": SagemakerJob(my_models.build_task())})
            packaging.project_folder, packaging.silent = Path.cwd(), True
            return packaging.make_package(Path(sys.path[-1])).sha256
        same = build()
        with Path("my_steps.py").open("a") as file:
            file.write(os.environ["ADDED"])
        print(same, build())
        """
    build = f"import sys; sys.path.append({str(out)!r})\n" + textwrap.dedent(script)
    first, unchanged = run_script(build, project.path, PYTHONHASHSEED="1", ADDED="").split()
    assert len(first) == 64
    assert unchanged == first
    same, changed = run_script(build, project.path, PYTHONHASHSEED="2", ADDED="\n    # changed\n").split()
    assert same == first
    assert changed != first


@pytest.mark.parametrize("name", ["", "1st", "my-package", "a.b", "größe", "a b"])
def test_names_are_checked(name: str) -> None:
    with pytest.raises(PackagingError, match=r"the package's name is .*; give letters, digits and underscores"):
        Packaging(name, "0", {})


@pytest.mark.parametrize("version", ["", ".", "1.", "-1", "1/2", "_1", "1..2", "1+cpu"])
def test_versions_are_checked(version: str) -> None:
    with pytest.raises(PackagingError, match=r"the package's version is .*; give letters, digits, underscores and"):
        Packaging("Titanic", version, {})


@pytest.mark.parametrize("name", ["", "a/b", "../job", "a.b", "1", 1])
def test_names_of_objects_are_checked(name: Any) -> None:
    with pytest.raises(PackagingError, match=r"the payload names an object .*; give letters, digits and underscores"):
        Packaging("Titanic", "0", {name: 1})


@pytest.mark.parametrize("path", ["properties.json", "resources/job.pkl"])
def test_project_files_do_not_take_the_place_of_the_packages_own(project: Project, out: Path, path: str) -> None:
    project.write(path, "")
    with pytest.raises(PackagingError) as caught:
        project.package(out, {"job": 1}, data_files=[path])
    assert str(caught.value) == f"project file '{path}' has the place of one of the package's own; rename it"
    assert list(out.iterdir()) == []


@pytest.mark.starts_process
def test_a_project_may_have_resources_of_its_own(project: Project, out: Path, tmp_path: Path) -> None:
    project.write("tasks.py", "from resources.reader import read")
    project.write(
        "resources/reader.py",
        """
        from pathlib import Path

        def read():
            return (Path(__file__).parent / "a.txt").read_text()
        """,
    )
    project.write("resources/a.txt", "hello")
    read = importlib.import_module("tasks").read
    package = project.package(out, {"read": read}, data_files=["resources/*.txt"])
    assert run_alone(package, tmp_path, "print(load('read')())") == "hello"


@pytest.mark.starts_process
def test_code_in_a_source_folder_is_there_once_with_its_data_beside_it(
    project: Project, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("src/churn/__init__.py", "")
    project.write("src/churn/words.txt", "angry")
    project.write(
        "src/churn/text.py",
        """
        from pathlib import Path
        from churn import __name__ as package

        def read():
            return package.partition(".")[2] + " " + (Path(__file__).parent / "words.txt").read_text()
        """,
    )
    monkeypatch.syspath_prepend(str(project.path / "src"))
    read = importlib.import_module("churn.text").read
    package = project.package(out, {"read": read}, data_files=["words.txt"])
    assert package.modules == ("churn",)
    with tarfile.open(package.path) as archive:
        names = [name for name in archive.getnames() if "churn" in name or "words" in name]
    below = "Titanic-0/Titanic__0/churn"
    assert sorted(names) == [f"{below}/__init__.py", f"{below}/text.py", f"{below}/words.txt"]
    assert run_alone(package, tmp_path, "print(load('read')())") == "churn angry"


def test_what_is_left_out_is_said_in_one_warning(
    project: Project, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("tasks.py", "X = 1")
    project.write("export.py", "!pip install x")
    project.write("queue.py", "")
    package = project.package(out, {"job": importlib.import_module("tasks")})
    assert package.modules == ("tasks",)
    [line] = capsys.readouterr().out.splitlines()
    assert line.partition("WARNING: ")[2] == (
        "2 files of the project are left out of the package, as nothing that is trained needs them: export.py (line 1 "
        "is not valid Python: invalid syntax); queue.py (hides 'queue', which is in the standard library). To leave "
        "one out silently, name it in .tgignore"
    )


def test_what_is_left_out_and_imported_later_is_said(
    project: Project, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("tasks.py", "def run():\n    import old\n    return old")
    project.write("old.py", "print 'x'")
    package = project.package(out, {"job": importlib.import_module("tasks").run})
    assert list(package.properties["left_out"]) == ["old"]
    assert "; tasks.py line 2 imports it while it runs, which will fail)" in capsys.readouterr().out


def test_a_large_object_is_warned_of(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packaging = Packaging("Titanic", "0", {"job": "x" * 1000, "small": 1})
    packaging.size_limit_bytes, packaging.silent = 1000, True
    packaging.make_package(out)
    assert (
        capsys.readouterr()
        .out.rstrip()
        .endswith(
            "WARNING: Object 'job' has 1,010 bytes when pickled, more than 1,000; "
            "data that it holds are better part of the dataset"
        )
    )


def test_it_says_what_it_has_made_unless_it_is_silent(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packaging = Packaging("Titanic", "0", {})
    package = packaging.make_package(out)
    size = package.path.stat().st_size
    assert capsys.readouterr().out.rstrip().endswith(f"files as {package.path} ({size:,} bytes)")
    packaging.silent = True
    packaging.make_package(out)
    assert capsys.readouterr().out == ""


# --- what goes on inside -------------------------------------------------------------------------------------------


@pytest.mark.starts_process
def test_objects_of_the_project_run_below_the_new_root(project: Project, out: Path, tmp_path: Path) -> None:
    project.write("my_models.py", MODELS)
    project.write("my_steps.py", STEPS)
    models = importlib.import_module("my_models")
    payload = {"job": SagemakerJob(models.build_task()), "module": models, "inner": models.Outer.Inner}
    package = project.package(out, payload)
    for name in payload:
        modules = referenced_modules(read_member(package, f"resources/{name}.pkl"))
        assert [each for each in modules if each.partition(".")[0] in ("tg", "my_models", "my_steps")] == []
    assert {"Titanic__0.my_models", "Titanic__0.my_steps", "Titanic__0.tg.common.delivery.sagemaker.runtime.job"} < (
        referenced_modules(read_member(package, "resources/job.pkl"))
    )
    script = """
        import json
        task = load("job").task
        assert type(task).__module__ == "Titanic__0.my_models"
        assert load("module").__name__ == "Titanic__0.my_models"
        assert load("inner") is load("module").Outer.Inner
        metrics = task.run()["metrics"]
        outside = [name for name in sys.modules if name.partition(".")[0] in ("my_models", "my_steps")]
        print(json.dumps([metrics, outside]))
        """
    assert json.loads(run_alone(package, tmp_path, script)) == [{"accuracy": 1.0, "scaled": 13.0, "good": 1.0}, []]


@pytest.mark.starts_process
def test_a_reference_in_a_text_finds_the_packaged_module(project: Project, out: Path, tmp_path: Path) -> None:
    project.write("my_models.py", MODELS)
    project.write("my_steps.py", STEPS)
    project.write("pkg/deep/models.py", "from sklearn.tree import DecisionTreeClassifier as Tree")
    make_points().to_parquet(tmp_path / "points.parquet")
    payload = {
        "own": task_of(sft.ModelConstructor("my_models:Forest", C=0.5)),
        "deep": task_of(sft.ModelConstructor("pkg.deep.models:Tree")),
        "foreign": task_of(sft.ModelConstructor("sklearn.linear_model:LogisticRegression", C=0.5)),
    }
    package = project.package(out, payload)
    script = """
        for name in ("own", "deep", "foreign"):
            result = load(name).run("points.parquet")
            print(type(result["runs"][0]["model"].named_steps["model"]))
        """
    assert run_alone(package, tmp_path, script).splitlines() == [
        "<class 'Titanic__0.my_models.Forest'>",
        "<class 'sklearn.tree._classes.DecisionTreeClassifier'>",
        "<class 'sklearn.linear_model._logistic.LogisticRegression'>",
    ]


@pytest.mark.starts_process
def test_a_package_without_a_folder_holds_what_its_objects_need(project: Project, out: Path, tmp_path: Path) -> None:
    project.write("my_models.py", MODELS)
    project.write("my_steps.py", STEPS)
    project.write("unused.py", "import no_such_library")
    models = importlib.import_module("my_models")
    text = task_of(sft.ModelConstructor("my_models:Forest"))
    for payload in ({"job": models.build_task()}, {"job": text}):
        package = project.package(out, payload, project_folder=None)
        assert package.modules == ("my_models", "my_steps")
        assert b"from Titanic__0 import my_steps\n" in read_member(package, "my_models.py")
    package = project.package(out, {"job": models.build_task()}, project_folder=None)
    assert run_alone(package, tmp_path, "print(load('job').run()['metrics']['scaled'])") == "13.0"


MAIN = """
    import sys
    import threading
    from pathlib import Path
    import numpy as np
    import my_steps
    from tg.common.delivery.delivery import Packaging
    from tg.common.ml.training_core import AbstractTrainingTask

    OFFSET = 5


    class Task(AbstractTrainingTask):
        def __init__(self, scale):
            super().__init__()
            self.scale = scale

        def run_with_environment(self, data, environment):
            environment.output_metric("value", float(np.sum([self.scale(my_steps.times(2, 3)), OFFSET])))


    def main(payload):
        packaging = Packaging("Notebook", "0", payload)
        packaging.silent = True
        package = packaging.make_package(Path(sys.argv[1]))
        print(package.modules, [line for line in package.requirements if line.startswith("cloudpickle")])


    if __name__ == "__main__":
    """


@pytest.mark.starts_process
def test_objects_of_the_main_module_are_taken_by_value(project: Project, out: Path, tmp_path: Path) -> None:
    project.write("my_steps.py", STEPS)
    project.write("notebook.py", MAIN)
    with (project.path / "notebook.py").open("a") as file:
        file.write("    main({'job': Task(lambda value: value + 1)})\n")
    built = subprocess.run(
        [sys.executable, "notebook.py", str(out)], cwd=project.path, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    version = importlib.metadata.version("cloudpickle")
    assert built.stdout.strip() == f"('my_steps',) ['cloudpickle=={version}']"
    script = f"""
        from pathlib import Path
        from tg.common.delivery.delivery.package.entry_point import install_package_and_get_loader
        task = install_package_and_get_loader(Path({str(out / "Notebook-0.tar.gz")!r})).load_resource("job")
        print(type(task).__mro__[1].__module__, task.run()["metrics"])
        """
    assert run_script(textwrap.dedent(script), tmp_path) == (
        "Notebook__0.tg.common.ml.training_core.abstract_training_task {'value': 12.0}"
    )


@pytest.mark.starts_process
@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            "{'job': Task(lambda value: LOCK)}",
            "job.scale's variable 'LOCK' is a lock, which cannot be pickled (cannot pickle '_thread.lock' object); "
            "make it where it is used instead",
        ),
        ("{'job': [open('x', 'w')]}", "job[0] is a TextIOWrapper, which cannot be pickled ("),
    ],
)
def test_what_cannot_be_pickled_in_a_main_module_is_named(
    project: Project, out: Path, payload: str, message: str
) -> None:
    project.write("my_steps.py", STEPS)
    project.write("notebook.py", MAIN.replace("OFFSET = 5", "LOCK = threading.Lock()"))
    with (project.path / "notebook.py").open("a") as file:
        file.write(f"    main({payload})\n")
    built = subprocess.run(
        [sys.executable, "notebook.py", str(out)], cwd=project.path, capture_output=True, text=True, check=False
    )
    assert built.stderr.strip().splitlines()[-1].startswith(f"tg.common.errors.PackagingError: {message}")


# --- what it needs where it runs -----------------------------------------------------------------------------------


def pinned(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}=={importlib.metadata.version(name)}" for name in sorted(names, key=str.lower))


def test_what_is_imported_is_required_in_its_installed_version(project: Project, out: Path) -> None:
    project.write("tasks.py", "import helper\nimport yaml\nX = 1")
    project.write("helper.py", "def f():\n    import click")
    project.write("unused.py", "import matplotlib")
    assert project.package(out, {"job": importlib.import_module("tasks")}).requirements == pinned(
        *CORE, "PyYAML", "click"
    )
    assert project.package(out, {"job": [1]}).requirements == pinned(*CORE)


def test_what_a_text_refers_to_is_required(project: Project, out: Path) -> None:
    payload = {"job": task_of(sft.ModelConstructor("joblib.memory:Memory")), "text": "no_such_library:Model"}
    assert project.package(out, payload).requirements == pinned(*CORE, "joblib")


def test_given_dependencies_are_taken_as_they_are(project: Project, out: Path) -> None:
    project.write("tasks.py", "import yaml")
    given = [DependencyList("one", ["zlib-ng", "Pandas>=2"]), DependencyList("two", ["zlib-ng"])]
    payload = {"job": importlib.import_module("tasks")}
    assert project.package(out, payload, dependencies=given).requirements == ("Pandas>=2", "zlib-ng")
    more = [DependencyList("more", ["click", "Pandas>=2"])]
    both = project.package(out, payload, dependencies=given, additional_dependencies=more)
    assert both.requirements == ("click", "Pandas>=2", "zlib-ng")


def test_what_a_project_asks_for_itself_is_not_asked_for_twice(project: Project, out: Path) -> None:
    more = [DependencyList("project", ["Scikit_Learn<2", "click"])]
    package = project.package(out, {"job": 1}, additional_dependencies=more)
    assert package.requirements == tuple(
        sorted({*pinned(*CORE), "Scikit_Learn<2", "click"} - set(pinned("scikit-learn")), key=str.lower)
    )


# --- what cannot be packaged ---------------------------------------------------------------------------------------


def job_with(part: Any) -> SagemakerJob:
    task = task_of(sft.ModelConstructor("sklearn.linear_model:LogisticRegression"))
    task.model_provider.model_fix = part
    return SagemakerJob(task)


def test_a_part_that_cannot_be_pickled_is_named_by_its_path(project: Project, out: Path) -> None:
    with pytest.raises(PackagingError) as caught:
        project.package(out, {"job": job_with(lambda model: model)})
    assert str(caught.value) == (
        "job.task.model_provider.model_fix is a lambda, which cannot be pickled; write it as a function of a module"
    )
    assert list(out.iterdir()) == []


def test_every_error_is_one_line(project: Project, out: Path) -> None:
    project.write("tasks.py", "import no_such")
    project.write("broken.py", "x = (\n")
    attempts: list[dict[str, Any]] = [
        {"payload": {"job": job_with(lambda model: model)}},
        {"payload": {"job": [threading.Lock()]}},
        {"payload": {"job": {"line\nbreak": threading.Lock()}}},
        {"payload": {"job": "tasks:X"}},
        {"payload": {"job": "broken:X"}},
        {"payload": {}, "data_files": ["line\nbreak"]},
        {"payload": {"job": "tasks:X"}, "size_limit_bytes": 1},
        {"payload": {}, "project_folder": out / "missing"},
    ]
    for attempt in attempts:
        with pytest.raises(PackagingError) as caught:
            project.package(out, **attempt)
        assert "\n" not in str(caught.value)
        assert ";" in str(caught.value) or "cannot be read" in str(caught.value)
    assert list(out.iterdir()) == []


def test_a_package_holds_what_was_digested(project: Project, out: Path) -> None:
    project.write("models.py", "RATE = 1\n")
    packaging = Packaging("Titanic", "0", {"rate": 1})
    packaging.project_folder, packaging.silent = project.path, True
    digest = packaging.digest_project()
    # SHA-256 of the name, the length and the content, apart.
    assert digest == hashlib.sha256(b"models.py\0" + b"9\0" + b"RATE = 1\n").hexdigest()
    project.write("models.py", "RATE = 2\n")
    project.write("late.py", "")
    assert read_module(packaging.make_package(out)) == {"models.py": b"RATE = 1\n"}
    assert read_module(packaging.make_package(out)) == {"models.py": b"RATE = 2\n", "late.py": b""}
    assert packaging.digest_project() != digest


def read_module(package: Package) -> dict[str, bytes]:
    """Returns a project's files in a package."""
    with tarfile.open(package.path) as archive:
        names = {each.name.partition("Titanic__0/")[2]: each for each in archive}
        found = {"models.py": names["models.py"], **({"late.py": names["late.py"]} if "late.py" in names else {})}
        return {name: archive.extractfile(each).read() for name, each in found.items()}  # type: ignore[union-attr]


def test_a_package_without_a_project_digests_none() -> None:
    with pytest.raises(PackagingError, match=r"^the package 'Titanic' has no project_folder; set it$"):
        Packaging("Titanic", "0", {}).digest_project()
