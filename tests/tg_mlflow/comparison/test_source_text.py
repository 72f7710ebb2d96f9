"""The text of modules without what packaging has done to it."""

from pathlib import PurePosixPath

import pytest

from tg.common.delivery.delivery.code.import_rewriter import rewrite_imports
from tg_mlflow.comparison.source_text import diff_texts, restore_imports

ROOT = "Task__1a2b3c4d"


@pytest.mark.parametrize(
    "text",
    [
        "import a",
        "import a.b",
        "import a.b as c",
        "import a as b",
        "from a.b import c, d as e",
        "from a import b",
        "from . import b",
        "import numpy as np\nfrom tg.common.ml import dft",
        'model = load("a.b:Model")\nimportlib.import_module("a.b")',
        "def f():\n    import a.b.c; return a",
        'text = "Task__1a2b3c4dx"',
    ],
)
def test_imports_are_those_of_the_project(text: str) -> None:
    packaged = rewrite_imports(text, PurePosixPath("tasks.py"), ROOT, {"a", "tg"})
    assert restore_imports(packaged, ROOT) == text


def test_line_numbers_stay_where_an_import_took_several_lines() -> None:
    packaged = rewrite_imports("from a import (\n    b,\n    c,\n)\nC = 1\n", PurePosixPath("tasks.py"), ROOT, {"a"})
    assert restore_imports(packaged, ROOT) == "from \\\n\\\n\\\na import b, c\nC = 1\n"


def test_what_cannot_be_undone_is_the_same_in_all_versions() -> None:
    text = 'import os, a\nm = __import__("a.b")\n'
    packaged = rewrite_imports(text, PurePosixPath("tasks.py"), ROOT, {"a"})
    assert restore_imports(packaged, ROOT) == 'import os; import a\nm = __import__("a.b").a\n'


def test_another_version_of_the_package_leaves_no_trace() -> None:
    text = "import a.b\nfrom a import c\nimport os, a\n"
    packaged = [rewrite_imports(text, PurePosixPath("tasks.py"), root, {"a"}) for root in ("T__1", "Other__2")]
    assert restore_imports(packaged[0], "T__1") == restore_imports(packaged[1], "Other__2")


def test_a_changed_line_is_shown_as_diff_does() -> None:
    assert diff_texts("tasks.py", "a\nb\nc\n", "a\nB\nc") == (
        "--- a/tasks.py\n+++ b/tasks.py\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ No newline at end of file\n"
    )


def test_only_line_feeds_end_lines() -> None:
    assert diff_texts("a", "a\rb\u2028c\n", "a\rb\u2028d\n") == (
        "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\rb\u2028c\n+a\rb\u2028d\n"
    )


def test_a_file_that_only_one_run_has() -> None:
    assert diff_texts("new.py", None, "a\n") == "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+a\n"
    assert diff_texts("empty.py", None, "") == ""


def test_lines_of_data_that_are_the_same_are_not_shown_as_changed() -> None:
    rows = ["0\n", "1\n"] * 50_000
    shown = diff_texts("data.csv", "".join(rows), "".join([*rows[:60_000], "2\n", *rows[60_000:]]))
    assert shown == "--- a/data.csv\n+++ b/data.csv\n@@ -59998,6 +59998,7 @@\n 1\n 0\n 1\n+2\n 0\n 1\n 0\n"
