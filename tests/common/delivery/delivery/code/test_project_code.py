import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tg.common import PackagingError
from tg.common.delivery.delivery.code.project_code import ProjectCode
from tg.common.delivery.delivery.code.project_files import collect_project_files

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(files: "dict[str, str]", below: str = "project") -> Path:
        for name, text in files.items():
            file = tmp_path / below / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path / below

    return write


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def read(folder: "Path | None") -> ProjectCode:
    return ProjectCode(None if folder is None else collect_project_files(folder), 1_000_000, "tg")


def paths(code: ProjectCode) -> list[str]:
    return sorted(str(path) for path in code.files)


def test_a_project_holds_its_modules_and_the_folders_around_them(write: Write) -> None:
    code = read(write({"tasks.py": "", "pkg/__init__.py": "", "pkg/m.py": "", "space/deep/m.py": "", "note.txt": ""}))
    assert code.names == {"tasks", "pkg", "space"}
    held = ["tasks", "pkg", "pkg.m", "space", "space.deep", "space.deep.m"]
    assert [name for name in [*held, "pkg.n", "note", "tasks.x", "task", "tg", "json"] if code.holds(name)] == held


def test_data_files_are_no_modules(write: Write) -> None:
    folder = write({"tasks.py": "", "words/a.txt": "", "tests/m.py": "not python"})
    code = ProjectCode(collect_project_files(folder, ["*.txt", "tests/"], 1_000_000), 1_000_000, "tg")
    assert paths(code) == ["tasks.py", "tests/m.py", "words/a.txt"]
    assert code.names == {"tasks"}
    assert [str(path) for path in code.modules] == ["tasks.py"]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("random.py", "'random', which is in the standard library"),
        ("yaml.py", "'yaml', which is installed as "),
        ("sklearn/__init__.py", "'sklearn', which is installed as "),
    ],
)
def test_a_module_that_hides_another_is_named_where_it_is_imported(write: Write, path: str, what: str) -> None:
    name = path.partition(".")[0].partition("/")[0]
    folder = write({"tasks.py": "import deep", "deep.py": f"def f():\n    import {name}", "other.py": "", path: ""})
    with pytest.raises(PackagingError) as caught:
        read(folder).add_reached(["tasks"])
    assert str(caught.value).startswith(f"project module {path!r} hides {what}")
    assert str(caught.value).endswith(", and deep.py line 2 imports it; rename it, or name it in .tgignore")
    # What an object refers to is what was imported, which is the installed one.
    assert read(folder).add_reached(["other", name]) == {name}
    code = read(folder)
    assert code.names == {"tasks", "deep", "other"}
    assert {str(path): reason for path, reason in code.left_out.items()}[path].startswith(f"hides {what}")
    write({".tgignore": f"/{path}"})
    code = read(write({}))
    assert code.add_reached(["tasks"]) == {name}
    assert code.left_out == {}


def test_a_folder_that_no_import_would_find_hides_nothing(write: Write) -> None:
    code = read(write({"tasks.py": "import sklearn.svm, logging", "sklearn/extra.py": "", "logging/setup.py": ""}))
    assert code.add_reached(["tasks"]) == {"sklearn", "logging"}
    assert sorted(map(str, code.left_out)) == ["logging/setup.py", "sklearn/extra.py"]


def test_our_own_name_is_refused_at_once(write: Write) -> None:
    with pytest.raises(PackagingError, match=r"^project module 'tg/__init__.py' hides 'tg', which is our own package"):
        read(write({"tasks.py": "", "tg/__init__.py": ""}))


BROKEN = {
    "export.py": b"import os\n!pip install x\n%matplotlib inline\n",
    "template.py": b"import {{ cookiecutter.name }}\n",
    "old.py": b"print 'python 2'\n",
    "latin.py": b"name = 'caf\xe9'\n",
    "nul.py": b"x = 1\x00\n",
    "unknown.py": b"# -*- coding: nonsense -*-\n",
    "newer.py": b"def f(x): match x case 1: pass\n",
    "large.py": b"x = 1\n" * 200,
    "broken/__init__.py": b"x = (\n",
}


def write_broken(write: Write, files: "dict[str, str]") -> Path:
    folder = write({**dict.fromkeys(BROKEN, ""), "broken/fine.py": "", **files})
    for name, content in BROKEN.items():
        (folder / name).write_bytes(content)
    (folder / "gone.py").symlink_to(folder / "nowhere.py")
    return folder


