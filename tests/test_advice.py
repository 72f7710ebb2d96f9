"""What messages advise to set is there: a key of the backend config, or an argument of a class that users call."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.import_graph import ROOT
from tg_mlflow.places.registry import list_places

VERBS = "add|change|correct|give|key|keys|leave out|lower|name|pass|raise|remove|set|use"
# Names have an underscore; of those without one, only these are looked for.
NAMES = r"[a-z]+(?:_[a-z0-9]+)+|platform|limits?"
ADVICE = re.compile(
    rf"\b(?:{VERBS})\s+(?:an?\s+|another\s+|no\s+|the\s+)?({NAMES})\b(?!\.)"  # set max_run_seconds
    rf"|\"({NAMES}|[a-z]{{4,}})\": (?:\[|{{|\"|\w)"  # add "requirements": ["numpy"]
)
# Names of MLflow's and of libraries.
OF_OTHERS = {"entry_points", "tz_localize"}


def list_keys() -> Iterator[str]:
    models: list[Any] = [place.config_model for place in list_places().values()]
    while models:
        for name, field in models.pop().model_fields.items():
            yield name
            if hasattr(field.annotation, "model_fields"):
                models.append(field.annotation)


def list_arguments(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_")):
                yield from (each.arg for each in [*node.args.args, *node.args.kwonlyargs])


def list_texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def find_advised(text: str) -> set[str]:
    return {first or second for first, second in ADVICE.findall(text)}


def test_advice_is_recognized() -> None:
    text = 'name another one, or set platform to x; give another base_image; add "build": {"apt_packages": ["x"]}'
    assert find_advised(text) == {"platform", "base_image", "build", "apt_packages"}
    assert find_advised("if they are to be trusted, raise the limit") == {"limit"}


def test_what_messages_advise_to_set_is_there() -> None:
    known = {*list_keys(), *list_arguments(ROOT / "src" / "tg" / "common" / "ml"), *OF_OTHERS}
    paths = [path for tree in ("src", "mlflow_plugins") for path in sorted((ROOT / tree).rglob("*.py"))]
    paths = [path for path in paths if path.parent.name != "testing"]  # it gives wrong keys on purpose
    wrong = {
        f"{path.name}: {name}" for path in paths for text in list_texts(path) for name in find_advised(text) - known
    }
    assert wrong == set()
