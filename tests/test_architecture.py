"""The rooms of both trees and the rules between them, checked on the import statements of every file.

`docs/architecture.md` explains the rooms.
"""

import ast
import importlib
import subprocess
import sys
from collections import Counter

import pytest

from tests.import_graph import ROOT, ImportGraph
from tg.common.delivery.delivery.package.shipped_tree import read_shipped_tree

SHIPPED = ImportGraph("src", "tg")
HOST = ImportGraph("mlflow_plugins", "tg_mlflow")

# What a training image holds besides the standard library, with what these bring along.
IN_THE_IMAGE = {"numpy", "pandas", "pyarrow", "sklearn", "jsonpickle"}

# The modules of a job's store that MLflow, which needs PyYAML itself, imports.
PLUGINS = {
    "artifact_plugin",
    "artifact_repository",
    "registry_plugin",
    "registry_store",
    "tracking_plugin",
    "tracking_store",
}

# The rooms of the host tree, a floor a line: a room imports rooms of lower floors only.
HOST_FLOORS = [
    {""},  # the face, `tg_mlflow` itself
    {"cli", "notebook", "testing"},
    {"backend", "reproduction"},
    {"sweeps"},
    {"takeover", "sweeps.report", "listing"},
    {"training"},
    {"recording", "results", "delivery", "registration", "usage", "cost"},
    {"replay", "description"},
    {"places", "figures", "comparison", "scaffolding"},
    {"diagnosis"},
    {"tracking", "project", "console"},
    {"project.arguments", "project.environments"},
    {"errors"},
]
# Rooms that may import less than what lies below them.
HOST_LIMITS = {
    "comparison": {"tracking", "errors"},
    "console": {"errors"},
    "figures": set(),
    "sweeps.report": {"description", "results", "figures", "tracking", "errors"},
    "description": {"tracking", "errors"},
    "diagnosis": {"tracking", "errors"},
    "listing": {"description", "tracking", "errors"},
    "recording": {"replay", "tracking", "errors"},
    "replay": {"tracking", "errors"},
    "registration": {"places", "tracking", "errors"},
    "scaffolding": {"project", "errors"},
    "results": {"figures", "places", "tracking", "errors"},
    "testing": {"backend", "places", "errors"},
    "usage": {"tracking", "errors"},
    "cost": {"places", "description", "tracking", "errors"},
}
# Who may name SageMaker besides the places: MLflow's adapter, which registers it, and the command that uploads to it.
MAY_NAME_SAGEMAKER = ("places.", "backend", "cli.upload", "sweeps.existing_job")

# Each room of the shipped tree and the rooms that it may import besides `tg.common` itself.
SHIPPED_ROOMS = {
    "common.secrets": set(),
    "common.system": set(),
    "common.ml.tables": set(),
    "common.ml.training_core": {"ml.tables", "secrets", "system"},
    "common.ml.dft": {"ml.tables"},
    "common.ml.single_frame_training": {
        "ml.training_core",
        "ml.dft",
        "ml.tables",
        "ml.single_frame_training.learners",
    },
    "common.ml.single_frame_training.learners": set(),
    "common.ml.incremental_training": {
        "ml.training_core",
        "ml.tables",
        "ml.single_frame_training",
        "ml.single_frame_training.learners",
    },
    "common.ml": {"ml.training_core", "ml.dft", "ml.tables", "ml.single_frame_training"},
    "common.delivery.delivery.code": {"system"},
    "common.delivery.delivery.package": {"delivery.delivery.code", "system"},
    "common.delivery.delivery.image": {"delivery.delivery.package", "delivery.delivery.code", "secrets", "system"},
    "common.delivery.delivery": {
        "delivery.delivery.image",
        "delivery.delivery.package",
        "delivery.delivery.code",
        "system",
    },
}
_SAGEMAKER = {
    "contract": set(),
    "naming": set(),
    "options": {"contract", "naming"},
    "job_files": {"contract", "naming"},
    "archive": set(),
    "mlflow_store": {"contract"},
    "distribution": {"contract"},
    "runtime": {"archive", "contract", "distribution", "mlflow_store"},
    "command": {"contract", "distribution", "runtime"},
    "executor": {"archive", "contract", "job_files", "naming", "options", "runtime"},
    "aws": {"executor"},
    "machine": {"archive", "contract", "executor", "job_files", "options", "runtime"},
    "container": {"archive", "contract", "executor", "job_files", "options", "runtime"},
    "remote": {"archive", "aws", "contract", "executor", "job_files", "naming", "options", "runtime"},
    "notebook": {"archive", "aws", "container", "contract", "executor", "machine", "options", "remote"},
    "tuning": {"executor", "remote", "options"},
}
# What of the other rooms each may use: a package for all, an image for those that build or run one.
_BELOW = {"delivery.delivery", "delivery.delivery.package", "secrets", "system", "ml.training_core"}
_WITH_IMAGES = {"aws", "container", "executor", "notebook", "remote"}
for _room, _others in _SAGEMAKER.items():
    SHIPPED_ROOMS[f"common.delivery.sagemaker.{_room}"] = {
        *(f"delivery.sagemaker.{each}" for each in _others),
        *(_BELOW if _room not in ("contract", "mlflow_store", "naming") else ()),
        *({"delivery.delivery.image"} if _room in _WITH_IMAGES else ()),
    }
