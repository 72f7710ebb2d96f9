"""The README and docs/, against the code that they describe; tests/integration runs what they tell readers to do."""

import ast
import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
import yaml
from pydantic import BaseModel, ValidationError

from tests.documentation import EXAMPLES, LANGUAGES, PAGES, list_stories, split_commands
from tests.support import ROOT
from tests.test_public_names import DOCUMENTED
from tg_mlflow.cli.main import main
from tg_mlflow.places.attached import AttachedConfig
from tg_mlflow.places.config import LogConfig, PlaceConfig, RegisterConfig
from tg_mlflow.places.image_config import BuildConfig
from tg_mlflow.places.local import LocalConfig
from tg_mlflow.places.option_fields import describe_keys
from tg_mlflow.places.process import ProcessConfig
from tg_mlflow.places.sagemaker_config import RemoteConfig

DOCS = ROOT / "docs"
PLACES: list[type[PlaceConfig]] = [AttachedConfig, ProcessConfig, LocalConfig, RemoteConfig]
MODELS: list[type[BaseModel]] = [*PLACES, LogConfig, RegisterConfig, BuildConfig]
# Blocks of text that hold commands, and why these are not run.
NOT_RUN = {"pip install tg-mlflow": "pip would install what is tested; the recipe below has the other two commands"}
LONGEST_README = 200
LARGEST_PICTURE = 200_000


@functools.cache
def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def load_script(name: str) -> ModuleType:
    """Imports one of the scripts beside the pages."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / "_site" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_keys(table: str, column: int = 0) -> list[str]:
    rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in table.splitlines()[2:]]
    return [key for row in rows for key in re.findall(r"`(\w+)`", row[column])]


def test_the_tables_of_keys_are_those_of_the_models() -> None:
    page = read(DOCS / "configuration.md")
    assert load_script("configuration").fill(page) == page, "run `python docs/_site/configuration.py`"


def test_every_key_of_a_place_is_in_a_table() -> None:
    keys = [key for _, keys in load_script("configuration").list_tables().values() for key in keys]
    for model in MODELS:
        assert set(model.model_fields) <= set(keys), model
    page = read(DOCS / "configuration.md")
    assert [name for name in load_script("configuration").list_tables() if f"<!-- table: {name} -->" not in page] == []


def test_the_keys_of_sweeps_are_those_that_are_read() -> None:
    header = "| `tg-mlflow sweep` | key | default | meaning |"
    table = read(DOCS / "sweeps.md").partition(header)[2].partition("\n\n")[0]
    assert find_keys(header + table, column=1) == [
        "sweep",
        "sweep_samples",
        "sweep_seed",
        "max_parallel",
        "primary_metric",
        "mode",
        "stop_on_failure",
    ]


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    assert [key for key, text in describe_keys(model).items() if not re.fullmatch(r"\S.*\.", text)] == []


@functools.cache
def parse_code() -> list[ast.Module]:
    paths = [path for tree in ("src", "mlflow_plugins") for path in sorted((ROOT / tree).rglob("*.py"))]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def list_errors() -> set[str]:
    """The names of all errors in the tree of TgError."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in parse_code()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"TgError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def test_every_error_has_an_entry() -> None:
    page = read(DOCS / "troubleshooting.md")
    names = {name for name in list_errors() if not name.startswith("_")}
    assert len(names) >= 31
    assert set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == names


def list_texts() -> Iterator[str]:
    """All texts of the code, with an ellipsis for each value."""
    for node in (node for tree in parse_code() for node in ast.walk(tree)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_the_messages_are_those_of_the_code() -> None:
    page = read(DOCS / "troubleshooting.md")
    rows = [row.split(" | ")[0] for row in page.splitlines() if row.startswith("| `")]
    messages = [*(re.findall(r"`([^`]+)`", row)[0] for row in rows), *re.findall(r"^`([^`]+)`:", page, re.MULTILINE)]
    assert len(messages) > 40
    texts = "\n".join(list_texts())
    # What stands around the values, as a message may be put together of several texts.
    pieces = {message: [piece for piece in message.split("…") if len(piece) > 4] for message in messages}
    assert [message for message, found in pieces.items() if not found or any(each not in texts for each in found)] == []


def test_the_pages_show_the_pictures_that_are_there() -> None:
    shown = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", read(page))
    }
    assert shown == set((DOCS / "images").iterdir())
    drawn = load_script("pictures").PICTURES
    cut = load_script("screenshots").PICTURES
    assert {path.name for path in shown} == {*drawn, *cut}
    assert [path for path in shown if path.stat().st_size > LARGEST_PICTURE] == []


