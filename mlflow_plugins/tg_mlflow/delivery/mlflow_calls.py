"""Finds calls of MLflow in the code of a task, which has no run to write to where it runs."""

import ast
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tg.common.delivery.delivery.code.project_imports import parse_module
from tg.common.delivery.delivery.code.python_source import read_python_source

_logger = logging.getLogger("mlflow.tg_mlflow")

_MOST_SHOWN = 10
_OUTPUT_METRIC = "environment.output_metric"
_STORE_ARTIFACT = "environment.store_artifact"
# Functions that write to a tracking server, by the last part of their names, and what does the same in a task. The rest
# of MLflow, such as its flavours' save_model or infer_signature, needs no server.
_INSTEAD = (
    (r"log_metrics?", f"use {_OUTPUT_METRIC}"),
    (r"log_(artifacts?|figure|image|text|dict|table)", f"use {_STORE_ARTIFACT}"),
    (r"log_params?", "use parameters of the entry point"),
    (r"set_tags?|set_experiment_tags?|delete_tag", "use the key tags of the backend config"),
    (r"autolog|log_model|register_model", "not needed: metrics and the model of a single-frame training are recorded"),
    (r"log_inputs?", "not needed: the dataset is recorded"),
    (r"start_run|end_run|active_run|last_active_run", "not needed: each training has a run"),
    (r"set_experiment|create_experiment", "use --experiment-name"),
    (r"set_tracking_uri|set_registry_uri", "set MLFLOW_TRACKING_URI where it is launched"),
    (r"MlflowClient|log_\w+|search_runs|evaluate", f"use {_OUTPUT_METRIC} and {_STORE_ARTIFACT}"),
)


def warn_of_mlflow_calls(modules: Mapping[PurePosixPath, Path], backend: str) -> None:
    """Logs one warning if the modules that a task needs write to MLflow.

    Args:
        modules: The modules' files, by their paths in the package.
        backend: The name of the place where the task runs.
    """
    found = [
        f"{path} line {line}: {name} ({instead})"
        for path, file in sorted(modules.items())
        for line, name, instead in find_mlflow_calls(read_python_source(file)[0], path)
    ]
    if not found:
        return
    more = f"; and {len(found) - _MOST_SHOWN:,} more" if len(found) > _MOST_SHOWN else ""
    _logger.warning(
        "The task's code calls MLflow, which has no run to write to where %s trains; what it logs is lost: %s%s",
        backend,
        "; ".join(found[:_MOST_SHOWN]),
        more,
    )


def find_mlflow_calls(source: str, path: PurePosixPath) -> Iterator[tuple[int, str, str]]:
    """Yields where a module writes to MLflow: the line, what it uses, and what to use in a task instead.

    Args:
        source: The module's text.
        path: How to name it in a message.

    Raises:
        PackagingError: If it is not Python that this interpreter understands.
    """
    if "mlflow" not in source:
        return
    tree = parse_module(source, path)
    names = dict(_list_names(tree))
    seen = set[tuple[int, str]]()
    # A job imports the module, so what only runs as a program does not count.
    imported = (node for statement in tree.body if not _is_program(statement) for node in ast.walk(statement))
    for node in imported:
        if not isinstance(node, (ast.Attribute, ast.Name)):
            continue
        name = _resolve(node, names)
        instead = _find_instead(name) if name else None
        if name and instead and (node.lineno, name) not in seen:
            seen.add((node.lineno, name))
            yield node.lineno, name, instead


def _is_program(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _list_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Returns the functions of MLflow behind a module's names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "mlflow":
                    yield alias.asname or "mlflow", alias.name if alias.asname else "mlflow"
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] == "mlflow":
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _resolve(node: ast.AST, names: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        holder = _resolve(node.value, names)
        return None if holder is None else f"{holder}.{node.attr}"
    return None


def _find_instead(name: str) -> str | None:
    last = name.rpartition(".")[2]
    return next((instead for pattern, instead in _INSTEAD if re.fullmatch(pattern, last)), None)
