"""The layers of the design, checked on the import statements of every file."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHIPPED = sorted((ROOT / "src" / "tg").rglob("*.py"))
HOST = sorted((ROOT / "mlflow_plugins" / "tg_mlflow").rglob("*.py"))

# What a training image holds besides the standard library, with what these bring along.
IN_THE_IMAGE = {"numpy", "pandas", "pyarrow", "sklearn", "jsonpickle"}

# Each layer, the first match counting, and the layers that it may import besides itself.
LAYERS = {
    "tg.common.delivery.sagemaker": {"tg.common.delivery.delivery", "tg.common.ml.training_core", "tg.common"},
    "tg.common.delivery.delivery": {"tg.common"},
    "tg.common.ml.tables": {"tg.common"},
    "tg.common.ml.training_core": {"tg.common.ml.tables", "tg.common"},
    "tg.common.ml.dft": {"tg.common.ml.tables", "tg.common"},
    "tg.common.ml": {"tg.common.ml.training_core", "tg.common.ml.dft", "tg.common.ml.tables", "tg.common"},
    "tg.common": set(),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> str | None:
    return next((layer for layer in LAYERS if module == layer or module.startswith(f"{layer}.")), None)


def imports(path: Path, top_level_only: bool = False) -> Iterator[tuple[int, str, int]]:
    """Yields each import's line, module and level (0 for an absolute one)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "", node.level


def resolve(path: Path, module: str, level: int) -> str:
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    return ".".join([*package[: len(package) - level + 1], *([module] if module else [])])


def test_there_are_files_to_check() -> None:
    assert len(SHIPPED) > 30
    assert len(HOST) > 10


@pytest.mark.parametrize("path", SHIPPED, ids=module_name)
def test_the_shipped_tree_imports_itself_relatively(path: Path) -> None:
    absolute = [
        f"line {line}: {name}" for line, name, level in imports(path) if level == 0 and name.split(".")[0] == "tg"
    ]
    assert absolute == []


@pytest.mark.parametrize("path", SHIPPED, ids=module_name)
def test_the_shipped_tree_needs_only_what_an_image_has(path: Path) -> None:
    heavy = [
        f"line {line}: {name}"
        for line, name, level in imports(path, top_level_only=True)
        if level == 0 and name.split(".")[0] not in IN_THE_IMAGE | set(sys.stdlib_module_names)
    ]
    assert heavy == []


@pytest.mark.parametrize("path", SHIPPED, ids=module_name)
def test_layers_import_only_what_lies_below(path: Path) -> None:
    layer = layer_of(module_name(path))
    if layer is None:
        return
    wrong = []
    for line, name, level in imports(path):
        target = layer_of(resolve(path, name, level)) if level else None
        if target is not None and target != layer and target not in LAYERS[layer]:
            wrong.append(f"line {line}: {resolve(path, name, level)}")
    assert wrong == []


@pytest.mark.parametrize("path", SHIPPED, ids=module_name)
def test_the_shipped_tree_does_not_know_the_plugin(path: Path) -> None:
    assert [name for _, name, _ in imports(path) if name.split(".")[0] in ("mlflow", "tg_mlflow")] == []


@pytest.mark.starts_process
def test_importing_the_shipped_tree_brings_in_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import tg.common.delivery.sagemaker, tg.common.delivery.delivery\n"
        "import tg.common.ml.single_frame_training, tg.common.ml.dft\n"
        "heavy = {'docker', 'boto3', 'botocore', 'sagemaker', 'mlflow', 'tqdm', 'pydantic', 'dotenv'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