SHIPPED_ROOMS["common.delivery.sagemaker"] = {
    "delivery.delivery",
    *(f"delivery.sagemaker.{each}" for each in _SAGEMAKER),
}


def host_room(module: str) -> str:
    room = HOST.room_of(module)
    return "errors" if module == "tg_mlflow.errors" else room


def test_there_are_files_to_check() -> None:
    assert len(SHIPPED.paths) > 200
    assert len(HOST.paths) > 90
    assert {host_room(module) for module in HOST.paths} == {room for floor in HOST_FLOORS for room in floor}


def test_a_room_of_the_host_imports_what_lies_below_it() -> None:
    floors = {room: number for number, rooms in enumerate(reversed(HOST_FLOORS)) for room in rooms}
    wrong = []
    for module, found in HOST.imports.items():
        room = host_room(module)
        for each in found:
            if each.module not in HOST.paths or (target := host_room(each.module)) == room:
                continue
            if floors[target] >= floors[room]:
                wrong.append(f"{module}, line {each.line}: {room or 'the face'} stands below or beside {target}")
            elif target not in HOST_LIMITS.get(room, {target}):
                wrong.append(
                    f"{module}, line {each.line}: {room} imports {sorted(HOST_LIMITS[room])} only, not {target}"
                )
    assert wrong == []


def test_a_room_of_the_shipped_tree_imports_what_its_rule_names() -> None:
    wrong = []
    for module, found in SHIPPED.imports.items():
        room = SHIPPED.room_of(module)
        if room in ("", "common", "common.delivery"):
            continue
        assert room in SHIPPED_ROOMS, f"the room {room} of {module} has no rule"
        for each in found:
            target = SHIPPED.room_of(each.module) if each.module in SHIPPED.paths else "common"
            if target not in ("common", room) and target.removeprefix("common.") not in SHIPPED_ROOMS[room]:
                wrong.append(f"{module}, line {each.line}: {room} must not import {target}")
    assert wrong == []


def test_nothing_is_imported_in_a_circle_and_the_host_stands_on_ten_floors_at_most() -> None:
    SHIPPED.count_floors()
    assert max(HOST.count_floors().values()) <= 10


