import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery import collect_project_files
from tg.common.delivery.delivery.code.project_code import ProjectCode
from tg.common.delivery.delivery.code.source_folders import find_declared_sources, find_source_folders, is_own_path

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(files: "list[str] | dict[str, str]", below: str = "project") -> Path:
        for name, text in files.items() if isinstance(files, dict) else dict.fromkeys(files, "").items():
            file = tmp_path / below / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path / below

    return write


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds folders to where modules are imported from."""
    return lambda *folders: monkeypatch.setattr(sys, "path", [*map(str, folders), *sys.path])


def names(folder: Path, *patterns: str) -> tuple[list[str], list[str]]:
    found = collect_project_files(folder, patterns)
    return [str(path) for path in found.modules], [str(path) for path in found.data]


@pytest.mark.parametrize("source", ["src", "code", "lib/python"])
def test_a_module_has_the_name_by_which_it_is_imported_and_data_lie_beside_it(
    write: Write, importing: Callable[..., None], source: str
) -> None:
    below = ["churn/__init__.py", "churn/deep/m.py", "space/m.py", "single.py", "churn/words.txt", "churn/deep/x.txt"]
    folder = write(["tasks.py", "notes.txt", *(f"{source}/{name}" for name in below)])
    importing(folder, folder / source)
    modules = ["churn/__init__.py", "churn/deep/m.py", "single.py", "space/m.py", "tasks.py"]
    assert names(folder, "words.txt") == (modules, ["churn/words.txt"])
    assert names(folder, "churn/deep/*.txt")[1] == ["churn/deep/x.txt"]
    assert names(folder, f"{source}/churn/")[1] == ["churn/deep/x.txt", "churn/words.txt"]
    assert names(folder, "*.txt")[1] == ["churn/deep/x.txt", "churn/words.txt", "notes.txt"]
    code = ProjectCode(collect_project_files(folder, ["words.txt"], 1_000_000), 1_000_000, "tg")
    code.add_reached(["churn.deep.m", "tasks"])
    assert sorted(map(str, code.files)) == sorted([*modules, "churn/words.txt"])


def test_what_is_not_imported_from_a_folder_keeps_that_folder_in_its_name(write: Write) -> None:
    # Many projects have `from src.model import …`, without a word anywhere that src is a source folder.
    folder = write(["src/model.py", "src/words.txt"])
    assert names(folder, "words.txt") == (["src/model.py"], ["src/words.txt"])


def test_environments_in_a_project_are_no_source_folders(write: Write, importing: Callable[..., None]) -> None:
    folder = write(["tasks.py", "src/m.py", ".venv/lib/site-packages/a.py", "env/lib/python3.12/b.py"])
    write(["env/conda-meta/history", "venv/pyvenv.cfg", "venv/lib/c.py"])
    places = [folder, "src", ".venv/lib/site-packages", "env/lib/python3.12", "venv/lib", "nowhere"]
    importing(*(folder / place for place in places))
    assert find_source_folders(folder) == [folder / "src"]
    assert [is_own_path(folder, folder / place) for place in places] == [True, True, False, False, False, True]
    assert not is_own_path(folder, folder.parent)


def test_of_modules_of_one_name_that_is_taken_which_is_imported(write: Write, importing: Callable[..., None]) -> None:
    folder = write(["src/a.py", "src/plugins/b.py", "src/plugins/c.py", "src/c.py", "a.py"])
    importing(folder / "src", folder / "src/plugins")
    found = collect_project_files(folder)
    assert {str(path): str(file.relative_to(folder)) for path, file in found.modules.items()} == {
        "a.py": "a.py",
        "b.py": "src/plugins/b.py",
        "c.py": "src/plugins/c.py",
    }


def test_a_project_says_itself_where_its_sources_are(write: Write) -> None:
    folder = write(["src/churn/__init__.py", "src/other.py", "tasks.py"])
    assert find_declared_sources(folder, ["tasks"]) == []
    assert find_declared_sources(folder, ["tasks", "churn.training"]) == [folder / "src"]
    assert find_declared_sources(folder, ["other"]) == [folder / "src"]
    assert find_declared_sources(folder, ["src.other", "absent"]) == []
    write(["churn.py"])
    assert find_declared_sources(folder, ["churn"]) == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python reads TOML from 3.11 on")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[tool.setuptools.packages.find]\nwhere = ["lib", "src"]', ["lib", "src"]),
        ('[tool.setuptools]\npackage-dir = {"" = "src"}\npackages = ["churn"]', ["src"]),
        ('[tool.setuptools.packages.find]\nwhere = [".", "gone", "../out"]', []),
        ('[tool.poetry]\npackages = [{include = "b", from = "lib"}, {include = "a"}]', ["lib"]),
        ('[tool.hatch.build.targets.wheel]\npackages = ["lib/b", "tasks"]', ["lib"]),
        ('[tool.pdm.build]\npackage-dir = "lib"', ["lib"]),
        ('[tool.uv.build-backend]\nmodule-root = "lib"', ["lib"]),
        ('[tool]\npoetry = 1\nsetuptools = {packages = {find = {where = 1}}}\nhatch = "x"', []),
        ("[tool", []),
        ('[project]\nname = "x"', []),
    ],
)
def test_pyproject_is_read(write: Write, text: str, expected: list[str]) -> None:
    folder = write({"src/a.py": "", "lib/b.py": "", "pyproject.toml": text})
    write(["m.py"], "out")
    assert find_declared_sources(folder, []) == [folder / place for place in expected]


def test_files_beside_code_outside_the_project_are_named(write: Write, importing: Callable[..., None]) -> None:
    folder = write({"tasks.py": "import pl_lib.reader"})
    shared = write(["pl_lib/__init__.py", "pl_lib/reader.py", "pl_lib/words.txt", "pl_lib/deep/more.txt"], "shared")
    importing(folder, shared)
    for pattern in ("pl_lib/words.txt", "../shared/pl_lib/words.txt", str(shared / "pl_lib/words.txt")):
        found = collect_project_files(folder, [pattern])
        assert found.data == {next(iter(found.data)): shared / "pl_lib/words.txt"}
        assert [str(path) for path in found.data] == ["pl_lib/words.txt"]
    assert names(folder, "pl_lib/**/*.txt")[1] == ["pl_lib/deep/more.txt", "pl_lib/words.txt"]
    assert names(folder, "../shared/pl_lib/*.txt")[1] == ["pl_lib/words.txt"]
    assert names(folder, "../shared/pl_lib/**/m*.txt")[1] == ["pl_lib/deep/more.txt"]
    assert names(folder, "../shared/pl_lib/deep")[1] == ["pl_lib/deep/more.txt"]
    code = ProjectCode(collect_project_files(folder, ["pl_lib/words.txt"], 1_000_000), 1_000_000, "tg")
    code.add_reached(["tasks"])
    assert sorted(map(str, code.files)) == ["pl_lib/__init__.py", "pl_lib/reader.py", "pl_lib/words.txt", "tasks.py"]


def test_a_package_outside_that_is_not_on_the_path_is_known_by_its_init(write: Write) -> None:
    folder = write(["tasks.py"])
    write(["pm_lib/__init__.py", "pm_lib/data/__init__.py", "pm_lib/data/a.csv"], "shared")
    assert names(folder, "../shared/pm_lib/data/a.csv")[1] == ["pm_lib/data/a.csv"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("../shared/pn_lib/server.key", "looks like a secret, and packages hold none"),
        ("pn_lib/.env", "looks like a secret, and packages hold none"),
        ("../shared/pn_lib/absent.txt", "matches no file in"),
        ("pn_lib/absent.txt", "matches no file in"),
        ("../alone/a.txt", "is beside no module that can be imported here"),
        ("../shared/pn_lib/large.txt", "has 101 bytes, more than the limit of 100"),
    ],
)
def test_what_may_not_be_taken_from_outside_is_refused(
    write: Write, importing: Callable[..., None], pattern: str, message: str
) -> None:
    folder = write(["tasks.py"])
    shared = write(["pn_lib/__init__.py", "pn_lib/server.key", "pn_lib/.env"], "shared")
    write({"pn_lib/large.txt": "x" * 101}, "shared")
    write(["a.txt"], "alone")
    importing(shared)
    with pytest.raises(PackagingError) as caught:
        collect_project_files(folder, [pattern], 100)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
