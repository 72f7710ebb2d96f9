import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg.common import DeliveryError
from tg.common.delivery.delivery.package.package_check import prepare_imports


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_what_a_package_needs_is_imported_with_its_variables(modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TG_TEST_BACKEND", raising=False)
    monkeypatch.setenv("TG_TEST_GIVEN", "by the job")
    (modules / "needs_backend.py").write_text("import os\nbackend = os.environ['TG_TEST_BACKEND']\n")
    variables = {"TG_TEST_BACKEND": "torch", "TG_TEST_GIVEN": "by the package"}
    prepare_imports({"imports": ["needs_backend", "json"], "variables": variables})
    assert sys.modules["needs_backend"].backend == "torch"
    assert os.environ.pop("TG_TEST_BACKEND") == "torch"
    assert os.environ["TG_TEST_GIVEN"] == "by the job"
    prepare_imports({})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "raise OSError('libgomp.so.1: cannot open shared object file: No such file or directory')",
            "'needs' cannot be imported: the shared library 'libgomp.so.1' is missing; for an image that is built "
            'here, add "build": {"apt_packages": ["libgomp1"]}',
        ),
        (
            "import tg_test_nowhere.at_all",
            "'needs' cannot be imported: the module 'tg_test_nowhere' is missing; for an image that is built here, add "
            'its library, such as "requirements": ["tg_test_nowhere"]',
        ),
    ],
)
def test_what_is_missing_is_told_in_one_line(modules: Path, source: str, message: str) -> None:
    (modules / "needs.py").write_text(source)
    with pytest.raises(DeliveryError) as caught:
        prepare_imports({"imports": ["needs"]})
    assert str(caught.value) == message


def test_an_error_of_another_kind_stays_what_it_is(modules: Path) -> None:
    (modules / "needs.py").write_text("raise RuntimeError('its own')")
    with pytest.raises(RuntimeError, match=r"^its own$"):
        prepare_imports({"imports": ["needs"]})


def test_a_text_that_looks_like_a_reference_to_a_module(modules: Path) -> None:
    prepare_imports({"imports": ["json.no_such_module", "json.decoder"]})
    with pytest.raises(DeliveryError, match=r"^'no_such_module\.x' cannot be imported: the module 'no_such_module' is"):
        prepare_imports({"imports": ["no_such_module.x"]})
