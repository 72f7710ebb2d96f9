import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import pytest

from tg.common.delivery.delivery.code.installed_distributions import (
    find_distributions,
    find_installed,
    find_local_origin,
    find_required,
    find_versions,
    name_distribution,
    pin_builds,
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


def test_what_is_upgraded_has_its_new_version_and_what_it_needs_now(site: Path) -> None:
    install(site, "riser", "1.0", "riser.py")
    assert (find_versions(["riser"]), find_required(["riser"])) == ({"riser": "1.0"}, {"riser"})
    shutil.rmtree(site / "riser-1.0.dist-info")
    install(site, "helper", "3", "helper.py")
    install(site, "riser", "2.0", "riser.py")
    with (site / "riser-2.0.dist-info" / "METADATA").open("a") as file:
        file.write("Requires-Dist: helper\n")
    assert (find_versions(["riser"]), find_required(["riser"])) == ({"riser": "2.0"}, {"riser", "helper"})
    shutil.rmtree(site / "riser-2.0.dist-info")
    assert find_versions(["riser"]) == {}


def test_a_folder_without_distributions_is_no_reason_to_read_again(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "steady", "1.0", "steady.py")
    read: list[str] = []
    original = importlib.metadata.distribution
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: (read.append(name), original(name))[1])
    for number in range(3):
        project = site.parent / f"project-{number}"
        project.mkdir()
        (project / "tasks.py").touch()
        monkeypatch.setattr(sys, "path", [str(project), *sys.path])
        assert find_versions(["steady"]) == {"steady": "1.0"}
    assert read == ["steady"]
    install(site.parent / "project-2", "steady", "2.0", "steady.py")
    assert find_versions(["steady"]) == {"steady": "2.0"}
    assert read == ["steady", "steady"]


def test_metadata_of_an_egg_is_read(site: Path) -> None:
    info = site / "lays_eggs.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: lays-eggs\nVersion: 0.3\n")
    (info / "requires.txt").write_text("numpy\n")
    assert (find_versions(["lays-eggs"]), find_required(["lays-eggs"])) == (
        {"lays-eggs": "0.3"},
        {"lays-eggs", "numpy"},
    )


def test_a_version_keeps_its_local_part(site: Path) -> None:
    install(site, "withcuda", "2.1+cu12", "withcuda.py")
    assert pin_distributions(["withcuda"]) == ("withcuda==2.1+cu12",)
    assert find_versions(["withcuda", "no-such-library"]) == {"withcuda": "2.1+cu12"}


@pytest.mark.parametrize(
    ("origin", "pin", "local"),
    [
        (
            {"url": "https://git.example/x", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}},
            "from-somewhere @ git+https://git.example/x@0a1b",
            None,
        ),
        (
            {
                "url": "ssh://git@git.example/x",
                "vcs_info": {"vcs": "git", "commit_id": "0a1b"},
                "subdirectory": "python",
            },
            "from-somewhere @ git+ssh://git@git.example/x@0a1b#subdirectory=python",
            None,
        ),
        (
            {"url": "https://e.org/x-1.0.tar.gz", "archive_info": {}},
            "from-somewhere @ https://e.org/x-1.0.tar.gz",
            None,
        ),
        ({"url": "file:///x-1.0.whl", "archive_info": {}}, "from-somewhere==1.0", "file:///x-1.0.whl"),
        ({"url": "file:///x", "dir_info": {}}, "from-somewhere==1.0", "file:///x"),
        (
            {"url": "file:///x", "vcs_info": {"vcs": "git", "commit_id": "0a1b"}},
            "from-somewhere==1.0",
            "file:///x",
        ),
        (["no object"], "from-somewhere==1.0", None),
    ],
)
def test_where_a_library_was_installed_from(site: Path, origin: object, pin: str, local: str | None) -> None:
    install(site, "from-somewhere", "1.0", "somewhere.py")
    (site / "from_somewhere-1.0.dist-info" / "direct_url.json").write_text(json.dumps(origin))
    assert pin_distributions(["from-somewhere"]) == (pin,)
    assert find_local_origin("from-somewhere") == local


def test_an_origin_that_cannot_be_read(site: Path) -> None:
    install(site, "from-somewhere", "1.0", "somewhere.py")
    (site / "from_somewhere-1.0.dist-info" / "direct_url.json").write_text("{")
    assert pin_distributions(["from-somewhere"]) == ("from-somewhere==1.0",)


def require(site: Path, name: str, version: str, *requirements: str) -> None:
    install(site, name, version)
    with (site / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA").open("a") as file:
        file.writelines(f"Requires-Dist: {each}\n" for each in requirements)


def test_what_a_library_needs_and_what_that_needs(site: Path) -> None:
    require(site, "upper-one", "1", "Lower_One (>=1)", "left-out; extra == 'more'", "no-such-library")
    require(site, "lower-one", "1", "upper-one", "lowest.one[some]>=1; python_version > '3'")
    require(site, "lowest-one", "1")
    require(site, "left-out", "1")
    assert find_required(["Upper_One"]) == {"upper-one", "lower-one", "lowest-one"}


@pytest.fixture
def torch_for_cpu(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site where torch for the CPU is installed, and a library that needs torch."""
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    require(site, "torch", "2.13.0+cpu")
    require(site, "needs-torch", "1", "torch>=2")
    return site


@pytest.mark.parametrize(
    ("needed", "requirements", "pins"),
    [
        (["needs-torch"], ["needs-torch==1"], ("torch==2.13.0+cpu",)),
        (["pandas"], ["torch"], ("torch==2.13.0+cpu",)),
        (["pandas"], ["torch>=2,<3"], ("torch==2.13.0+cpu",)),
        (["pandas"], ["torch==2.13.0"], ("torch==2.13.0+cpu",)),
        (["pandas"], ["torch==2.13.0+cu126"], ()),
        (["needs-torch"], ["torch<2.13"], ()),
        (["needs-torch"], ["torch @ https://e.org/torch.whl"], ()),
        (["pandas"], ["pandas==3"], ()),
        (["pandas"], ["torchvision"], ()),
    ],
)
def test_a_build_is_named_where_it_is_left_open(
    torch_for_cpu: Path, needed: list[str], requirements: list[str], pins: tuple[str, ...]
) -> None:
    assert pin_builds(needed, requirements) == pins


@pytest.mark.parametrize(("system", "pin"), [("linux", "torch==2.13.0"), ("darwin", "torch==2.13.0+cpu")])
def test_torch_without_a_local_part_has_other_builds_on_other_systems(
    site: Path, monkeypatch: pytest.MonkeyPatch, system: str, pin: str
) -> None:
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    install(site, "torch", "2.13.0")
    monkeypatch.setattr(sys, "platform", system)
    assert pin_distributions(["torch"]) == (pin,)


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