@pytest.mark.parametrize("name", ["splitters.png", "metrics.png", "transformers.png", "batches.png"])
def test_a_picture_can_be_drawn(name: str, tmp_path: Path) -> None:
    figure = load_script("pictures").PICTURES[name]()
    figure.savefig(tmp_path / name, dpi=30)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_links_lead_to_files_and_headings() -> None:
    dead = []
    for page in [*PAGES, *EXAMPLES, ROOT / "CONTRIBUTING.md"]:
        text = re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"https?://", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in list_anchors(file)):
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


@functools.cache
def list_anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE), re.M)
    return {re.sub(r"[^\w -]", "", heading.replace("`", "").lower()).strip().replace(" ", "-") for heading in headings}


def test_each_block_is_of_a_known_kind_and_can_be_read() -> None:
    for story in list_stories():
        for block in story.blocks:
            assert block.language in LANGUAGES, f"{story.name}: a block of {block.language!r}"
            first = block.text.partition("\n")[0]
            is_command = first.split(" ")[0] in ("$", "docker", "git", "mlflow", "pip", "python", "tg-mlflow")
            assert not (block.language == "text" and is_command) or first in NOT_RUN, f"{story.name}: {first!r}"
            if block.language == "yaml":
                assert yaml.safe_load(block.text)
            elif block.language == "toml":
                assert block.text in read(ROOT / "examples" / "ssh_place" / "pyproject.toml")
            elif block.language == "python":
                ast.parse(block.text)
            elif block.language == "json":
                check_config(story.name, json.loads(block.text))


def test_each_example_has_a_page_with_commands_that_a_test_runs() -> None:
    folders = {path.parent for path in (ROOT / "examples").glob("*/*.*") if path.parent.name != "__pycache__"}
    needs = {story.name: story.needs for story in list_stories(EXAMPLES) if story.is_run}
    assert set(needs) == {f"{folder.relative_to(ROOT).as_posix()}/README.md" for folder in folders}
    # Those run beside the other tests of AWS and of ssh, the rest in tests/integration/test_examples.py.
    others = {name.split("/")[1]: value for name, value in needs.items() if value is not None}
    assert others == {"sagemaker_tuner": "aws", "ssh_place": "ssh"}


def test_the_notebook_has_no_outputs() -> None:
    notebook = ROOT / "examples" / "notebook" / "walkthrough.ipynb"
    cells = [cell for cell in json.loads(read(notebook))["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []


def check_config(name: str, config: object) -> None:
    """Checks that at least one place takes a configuration."""
    for model in PLACES:
        try:
            model.model_validate(config)
        except ValidationError:
            continue
        return
    pytest.fail(f"{name}: no place takes {config!r}")


def test_commands_and_options_in_the_text_are_there() -> None:
    context = click.Context(main)
    unknown = []
    for page in [*PAGES, *EXAMPLES]:
        for words in re.findall(r"`tg-mlflow ([^`]+)`", read(page)):
            name, *others = words.split()
            command = main.get_command(context, name)
            known = {option for each in command.params for option in each.opts} if command is not None else set()
            options = {word for word in others if word.startswith("-")}
            if command is None or not options <= known:
                unknown.append(f"{page.relative_to(ROOT)}: tg-mlflow {words}")
    assert unknown == []


def test_the_names_that_notebooks_import_are_in_the_reference() -> None:
    described = set(re.findall(r"^::: (\S+)$", read(DOCS / "api.md"), re.MULTILINE))
    short = {name.rpartition(".")[2] for name in described}
    others = {"dft", "single_frame_training", "ContinousTransformer", "DOCKERFILE_TEMPLATE"}
    assert {name for names in DOCUMENTED.values() for name in names} - others <= short


def test_the_readme_is_short() -> None:
    assert len(read(ROOT / "README.md").splitlines()) <= LONGEST_README


def test_a_block_is_split_into_commands() -> None:
    text = "cat > a.py <<'END'\nprint(1)\n\nEND\n# Now:\nmkdir -p b && cd b\npython a.py \\\n    --x 1\n"
    assert list(split_commands(text)) == [
        "cat > a.py <<'END'\nprint(1)\n\nEND",
        "mkdir -p b",
        "cd b",
        "python a.py --x 1",
    ]


@pytest.mark.starts_process
def test_the_site_can_be_built_and_needs_no_network(tmp_path: Path) -> None:
    missing = [name for name in ("mkdocs", "material", "mkdocstrings") if importlib.util.find_spec(name) is None]
    if missing:
        reason = f"there is no {missing[0]}; pip install tg-mlflow[docs]"
        if os.environ.get("TG_REQUIRE_DOCS"):
            pytest.fail(f"TG_REQUIRE_DOCS is set, but {reason}")
        pytest.skip(reason)
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) == len(PAGES)  # the README is not one, but the page for what is not found
    loaded = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//[^>]*>")
    assert [found for page in pages for found in loaded.findall(page.read_text(encoding="utf-8"))] == []
    api = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    assert "test_size" in api  # a parameter of FoldSplitter: docstrings are found
