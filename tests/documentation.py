"""The README, the pages of docs/ and those of the examples as stories: what a reader does from top to bottom.

Each is done in a folder of its own, that of an example in a copy of the example. A story is a page, or one of the
README's sections of level three, each of which is complete by itself. Its blocks are

- files, which have a title: they are written
- commands (``bash``): they run in the order of the page, where the last one put the reader
- Python without a title: all of a story run in one process, behind the commands
- configurations and the like (``json``, ``yaml``, ``toml``): they can be read
- what a terminal shows (``text``)

Comments before them, which no reader sees, say the rest: ``<!-- folder: PATH -->`` that a story begins in a copy of
that example, ``<!-- docker -->``, ``<!-- aws -->`` and ``<!-- ssh -->`` what it needs, ``<!-- exit code: 1 -->`` how
the next commands end.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import warm
from tests.support import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
LANGUAGES = {"bash", "json", "python", "text", "toml", "yaml"}

BIN = Path(sys.executable).parent
_SECONDS = 300
_FENCE = re.compile(r"^```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!-- (?P<name>folder|docker|aws|ssh|exit code)(?:: (?P<value>[^ ]+))? -->")
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
# A program that is Python, so that a warm process has imported it.
_OURS = {"mlflow", "tg-mlflow"}
# Commands that read the project's configuration.
_TRAINING = {"run", "sweep", "train"}


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: What it is written in.
        text: Its lines.
        title: The name of the file that it is; ``None`` if it is none.
        exit_code: How its commands end.
    """

    language: str
    text: str
    title: str | None
    exit_code: int


@dataclass(frozen=True)
class Story:
    """A page, or a part of one.

    Attributes:
        name: The page, and the section.
        blocks: Its blocks.
        folder: The example in which it begins; ``None`` for an empty folder.
        needs: ``docker``, ``aws``, ``ssh``, or nothing.
    """

    name: str
    blocks: tuple[Block, ...]
    folder: str | None
    needs: str | None

    @property
    def is_run(self) -> bool:
        """Whether it has something to run."""
        return any(each.language in ("bash", "python") and each.title is None for each in self.blocks)

    @property
    def commands(self) -> list[str]:
        """All its commands."""
        bash = [each.text for each in self.blocks if each.language == "bash" and each.title is None]
        return [command for text in bash for command in split_commands(text)]


def list_stories(pages: Iterable[Path] = (*PAGES, *EXAMPLES)) -> Iterator[Story]:
    """Reads pages."""
    for path in pages:
        name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        if path != README:
            yield _read_story(name, text, path.parent.relative_to(ROOT).as_posix() if path in EXAMPLES else None)
            continue
        for part in re.split(r"^(?=###? )", text, flags=re.MULTILINE):
            heading = part.partition("\n")[0].lstrip("# ")
            yield _read_story(f"{name}: {heading}", part)


def stories(needs: str | None, pages: Iterable[Path] = PAGES) -> list[Story]:
    """Returns the stories that are run with what they need."""
    return [story for story in list_stories(pages) if story.is_run and story.needs == needs]


def _read_story(name: str, text: str, folder: str | None = None) -> Story:
    blocks: list[Block] = []
    needs, end = None, 0
    for fence in [*_FENCE.finditer(text), None]:
        exit_code = 0
        for comment in _COMMENT.finditer(text, end, len(text) if fence is None else fence.start()):
            if comment["name"] == "folder":
                folder = comment["value"]
            elif comment["name"] == "exit code":
                exit_code = int(comment["value"])
            else:
                needs = comment["name"]
        if fence is not None:
            title = re.search(r'title="([^"]+)"', fence["rest"])
            blocks.append(Block(fence["language"], fence["text"], title and title[1], exit_code))
            end = fence.end()
    return Story(name, tuple(blocks), folder, needs)


class Reader:
    """Does what a story says.

    Args:
        folder: A folder for it: a new one, or one with files that an example's story takes to be there.
        config: Keys that this machine needs, or that only save time; they join the project's ``tg.json``.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self._folder, self._start, self._config = folder, folder, config
        self.output = ""

    def read(self, story: Story) -> None:
        """Writes all files and runs all commands.

        Raises:
            AssertionError: If one does not end as the story says.
        """
        if story.folder is None:
            self._folder.mkdir()
        else:
            ignored = shutil.ignore_patterns("datasets", "__pycache__", "mlflow.db", "mlruns", "mlartifacts")
            shutil.copytree(ROOT / story.folder, self._folder, ignore=ignored, dirs_exist_ok=True)
            is_prepared = any("prepare_data.py" in command for command in story.commands)
            if (self._folder / "prepare_data.py").exists() and not is_prepared:
                self._run("python prepare_data.py", 0)
            self._configure()
        for block in story.blocks:
            if block.title is not None:
                (self._folder / block.title).write_text(block.text, encoding="utf-8")
            elif block.language == "bash":
                for command in split_commands(block.text):
                    self._run(command, block.exit_code)
        self._run_python([each.text for each in story.blocks if each.language == "python" and each.title is None])

    def _run(self, command: str, exit_code: int) -> None:
        if re.fullmatch(r"cd [\w./-]+", command):
            self._folder = self._folder / command.split()[1]
            return
        is_plain = "\n" not in command and not re.search(r"[|<>;&$`]", re.sub(r"'[^']*'", "", command))
        words = shlex.split(command) if is_plain else []
        if words and words[0] in _OURS:
            if words[1] in _TRAINING:
                self._configure()
            self._run_warm([str(BIN / words[0]), *words[1:]], exit_code)
        elif words and words[0] == "python" and words[1].endswith(".py"):
            self._run_warm([str(self._folder / words[1]), *words[2:]], exit_code)
        else:
            environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
            done = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=self._folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
            )
            self._check(command, done, exit_code)

    def _run_python(self, texts: list[str]) -> None:
        if texts:
            self._configure()
            script = self._start / "blocks_of_the_page.py"
            script.write_text("\n".join(texts), encoding="utf-8")
            self._run_warm([str(script)], 0)

    def _run_warm(self, arguments: list[str], exit_code: int) -> None:
        done = warm.run(arguments, cwd=self._folder, timeout=_SECONDS)
        self._check(shlex.join(arguments), done, exit_code)

    def _check(self, command: str, done: "subprocess.CompletedProcess[str]", exit_code: int) -> None:
        self.output += f"$ {command}\n{done.stdout}{done.stderr}"
        assert done.returncode == exit_code, self.output

    def _configure(self) -> None:
        if not self._config:
            return
        path = self._folder / "tg.json"
        own = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        path.write_text(json.dumps({**self._config, **own}), encoding="utf-8")


def split_commands(text: str) -> Iterator[str]:
    """Splits a block into its commands: lines, with those that continue them, and here-documents."""
    lines = iter(text.splitlines())
    for line in lines:
        command = line
        while command.endswith("\\"):
            command = f"{command[:-1].rstrip()} {next(lines).lstrip()}"
        if (found := _HERE_DOCUMENT.search(command)) is not None:
            for further in lines:
                command += f"\n{further}"
                if further == found[1]:
                    break
            yield command
        elif command.strip() and not command.startswith("#"):
            yield from (each.strip() for each in command.split(" && "))
