"""The command of an entry point that is not ours: a script, or any program."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tg.common.delivery.delivery.code.project_surroundings import leads_above
from tg.common.delivery.sagemaker.command import PROJECT_FOLDER, CommandTask
from tg.common.system.file_digest import digest_files
from tg_mlflow.errors import ProjectError

# Where files from outside of the project lie in its copy.
_INPUTS = ".tg-inputs"
_DIGITS = 16
# What the shell does itself.
_BUILT_IN = frozenset(
    word
    for line in (
        ". : alias bg break case cd continue declare eval exec exit export fg for function getopts hash if jobs let",
        "local popd pushd read readonly return set shift shopt source time times trap type typeset ulimit umask",
        "unalias unset until wait while { [ [[ !",
    )
    for word in line.split()
)
# Where machines and images have what is theirs, not the user's.
_SYSTEM_FOLDERS = frozenset(("bin", "dev", "etc", "lib", "lib64", "opt", "proc", "run", "sbin", "sys", "usr"))
_SPECIAL = frozenset("|&;<>()$`*?[]#~{}!\n")
_SPECIAL_IN_QUOTES = frozenset("$`\\")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class ScriptCommand:
    """What to run.

    Attributes:
        text: The command as the MLproject has it, with the parameters inserted as MLflow does it: quoted for a shell.
        arguments: The parameters, as texts.
        files: Files and folders that parameters name outside of the project, by their paths in its copy.
        staying: Files and folders of this machine that do not travel, by the parameters that name them; those that the
            command itself names have no parameter.
    """

    text: str
    arguments: Mapping[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)
    staying: Sequence[tuple[str | None, str]] = ()

    @property
    def modules(self) -> Sequence[str]:
        """The modules that are imported here, before there is a job: none."""
        return ()

    def build_task(self) -> CommandTask:
        """Builds the task that runs the command, in a shell only if it needs one.

        Raises:
            ProjectError: If the command has no words.
        """
        text = self.text.strip()
        if not text:
            raise ProjectError("the command is empty; give a program and its arguments")
        task = CommandTask(text if needs_shell(text) else shlex.split(text), self.arguments)
        task.files = dict(self.files)
        return task


def build_script_command(
    template: str,
    parameters: Mapping[str, str],
    files: Mapping[str, Path],
    folder: Path,
    others: Mapping[str, str],
) -> ScriptCommand:
    """Inserts parameters into an entry point's command, as MLflow does it.

    Args:
        template: The MLproject's command, with ``{name}`` for each parameter.
        parameters: Values by name, as texts.
        files: The files and folders that some of them name, absolute; they travel with the project.
        folder: The project's.
        others: Parameters that the entry point does not declare: they follow as ``--name value``.

    Raises:
        ProjectError: If a placeholder has no parameter.
    """
    inserted, travelling = dict(parameters), dict[str, Path]()
    for name, path in files.items():
        inside = _find_inside(folder, path)
        if inside is None:
            inside = f"{_INPUTS}/{digest_files(path)[:_DIGITS]}/{path.name}"
            travelling[inside] = path
        inserted[name] = f"{PROJECT_FOLDER}/{inside}"
    for text in (*parameters.values(), *others.values(), *template.split()):
        if leads_above(text) and (folder / text).is_file():  # as a script reads it that runs in the project's folder
            travelling[text] = folder / text
    try:
        text = template.format(**{name: shlex.quote(value) for name, value in inserted.items()})
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ProjectError(
            f"the command {template!r} has a placeholder that no parameter fills: {error}; declare it under "
            "parameters, or double the braces if they are meant"
        ) from error
    named = [(name, value) for name, value in {**parameters, **others}.items() if name not in files]
    staying = [each for each in (*named, *((None, word) for word in template.split())) if names_own_file(each[1])]
    options = " ".join(f"--{shlex.quote(name)} {shlex.quote(value)}" for name, value in others.items())
    return ScriptCommand(f"{text.rstrip()} {options}".strip(), {**parameters, **others}, travelling, staying)


def names_own_file(text: str) -> bool:
    """Returns whether a text is the absolute path of a file of this machine that others can hardly have."""
    path = Path(text.removeprefix("file://"))
    return path.is_absolute() and len(path.parts) > 2 and path.parts[1] not in _SYSTEM_FOLDERS and os.path.exists(path)


def needs_shell(command: str) -> bool:
    """Returns whether a command means something to a shell that is more than a program and its arguments.

    Args:
        command: A text in which parameters are quoted already.
    """
    if command.split()[0] in _BUILT_IN or _ASSIGNMENT.match(command):
        return True
    quote = ""
    position = 0
    while position < len(command):
        character = command[position]
        if quote:
            if character == quote:
                quote = ""
            elif quote == '"' and character in _SPECIAL_IN_QUOTES:
                return True
        elif character in "'\"":
            quote = character
        elif character == "\\":
            position += 1  # whatever follows is itself
            if command[position : position + 1] == "\n":
                return True
        elif character in _SPECIAL:
            return True
        position += 1
    return bool(quote)  # an open quote is the shell's to refuse


def _find_inside(folder: Path, path: Path) -> str | None:
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None
