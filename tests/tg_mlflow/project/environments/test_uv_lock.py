from pathlib import Path

import pytest

from tests.text_file import write_text
from tg_mlflow.errors import ProjectError
from tg_mlflow.project.environments.declaration import Declaration
from tg_mlflow.project.environments.uv_lock import read_uv_lock

pytest.importorskip("tomllib")

LOCK = """
    version = 1
    requires-python = "==3.12.*"

    [[package]]
    name = "colorama"
    version = "0.4.6"
    source = { registry = "https://host/simple" }

    [[package]]
    name = "numpy"
    version = "1.26.4"
    source = { registry = "https://host/simple" }

    [[package]]
    name = "numpy"
    version = "2.3.0"
    source = { registry = "https://host/simple" }

    [[package]]
    name = "pytest"
    version = "8.0.0"
    source = { registry = "https://host/simple" }

    [[package]]
    name = "tools"
    version = "1.0"
    source = { git = "https://host/tools.git?tag=v1#0123abcd" }
    dependencies = [{ name = "trainer" }]

    [[package]]
    name = "trainer"
    version = "0.1"
    source = { editable = "." }
    dependencies = [
        { name = "colorama", marker = "sys_platform == 'win32'" },
        { name = "numpy", version = "1.26.4", marker = "python_full_version < '3.12'" },
        { name = "numpy", version = "2.3.0", marker = "python_full_version >= '3.12'" },
        { name = "tools" },
        { name = "uvicorn", extra = ["standard"] },
    ]

    [package.dev-dependencies]
    dev = [{ name = "pytest" }]

    [[package]]
    name = "uvicorn"
    version = "0.29.0"
    source = { registry = "https://host/simple" }

    [package.optional-dependencies]
    standard = [{ name = "websockets" }]
    other = [{ name = "colorama" }]

    [[package]]
    name = "websockets"
    version = "16.1.1"
    source = { url = "https://host/websockets.whl" }
"""


def test_what_the_project_needs_on_linux_where_it_runs(tmp_path: Path) -> None:
    found = read_uv_lock(write_text(tmp_path / "uv.lock", LOCK))
    assert found == Declaration(
        tmp_path / "uv.lock",
        "==3.12.*",
        (
            "numpy==2.3.0",
            "tools @ git+https://host/tools.git@0123abcd",
            "uvicorn==0.29.0",
            "websockets @ https://host/websockets.whl",
        ),
        installs_itself=True,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('editable = "."', 'registry = "x"'), "not enough values to unpack"),
        (("[[package]]", "[[packages]]"), "string indices must be integers"),
        (('{ name = "tools" }', '{ name = "toolz" }'), "it lacks the package toolz"),
        (("sys_platform ==", "sys_platfrom =="), "sys_platfrom"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    path = write_text(tmp_path / "uv.lock", LOCK.replace(*change))
    with pytest.raises(ProjectError) as caught:
        read_uv_lock(path)
    assert str(caught.value).startswith(f"{path} does not have the form of a uv.lock (")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("); make it again with `uv lock`")
