import sys
from pathlib import Path

import pytest

from tg.common.delivery.delivery.installed_distributions import (
    find_distributions,
    find_installed,
    find_versions,
    name_distribution,
    pin_distributions,
)


def install(folder: Path, name: str, version: str, *modules: str) -> None:
    """What an installation leaves behind: modules, and files that tell of them."""
    for module in modules:
        (folder / module).parent.mkdir(parents=True, exist_ok=True)
        (folder / module).write_text("")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{module},,\n" for module in modules))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return folder


def test_modules_are_provided_by_distributions() -> None:
    assert find_distributions(["sklearn", "yaml", "numpy", "json", "no_such_module"]) == {
        "scikit-learn",
        "PyYAML",
        "numpy",
    }


def test_all_that_share_a_module_provide_it(site: Path) -> None:
    install(site, "space-one", "1", "sharedspace/one.py")
    install(site, "space-two", "2", "sharedspace/two.py")
    assert find_distributions(["sharedspace"]) == {"space-one", "space-two"}


def test_what_is_installed_later_is_found_too(site: Path) -> None:
    assert find_distributions(["newcomer"]) == set()
    install(site, "the-newcomer", "1.0", "newcomer.py")
    assert find_distributions(["newcomer"]) == {"the-newcomer"}
    assert pin_distributions(["the-newcomer"]) == ("the-newcomer==1.0",)


def test_a_local_part_of_a_version_is_no_requirement(site: Path) -> None:
    install(site, "withcuda", "2.1+cu12", "withcuda.py")
    assert pin_distributions(["withcuda"]) == ("withcuda==2.1",)
    assert find_versions(["withcuda", "no-such-library"]) == {"withcuda": "2.1+cu12"}


def test_installed_modules_are_told_from_others(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "space-one", "1", "sharedspace/one.py")
    (tmp_path / "besides.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_installed("random") == "in the standard library"
    assert str(find_installed("sklearn")).startswith("installed as ")
    assert find_installed("sharedspace") == f"installed as {site / 'sharedspace'}"
    assert find_installed("besides") is None
    assert find_installed("no_such_module") is None


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("Scikit_Learn", "scikit-learn"),
        ("pandas==3.1.1", "pandas"),
        ("uvicorn[standard]>=1", "uvicorn"),
        ("ruamel.yaml ; python_version < '4'", "ruamel-yaml"),
        ("x @ https://example.org/x.whl", "x"),
        ("git+https://example.org/x", "git+https://example.org/x"),
        ("./x.whl", "./x.whl"),
    ],
)
def test_requirements_name_distributions(requirement: str, name: str) -> None:
    assert name_distribution(requirement) == name
