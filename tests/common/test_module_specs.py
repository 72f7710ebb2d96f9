"""What may stand for a module, and what it must not break."""

import importlib
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import scipy.special

from tg.common.delivery.delivery.code.installed_distributions import is_hidden
from tg.common.delivery.delivery.code.project_module_files import ModuleFinder
from tg.common.delivery.delivery.package.pickling import dump_renamed_pickle
from tg.common.delivery.sagemaker.runtime.module_aliases import add_module_aliases
from tg.common.module_specs import find_module_spec, is_instance_of


class Answering(types.ModuleType):
    """Has every attribute, as ``torch.classes`` has."""

    def __getattr__(self, name: str) -> object:
        return Answering(name)


class Failing:
    """No module at all, and fails in a way of its own."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"the optional part {name} is not installed")


class Slotted:
    __slots__ = ()


@pytest.fixture(
    params=[Answering("odd"), Failing(), Slotted(), MagicMock(), None], ids=lambda each: type(each).__name__
)
def odd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "odd_module", request.param)


@pytest.mark.usefixtures("odd")
def test_what_stands_for_a_module_is_not_asked_where_its_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert find_module_spec("odd_module") is None
    assert ModuleFinder().find_files("odd_module") == {}
    assert not is_hidden("odd_module")
    (tmp_path / "odd_module.py").touch()
    importlib.invalidate_caches()
    found = find_module_spec("odd_module")
    assert found is not None
    assert found.origin == str(tmp_path / "odd_module.py")


@pytest.mark.usefixtures("odd")
def test_what_does_not_say_its_module_is_pickled_whatever_stands_beside_it() -> None:
    content, modules = dump_renamed_pickle(scipy.special.expit, lambda name: name)
    assert pickle.loads(content) is scipy.special.expit
    assert "odd_module" in sys.modules
    assert "odd_module" not in modules


def test_a_module_that_is_not_there() -> None:
    assert find_module_spec("no_such_module") is None
    assert find_module_spec("no_such_package.module") is None


def test_a_value_is_of_a_class_of_a_module_only_if_that_is_imported_and_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_instance_of(1.5, "builtins", "float")
    assert not is_instance_of(1, "builtins", "float")
    assert not is_instance_of(1.5, "builtins", "no_such_class")
    assert not is_instance_of(1.5, "tg_no_such_module", "float")
    monkeypatch.setitem(sys.modules, "float_library", MagicMock())  # answers every attribute
    assert not is_instance_of(1.5, "float_library", "float")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "Aliased__0"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    finders = list(sys.meta_path)
    before = set(sys.modules)
    yield folder
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_that_puts_another_object_in_its_place_has_its_aliases(package: Path) -> None:
    (package / "replaced.py").write_text(
        "import sys\n\nclass Settings:\n    __slots__ = ()\n    size = 3\n\nsys.modules[__name__] = Settings()\n"
    )
    add_module_aliases("Aliased__0", ["replaced"])
    for _ in range(2):
        assert importlib.import_module("replaced").size == 3
        assert importlib.import_module("Aliased__0.replaced") is importlib.import_module("replaced")