def test_what_cannot_be_used_and_is_not_needed_is_left_out_with_the_reason(write: Write) -> None:
    late = "try:\n    import old\nexcept ImportError: ...\ndef f():\n    import latin, broken.fine"
    code = ProjectCode(collect_project_files(write_broken(write, {"tasks.py": late}), (), 1000), 1000, "tg")
    code.add_reached(["tasks"])
    code.leave_out_unusable()
    assert paths(code) == ["broken/fine.py", "tasks.py"]
    assert code.names == {"tasks", "broken"}
    assert sorted(map(str, code.left_out)) == sorted([*BROKEN, "gone.py"])
    reasons = {str(path): reason for path, reason in code.left_out.items()}
    assert reasons["export.py"] == "line 2 is not valid Python: invalid syntax"
    assert reasons["large.py"] == "it has 1,200 bytes, more than the limit of 1,000 for one file"
    assert reasons["latin.py"].startswith("it is not in the encoding that it declares: ")
    assert reasons["gone.py"] == "is a link to nothing"


@pytest.mark.parametrize(
    "source", ["from pkg import old", "from . import old", "import pkg.old", "from pkg.old import x"]
)
def test_a_broken_module_of_a_package_is_an_error_however_it_is_imported(write: Write, source: str) -> None:
    folder = write({"pkg/__init__.py": "", "pkg/tasks.py": source, "pkg/old.py": "print 'python 2'"})
    with pytest.raises(PackagingError, match=r"pkg/old\.py line 1 is not valid Python"):
        read(folder).add_reached(["pkg.tasks"])


def test_a_template_that_a_data_pattern_names_is_a_data_file(write: Write) -> None:
    folder = write({"tasks.py": "", "templates/model.py": "import {{ name }}", "random.py": "", "pkg/m.py": ""})
    code = ProjectCode(collect_project_files(folder, ["templates/", "random.py", "pkg/"], 1_000_000), 1_000_000, "tg")
    code.add_reached(["tasks"])
    code.leave_out_unusable()
    assert paths(code) == ["pkg/m.py", "random.py", "tasks.py", "templates/model.py"]
    assert sorted(map(str, code.modules)) == ["pkg/m.py", "tasks.py"]
    assert code.left_out == {}


@pytest.mark.parametrize("path", BROKEN)
def test_what_cannot_be_used_and_is_needed_is_an_error(write: Write, path: str) -> None:
    name = path.removesuffix(".py").removesuffix("/__init__")
    folder = write_broken(write, {"tasks.py": "import deep", "deep.py": f"import {name}"})
    with pytest.raises(PackagingError, match=r"not valid Python|encoding|more than the limit"):
        ProjectCode(collect_project_files(folder, (), 1000), 1000, "tg").add_reached(["tasks"])


def test_a_module_of_a_package_hides_nothing(write: Write) -> None:
    assert read(write({"pkg/random.py": "", "pkg/tg.py": "", "tgx.py": "", "mytg/__init__.py": ""})).names == {
        "pkg",
        "tgx",
        "mytg",
    }


def test_what_modules_import_is_reached(write: Write) -> None:
    code = read(
        write(
            {
                "tasks.py": "import pkg.m\nfrom tg.common import ml\nimport os.path",
                "pkg/__init__.py": "import yaml",
                "pkg/m.py": "from . import n\nfrom .deep.o import x",
                "pkg/n.py": "def f():\n    import pandas as pd",
                "pkg/deep/o.py": "from importlib import import_module as i, import_module\nimport_module('late')",
                "late.py": "import zipfile",
                "unused.py": "import scipy, no_such_library",
            }
        )
    )
    # `pkg.m.n` and the like are looked for, too: what is imported from a module may be one.
    assert code.add_reached(["tasks"]) == {"os", "yaml", "pandas", "importlib", "zipfile"}
    assert code.add_reached(["pkg.n", "__main__", "tg.common.ml", "builtins"]) == {"yaml", "pandas", "builtins"}
    assert code.add_reached(["label", "http"]) == {"http"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "\nimport no_such",
            "tasks.py line 2 imports 'no_such', which is neither in the project nor installed here; add",
        ),
        ("import no_such.part", "tasks.py line 1 imports 'no_such.part', which is neither"),
        ("from no_such import x", "tasks.py line 1 imports 'no_such', which is neither"),
        ("from pkg.n import x", "tasks.py line 1 imports 'pkg.n', which is neither"),
        ("import pkg.m.x", "tasks.py line 1 imports 'pkg.m.x', which is neither"),
        ("import pkg.m", "pkg/m.py line 1 imports 'no_such', which is neither"),
        ("from pkg import m", "pkg/m.py line 1 imports 'no_such', which is neither"),
    ],
)
def test_a_missing_module_is_named(write: Write, source: str, message: str) -> None:
    code = read(write({"tasks.py": source, "pkg/__init__.py": "", "pkg/m.py": "import no_such"}))
    with pytest.raises(PackagingError) as caught:
        code.add_reached(["tasks"])
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("; add the module or install its library")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import no_such\nexcept ImportError:\n    no_such = None",
        "def f():\n    import no_such",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import no_such",
        "class C:\n    from no_such import x",
        "import_module('no_such')",
        "from pkg import attribute",
        "import json.no_such",  # not ours to judge
    ],
)
def test_what_is_imported_only_if_needed_may_be_missing(write: Write, source: str) -> None:
    read(write({"tasks.py": source, "pkg/__init__.py": "attribute = 1"})).add_reached(["tasks"])


