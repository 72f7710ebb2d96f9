import sys
import types
from pathlib import Path, PurePosixPath

import pytest

from tg.common.delivery.delivery.code import optional_parts
from tg.common.delivery.delivery.code.module_outline import ModuleOutline, outline_module
from tg.common.delivery.delivery.code.optional_parts import find_keras_backend, find_optional_parts, find_variables


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed libraries: one with an engine that it needs and does not declare, and with extras."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    (folder / "wraps_one.py").write_text(
        "import json\nimport engine_one\ntry:\n    import engine_two\nexcept ImportError:\n    pass\n"
    )
    install(folder, "wraps-one", ["wraps_one.py"], ["reader-one; extra == 'more'", "reader-two; extra == 'more'"])
    for name in ("engine-one", "engine-two", "reader-one", "reader-two"):
        module = name.replace("-", "_") + ".py"
        (folder / module).write_text("")
        install(folder, name, [module], [])
    return folder


def install(folder: Path, name: str, modules: list[str], requirements: list[str]) -> None:
    info = folder / f"{name.replace('-', '_')}-1.dist-info"
    info.mkdir()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        "Version: 1",
        *(f"Requires-Dist: {each}" for each in requirements),
    ]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (info / "RECORD").write_text("".join(f"{module},,\n" for module in modules))


def outline_of(file: Path) -> ModuleOutline:
    return outline_module(file.read_text(), PurePosixPath(file.name))


def load(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("engine_one", "engine_two", "wraps_one"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        module = types.ModuleType(name)
        module.__file__ = str(site / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, module)
        exec((site / f"{name}.py").read_text(), module.__dict__)


def test_what_a_loaded_library_cannot_do_without_is_taken(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_optional_parts(["wraps_one"], ["wraps-one"], []) == set()
    load(site, monkeypatch)
    assert find_optional_parts(["wraps_one"], ["wraps-one"], []) == {"engine-one"}
    assert find_optional_parts(["wraps_one"], ["wraps-one", "engine-one"], []) == set()
    assert find_optional_parts(["json"], [], []) == set()


def test_an_adapter_to_a_library_that_is_loaded_says_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``sklearn.externals.array_api_compat.torch``, which scikit-learn loads in a process that has torch."""
    load(site, monkeypatch)
    file = site / "adapter.py"
    file.write_text("import engine_two\n")
    for name, parts in (
        ("wraps_one.adapters.engine_two", {"engine-one"}),
        ("wraps_one.net", {"engine-one", "engine-two"}),
    ):
        module = types.ModuleType(name)
        module.__file__ = str(file)
        module.engine_two = sys.modules["engine_two"]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
        assert find_optional_parts(["wraps_one"], ["wraps-one"], []) == parts


def test_a_module_that_answers_every_attribute_breaks_nothing(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Anything(types.ModuleType):
        def __getattr__(self, name: str) -> "Anything":
            return self

    load(site, monkeypatch)
    monkeypatch.setitem(sys.modules, "wraps_one.anything", Anything("wraps_one.anything"))
    monkeypatch.setitem(sys.modules, "wraps_one.number", 3)  # type: ignore[arg-type]
    monkeypatch.setattr(sys.modules["wraps_one"], "lazy", Anything("engine_two"), raising=False)
    assert find_optional_parts(["wraps_one"], ["wraps-one"], []) == {"engine-one"}


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("read(engine='reader_one')", {"reader-one"}),
        ('read(engine="reader-two")\nread(engine="reader-one")', {"reader-one", "reader-two"}),
        ("read(engine='engine_two')", set()),
        ("reader_one = 1", set()),
    ],
)
def test_an_optional_requirement_that_the_code_names(site: Path, source: str, parts: set[str]) -> None:
    (site / "task.py").write_text(source)
    assert find_optional_parts(["wraps_one"], ["wraps-one"], [outline_of(site / "task.py")]) == parts


@pytest.mark.parametrize(
    ("call", "needed"), [("pd.read_excel(path)", "openpyxl"), ("df.to_markdown()", "tabulate"), ("read_csv(x)", None)]
)
def test_what_pandas_needs_for_a_call(
    site: Path, monkeypatch: pytest.MonkeyPatch, call: str, needed: str | None
) -> None:
    monkeypatch.setattr(optional_parts, "_find_installed_name", lambda name: name)
    (site / "task.py").write_text(call)
    assert find_optional_parts([], ["pandas"], [outline_of(site / "task.py")]) == ({needed} if needed else set())


def test_the_back_end_of_keras(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "keras.backend", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert find_keras_backend(["pandas"]) is None
    assert find_keras_backend(["keras"]) == "tensorflow"
    (tmp_path / "keras.json").write_text("{")
    assert find_keras_backend(["keras"]) == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert find_keras_backend(["keras"]) == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "engine_two")
    assert find_keras_backend(["keras"]) == "engine_two"
    loaded = types.ModuleType("keras.backend")
    loaded.backend = lambda: "torch"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras.backend", loaded)
    assert find_keras_backend(["keras"]) == "torch"


def test_keras_gets_its_back_end_and_the_variable_that_says_so(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras.backend", raising=False)
    monkeypatch.setattr(sys, "path", [str(site), *(path for path in sys.path if "site-packages" not in path)])
    install(site, "keras", [], [])
    install(site, "uses-keras", [], ["keras>=3"])
    monkeypatch.setenv("KERAS_BACKEND", "engine_two")
    assert find_optional_parts([], ["uses-keras"], []) == {"engine-two"}
    assert find_variables(["uses-keras"]) == {"KERAS_BACKEND": "engine_two"}
    assert find_variables(["wraps-one"]) == {}
