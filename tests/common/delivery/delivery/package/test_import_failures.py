import pytest

from tg.common.delivery.delivery.package.import_failures import describe_import_failure


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


GOMP = "libgomp.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(GOMP),
            "the shared library 'libgomp.so.1' is missing; for an image that is built here, add "
            '"build": {"apt_packages": ["libgomp1"]}',
        ),
        (
            ImportError("libGL.so.1: cannot open shared object file: No such file or directory"),
            "the shared library 'libGL.so.1' is missing; for an image that is built here, add "
            '"build": {"apt_packages": ["libgl1"]}',
        ),
        (
            ValueError(f"Library could not be loaded.\n  Error message(s): ['{GOMP}']"),
            "the shared library 'libgomp.so.1' is missing; for an image that is built here, add "
            '"build": {"apt_packages": ["libgomp1"]}',
        ),
        (
            ImportError("/usr/lib/libodd.so.7: cannot open shared object file: No such file or directory"),
            "the shared library 'libodd.so.7' is missing; for an image that is built here, add the Debian package "
            'that has it: "build": {"apt_packages": ["…"]}',
        ),
        (
            ModuleNotFoundError("No module named 'openpyxl.cell'", name="openpyxl.cell"),
            "the module 'openpyxl.cell' is missing; for an image that is built here, add its library, such as "
            '"requirements": ["openpyxl"]',
        ),
        (
            ImportError("Missing optional dependency 'lxml'.  Use pip or conda to install lxml."),
            "the module 'lxml' is missing; for an image that is built here, add its library, such as "
            '"requirements": ["lxml"]',
        ),
        (
            ImportError("cannot import name 'Frame' from 'pandas.core' (/x/pandas/core/__init__.py)"),
            "'pandas.core' has no 'Frame': the installed version of 'pandas' is another one than this code expects; "
            'for an image that is built here, name the version, such as "requirements": ["pandas==…"]',
        ),
        (
            ImportError("/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /x/y.so)"),
            "GLIBC_2.38 is missing: the system is older than an installed library expects "
            "(/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /x/y.so)); for an image "
            "that is built here, name a newer base_image",
        ),
        (
            OSError("/x/lib.so: wrong ELF class: ELFCLASS32"),
            "an installed library is made for another processor (/x/lib.so: wrong ELF class: ELFCLASS32); name a "
            "base_image of this platform",
        ),
        (
            caused(RuntimeError("no engine"), ModuleNotFoundError("No module named 'tables'", name="tables")),
            "the module 'tables' is missing; for an image that is built here, add its library, such as "
            '"requirements": ["tables"]',
        ),
    ],
)
def test_what_is_missing_and_the_key_that_adds_it(error: Exception, line: str) -> None:
    assert describe_import_failure(error) == line


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), FileNotFoundError(2, "No such file or directory", "x.csv"), ImportError("odd"), KeyError()],
)
def test_other_errors(error: Exception) -> None:
    assert describe_import_failure(error) is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ModuleNotFoundError("No module named 'old'", name="old"), "old"),
        (ModuleNotFoundError("No module named 'Churn__0.lib.old'", name="Churn__0.lib.old"), "lib.old"),
        (
            ImportError("cannot import name 'old' from 'Churn__0.lib' (/x/lib/__init__.py)", name="Churn__0.lib"),
            "lib.old",
        ),
        (caused(RuntimeError("no"), ModuleNotFoundError("No module named 'old'", name="old")), "old"),
    ],
)
def test_a_module_of_the_project_is_never_taken_for_a_library(error: Exception, name: str) -> None:
    line = describe_import_failure(error, {name: "line 3 is not valid Python: invalid syntax", "lib": "is too large"})
    assert line == (
        f"the project's module {name!r} is not in the package (line 3 is not valid Python: invalid syntax); "
        "correct it, or do without it"
    )


@pytest.mark.parametrize("name", ["gold", "old.er", "lib"])
def test_a_library_of_a_similar_name_is_one(name: str) -> None:
    error = ModuleNotFoundError(f"No module named {name!r}", name=name)
    assert describe_import_failure(error, {"old": "is too large", "lib.old": "likewise"}) == describe_import_failure(
        error
    )