def test_a_missing_module_does_not_matter_where_nothing_reaches_it(write: Write) -> None:
    read(write({"tasks.py": "", "unused.py": "import no_such"})).add_reached(["tasks"])


def test_an_import_that_is_needed_counts_where_the_same_is_also_optional(write: Write) -> None:
    code = read(write({"tasks.py": "try:\n    import no_such\nexcept ImportError: ...\nimport no_such"}))
    with pytest.raises(PackagingError, match=r"tasks.py line 4 imports 'no_such'"):
        code.add_reached(["tasks"])


def test_without_a_folder_modules_are_taken_from_wherever_they_are(write: Write) -> None:
    sys.path += [
        str(write({"nb_one.py": "import nb_two\nfrom nb_pkg.sub import leaf", "nb_unused.py": ""}, "here")),
        str(write({"nb_two.py": "import numpy"}, "there")),
        str(
            write(
                {"nb_pkg/__init__.py": "", "nb_pkg/sub/leaf.py": "from ..other import x", "nb_pkg/more.py": ""}, "far"
            )
        ),
    ]
    write({"nb_pkg/other.py": "import csv"}, "far")
    code = read(None)
    assert code.add_reached(["nb_one", "__main__", "tg.common", "json", "some text"]) == {"numpy", "csv", "json"}
    assert paths(code) == ["nb_one.py", "nb_pkg/__init__.py", "nb_pkg/other.py", "nb_pkg/sub/leaf.py", "nb_two.py"]
    assert code.names == {"nb_one", "nb_two", "nb_pkg"}
    # To look for modules is not to import them.
    assert [name for name in sys.modules if name.startswith("nb_")] == []


def test_what_a_project_needs_from_elsewhere_is_taken_too(write: Write, tmp_path: Path) -> None:
    folder = write({"tasks.py": "import pk_shared\nimport pk_linked.m"})
    sys.path += [str(folder), str(write({"pk_shared.py": "import decimal"}, "shared"))]
    write({"m.py": ""}, "linked")
    (folder / "pk_linked").symlink_to(tmp_path / "linked")
    code = read(folder)
    assert code.add_reached(["tasks"]) == {"decimal"}
    assert paths(code) == ["pk_linked/m.py", "pk_shared.py", "tasks.py"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("pl_local.py", "is left out of packages, since 'pl_local.py' is named in .gitignore"),
        ("pl_notes.py", "is left out of packages, since 'pl_notes.py' is named in .tgignore"),
        ("pl_old/__init__.py", "is left out of packages, since '__init__.py' is named in .gitignore"),
        ("test_pl.py", "is left out of packages, since 'test_pl.py' is named like a test or a build"),
        ("credentials.py", "is left out of packages, since 'credentials.py' looks like a secret"),
        ("pl_fast.abi3.so", "is no Python source"),
    ],
)
def test_a_module_that_is_needed_and_left_out_is_named(write: Write, path: str, reason: str) -> None:
    name = path.partition(".")[0].removesuffix("/__init__")
    folder = write(
        {"tasks.py": f"import {name}", path: "", "lazy.py": f"try:\n    import {name}\nexcept ValueError: 1"}
    )
    write({".gitignore": "pl_local.py\npl_old/\n", ".tgignore": "pl_notes.py", ".git/HEAD": ""})
    sys.path.append(str(folder))
    read(folder).add_reached(["lazy"])
    for start, what in {"tasks": f"tasks.py line 1 imports '{name}'", name: f"the payload refers to '{name}'"}.items():
        with pytest.raises(PackagingError) as caught:
            read(folder).add_reached([start])
        assert str(caught.value) == f"{what}, which {reason} ({folder / path}); move or rename it, or do without it"


def test_a_module_that_is_not_python_is_named(write: Write) -> None:
    code = read(write({"tasks.py": "x =\n"}))
    with pytest.raises(PackagingError, match=r"^tasks\.py line 1 is not valid Python: invalid syntax; correct it"):
        code.add_reached(["tasks"])


def test_a_large_module_from_elsewhere_is_named(write: Write) -> None:
    sys.path.append(str(write({"pz_large.py": "x = 1\n" * 10})))
    code = ProjectCode(None, 59, "tg")
    with pytest.raises(PackagingError, match=r"pz_large\.py' has 60 bytes, more than the limit of 59 for one file"):
        code.add_reached(["pz_large"])


def test_what_hides_an_installed_module_here_is_what_is_taken(write: Write) -> None:
    site = write({"ph_lib.py": "installed = True", "ph_other.py": ""}, "site-packages")
    sys.path[:0] = [str(write({"ph_lib.py": "import decimal"}, "here")), str(site)]
    code = read(None)
    assert code.add_reached(["ph_lib", "ph_other"]) == {"decimal", "ph_other"}
    assert {str(path): file.read_text() for path, file in code.files.items()} == {"ph_lib.py": "import decimal"}
