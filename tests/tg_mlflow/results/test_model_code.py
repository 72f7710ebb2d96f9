"""The code of a logged model, as a process finds it that loads the model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tg_mlflow.results.model_code import pack_code

LOADER = "tg/common/delivery/sagemaker/runtime/model_loader.py"
PROGRAM = """
import json, os, subprocess, sys
import Points__0.words
from importlib.resources import files

def describe():
    beside = os.path.join(os.path.dirname(Points__0.words.__file__), "words.txt")
    resource = files("Points__0").joinpath("words.txt")
    return [Points__0.__file__, open(beside).read(), resource.read_text(), Points__0.STATE]

found = [describe()]
if len(sys.argv) == 1:
    child = subprocess.run([sys.executable, __file__, "child"], stdout=subprocess.PIPE, check=True)
    found += json.loads(child.stdout)
    if os.fork() == 0:
        sys.exit()  # the end of a fork removes nothing
    os.wait()
    found.append(describe())
print(json.dumps(found))
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder for the path, with the packed code of a package."""
    module = tmp_path / "package" / "Points__0"
    for number, folder in enumerate(Path(LOADER).parents):
        (module / folder).mkdir(parents=True, exist_ok=True)
        (module / folder / "__init__.py").write_text("STATE = []\n" if number == len(Path(LOADER).parents) - 1 else "")
    (module / LOADER).write_text("import Points__0\n\ndef prepare():\n    Points__0.STATE.append('prepared')\n")
    (module / "words.py").write_text("")
    (module / "words.txt").write_text("angry\n")
    return pack_code(module, tmp_path / "code").parent


@pytest.mark.starts_process
def test_code_is_unpacked_once_for_a_process_and_those_that_it_starts(code: Path, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    result = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": str(code), "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        check=True,
    )
    own, childs, later = json.loads(result.stdout)
    assert Path(own[0]).is_relative_to(tmp_path / "temporary")
    assert own[1:] == ["angry\n", "angry\n", ["prepared"]]
    assert own == childs == later
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_same_code_gives_the_same_files(code: Path, tmp_path: Path) -> None:
    again = pack_code(tmp_path / "package" / "Points__0", tmp_path / "again")
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in (code / "Points__0").iterdir()
    }
    assert sorted(path.name for path in again.iterdir()) == ["__init__.py", "code.zip"]
