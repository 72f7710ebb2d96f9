from pathlib import Path

import pytest

from tests.support import ProjectFolder
from tg_mlflow.delivery.secrets import find_secrets
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.project.project import read_project
from tg_mlflow.project.secret_arguments import find_secret_arguments
from tg_mlflow.project.train_command import TrainCommand, parse_train_words

MODELS = """
from pydantic import BaseModel, SecretStr
class Login(BaseModel):
    user: str
    pat: SecretStr
"""

SETTINGS = """
from pydantic import SecretStr as Hidden
from models import Login
class Mine(Login):
    code: Hidden
    next: 'Mine | None' = None
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def build(key: SecretStr, size: int): ...", {"key"}),
        ("def build(a, *, key: 'SecretStr | None' = None): ...", {"key"}),
        (
            "import pydantic\ndef build(key: pydantic.Secret[str], more: list[pydantic.SecretBytes]): ...",
            {"key", "more"},
        ),
        ("from models import Login\ndef build(login: Login | None): ...", {"login.pat"}),
        ("from models import Login as L\nclass Build:\n    def __init__(self, login: list[L]): ...", {"login.pat"}),
        ("class build:\n    key: SecretStr\n    size: int", {"key"}),
        ("from other import build", {"key"}),
        ("class Node:\n    next: 'Node'\ndef build(node: Node): ...", set()),
        ("import models\ndef build(login: 'models.Login'): ...", {"login.pat"}),
        ("import deep.settings as s\ndef build(login: dict[str, s.Mine]): ...", {"login.pat", "login.code"}),
        ("from deep import settings\ndef build(login: settings.Mine): ...", {"login.pat", "login.code"}),
        ("from deep import *\ndef build(login: Mine): ...", {"login.pat", "login.code"}),
        ("from pydantic import SecretStr as Hidden\ndef build(key: Hidden | None): ...", {"key"}),
        ("Key = SecretStr\nKeys = list[Key]\ndef build(keys: Keys): ...", {"keys"}),
        ("class Pair(NamedTuple):\n    user: str\n    code: SecretStr\ndef build(p: Pair): ...", {"p", "p.code"}),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from models import Login\n"
            "def make(login: 'Login'): ...\nbuild = make",
            {"login.pat"},
        ),
        ("def build(Secretary: str, secret: str): ...", set()),
        ("def build(key: SecretStr)", set()),
        ("", set()),
    ],
)
def test_annotations_say_what_is_secret(tmp_path: Path, source: str, expected: set[str]) -> None:
    write(tmp_path, {"models.py": MODELS, "other.py": "def build(key: SecretStr): ...", "tasks.py": source})
    write(tmp_path, {"deep/__init__.py": "from .settings import Mine", "deep/settings.py": SETTINGS})
    name = "Build" if "class Build" in source else "build"
    assert find_secret_arguments(tmp_path, TrainCommand("tasks", name, {})) == expected


def test_a_source_folder_is_searched_and_nothing_is_run(tmp_path: Path) -> None:
    write(tmp_path, {"src/pkg/tasks.py": "raise SystemExit\ndef build(key: SecretStr): ..."})
    assert find_secret_arguments(tmp_path, TrainCommand("pkg.tasks", "build", {})) == {"key"}
    assert find_secret_arguments(tmp_path, TrainCommand("absent", "build", {})) == set()


def test_they_are_masked_whatever_they_are_called_and_however_short(project: ProjectFolder) -> None:
    project.write("models.py", MODELS)
    project.write("more.py", "from models import Login\ndef build(hub: SecretStr, login: Login, size: int): ...")
    words = ["hub=abc", 'login={"user": "somebody", "pat": "horse"}', "size=4711"]
    mask = find_secrets({}, read_project(project.path), parse_train_words("more:build", words), ProcessConfig())
    assert mask.mask("abc horse somebody 4711") == "*** *** somebody 4711"


@pytest.mark.parametrize("text", ["{'user': 'somebody', 'pat': 'horse-or-mule'}", '[{"pat": "horse-or-mule"}]'])
def test_they_are_masked_in_whatever_brackets(project: ProjectFolder, text: str) -> None:
    project.write("models.py", MODELS)
    project.write("more.py", "from models import Login\ndef build(login: list[Login]): ...")
    words = parse_train_words("more:build", [f"login={text}"])
    mask = find_secrets({}, read_project(project.path), words, ProcessConfig())
    assert mask.mask(f"login {text} horse-or-mule") == f"login {text.replace('horse-or-mule', '***')} ***"


@pytest.mark.parametrize("text", ["horse-or-mule", '{"user": "somebody", "pat": "horse-or-mule}'])
def test_what_cannot_be_taken_apart_is_masked_as_a_whole(project: ProjectFolder, text: str) -> None:
    project.write("models.py", MODELS)
    project.write("more.py", "from models import Login\ndef build(login: Login): ...")
    words = parse_train_words("more:build", [f"login={text}"])
    mask = find_secrets({}, read_project(project.path), words, ProcessConfig())
    assert mask.mask(f"login={text}") == "login=***"