def test_folders_and_files_are_of_a_size_to_be_read() -> None:
    paths = [path for graph in (SHIPPED, HOST) for path in graph.paths.values()]
    crowded = {str(folder): count for folder, count in Counter(path.parent for path in paths).items() if count > 20}
    long = {str(path): count for path in paths if (count := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert (crowded, long) == ({}, {})


def test_each_room_says_what_it_is_for() -> None:
    faces = [path for graph in (SHIPPED, HOST) for path in graph.paths.values() if path.name == "__init__.py"]
    silent = [str(path.relative_to(ROOT)) for path in faces if not path.read_text(encoding="utf-8").startswith('"""')]
    empty = [str(path.relative_to(ROOT)) for path in faces if path.read_text(encoding="utf-8").startswith('""""""')]
    assert (silent, empty) == ([], [])


def test_a_face_offers_no_name_that_one_of_its_modules_has() -> None:
    """The module would take the name's place as soon as it is imported."""
    wrong = []
    for graph in (SHIPPED, HOST):
        for module, path in graph.paths.items():
            if path.name == "__init__.py":
                names = set(vars(importlib.import_module(module)).get("_HOMES", ()))
                wrong += [f"{module}: {each}" for each in sorted(names) if f"{module}.{each}" in graph.paths]
    assert wrong == []


def test_sagemaker_is_known_where_it_may_be() -> None:
    naming = {
        module.removeprefix("tg_mlflow.")
        for module, found in HOST.imports.items()
        for each in found
        if "delivery.sagemaker.remote" in each.module or "places.sagemaker" in each.module or ".aws." in each.module
    }
    assert {module for module in naming if not module.startswith(MAY_NAME_SAGEMAKER)} == set()


def test_figures_know_pandas_and_matplotlib_only() -> None:
    known = {"numpy", "pandas", "matplotlib", "sklearn", "tg", "tg_mlflow", *sys.stdlib_module_names}
    found = {
        each.module.split(".")[0]
        for module in HOST.paths
        if host_room(module) == "figures"
        for each in HOST.imports[module]
    }
    assert found - known == set()


def test_the_core_knows_no_place_of_others() -> None:
    texts = [path.read_text(encoding="utf-8") for graph in (SHIPPED, HOST) for path in graph.paths.values()]
    assert [text for text in texts if "tg_ssh" in text or "tg-ssh" in text] == []


def test_a_package_has_no_room_that_only_launchers_use() -> None:
    files = read_shipped_tree([])
    packed = {room for room in _SAGEMAKER if any(f"delivery/sagemaker/{room}/" in name for name in files)}
    assert packed == {"contract", "archive", "command", "distribution", "mlflow_store", "runtime"}


def test_no_interrupt_slips_past_what_cleans_up_after_it() -> None:
    # Python 3.11 and 3.12 take a signal between two rounds of a loop to come before it: if that is what a `try` begins
    # with, before the `try`. No handler and no `with` around it is told then.
    paths = [path for graph in (SHIPPED, HOST) for path in graph.paths.values()]
    tries = {
        f"{path.relative_to(ROOT)}:{node.lineno}": node
        for path in (*paths, *(ROOT / "examples").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Try)
    }
    cleaning = {
        place: node
        for place, node in tries.items()
        if node.finalbody or any(each.type is None or "Error" not in ast.unparse(each.type) for each in node.handlers)
    }
    assert len(cleaning) > 100
    assert [place for place, node in cleaning.items() if isinstance(node.body[0], ast.While)] == []


@pytest.mark.parametrize("module", sorted(SHIPPED.paths))
def test_the_shipped_tree_imports_itself_relatively_and_needs_only_what_an_image_has(module: str) -> None:
    others = [each for each in SHIPPED.imports[module] if not each.is_relative]
    absolute = [f"line {each.line}: {each.module}" for each in others if each.module.split(".")[0] == "tg"]
    assert absolute == []
    known = IN_THE_IMAGE | set(sys.stdlib_module_names)
    is_plugin = module.rpartition(".")[2] in PLUGINS
    known |= {"mlflow", "yaml"} if is_plugin else set()
    heavy = [f"line {e.line}: {e.module}" for e in others if e.is_top_level and e.module.split(".")[0] not in known]
    assert heavy == []
    host = {"tg_mlflow"} if is_plugin else {"mlflow", "tg_mlflow"}
    assert [f"line {each.line}: {each.module}" for each in others if each.module.split(".")[0] in host] == []


@pytest.mark.starts_process
def test_importing_the_shipped_tree_brings_in_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import tg.common.delivery.sagemaker as sagemaker, tg.common.delivery.delivery as delivery\n"
        "import tg.common.ml.single_frame_training, tg.common.ml.dft\n"
        "for face in (sagemaker, delivery):\n"
        "    [getattr(face, name) for name in face.__all__]\n"
        "heavy = {'docker', 'boto3', 'botocore', 'sagemaker', 'mlflow', 'tqdm', 'pydantic', 'dotenv'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
