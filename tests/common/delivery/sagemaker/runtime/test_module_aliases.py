"""Modules of packages under their original names, beside whatever else a process has."""

import importlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg.common.delivery.sagemaker.runtime.module_aliases import add_fallback_aliases


@pytest.fixture(autouse=True)
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two packages with a module ``churnling`` each, in a process that is as before at the end."""
    # Models that other tests have loaded in this process leave their aliases, as they may.
    monkeypatch.setattr(sys, "meta_path", [each for each in sys.meta_path if not hasattr(each, "is_tg_fallback")])
    for name in [name for name in sys.modules if name.partition(".")[0] == "churnling"]:
        monkeypatch.delitem(sys.modules, name)
    for root, text in (("Pack__0", "zero"), ("Pack__1", "one")):
        folder = tmp_path / root / "churnling"
        folder.mkdir(parents=True)
        (tmp_path / root / "__init__.py").write_text("")
        (folder / "__init__.py").write_text(f"VERSION = {text!r}\n")
        (folder / "names.py").write_text(f"NAME = {text!r}\n")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "presentling.py").write_text("VERSION = 'here'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "here")
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_a_name_that_nothing_else_has_is_the_packages() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("churnling")
    add_fallback_aliases("Pack__0", ["churnling"])
    assert importlib.import_module("churnling.names") is importlib.import_module("Pack__0.churnling.names")
    assert importlib.import_module("churnling").VERSION == "zero"
    with pytest.raises(ModuleNotFoundError, match=r"churnling\.absent"):
        importlib.import_module("churnling.absent")


def test_a_module_of_the_process_goes_first(tmp_path: Path) -> None:
    (tmp_path / "Pack__0" / "presentling.py").write_text("VERSION = 'zero'\n")
    add_fallback_aliases("Pack__0", ["presentling"])
    assert importlib.import_module("presentling").VERSION == "here"


def test_the_first_of_two_packages_keeps_a_name_and_this_is_said_when_it_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    for root in ("Pack__0", "Pack__1", "Pack__1"):
        add_fallback_aliases(root, ["churnling"])
    assert caplog.messages == []
    for _ in range(2):
        assert importlib.import_module("churnling").VERSION == "zero"
    assert [each.partition(";")[0] for each in caplog.messages] == [
        "the module churnling is looked up by a text, and both Pack__0 and Pack__1 have it"
    ]


def test_it_is_said_too_if_the_name_was_used_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    add_fallback_aliases("Pack__0", ["churnling"])
    importlib.import_module("churnling")
    add_fallback_aliases("Pack__1", ["churnling"])
    assert len(caplog.messages) == 1
    assert importlib.import_module("Pack__1.churnling").VERSION == "one"
