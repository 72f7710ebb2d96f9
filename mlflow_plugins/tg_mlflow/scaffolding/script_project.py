"""Makes a project of a script."""

import importlib.util
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tg.common.errors import listed
from tg_mlflow.errors import ProjectError
from tg_mlflow.scaffolding.environment_files import find_environment
from tg_mlflow.scaffolding.mlproject import EntryPoint, format_mlproject
from tg_mlflow.scaffolding.new_project import NewProject, name_project
from tg_mlflow.scaffolding.own_code import read_own_code
from tg_mlflow.scaffolding.printed_metrics import guess_metric_regexes
from tg_mlflow.scaffolding.script import OTHER_PARSERS, Script, read_script
from tg_mlflow.scaffolding.script_argument import PATH, STRING, CommandLine, ScriptArgument

# Which subcommand is most likely the training; one that is called main keeps its name as an entry point.
_TRAININGS = ("main", "train", "fit", "run")
_RECORDED = {"log_metric", "log_metrics", "log_batch", "autolog"}
_MOST_NAMED = 8

_Note = tuple[str, str]


def guess_script_project(folder: Path, script: Path) -> NewProject:
    """Guesses the project of a script from its text; nothing of it is run.

    Args:
        folder: The project's folder.
        script: In the folder, or below.

    Raises:
        ProjectError: If it is no Python script of the folder.
    """
    path = _find_script(folder, script)
    read = read_script(path)
    if read.is_only_defining:
        raise ProjectError(
            f"{path.name} only defines functions or classes, so a run of it would do nothing; call what trains at the "
            'end, below if __name__ == "__main__":'
        )
    notes: list[_Note] = []
    own_code = read_own_code(folder, read)
    source, line = _find_command_line(own_code)
    if source is not read:
        notes.append(("arguments", f"read from {source.path.name}, which {path.name} imports"))
    entry_points = _build_entry_points(_format_program(folder, read), line, folder, notes)
    notes += _describe_command_line(read, line)
    calls = list(dict.fromkeys(call for each in own_code for call in each.mlflow_calls))
    # What is recorded already would be in the run twice.
    regexes = {} if _RECORDED & set(calls) else guess_metric_regexes([each.tree for each in own_code])
    notes += _describe_output(calls, regexes)
    environment = find_environment(folder)
    notes.append(("environment", environment.note))
    notes += _describe_libraries(read, environment.is_declared, folder)
    files = {"MLproject": format_mlproject(name_project(folder), entry_points, environment.keys), **environment.files}
    if regexes:
        files["tg.json"] = json.dumps({"metric_regexes": regexes}, indent=2, ensure_ascii=False) + "\n"
    return NewProject(notes, files, command=_format_run(entry_points[0]))


def _find_script(folder: Path, script: Path) -> Path:
    path = next((each for each in (script, folder / script) if each.is_file()), None)
    if path is None:
        there = sorted(each.name for each in folder.glob("*.py")) if folder.is_dir() else []
        raise ProjectError(f"there is no script {str(script)!r}; {str(folder)!r} has {listed(there)}")
    if path.suffix == ".ipynb":
        raise ProjectError(
            f"{str(script)!r} is a notebook; save it as a script: jupyter nbconvert --to script {script}"
        )
    if path.suffix != ".py":
        raise ProjectError(f"{str(script)!r} is no Python script (.py); write an MLproject with its command")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ProjectError(
            f"{str(script)!r} is not in the project's folder {str(folder)!r}; give the folder that has it: "
            f"tg-mlflow init {shlex.quote(str(path.parent))} --from-script {shlex.quote(path.name)}"
        )
    return path


def _find_command_line(own_code: Sequence[Script]) -> tuple[Script, CommandLine]:
    """Returns what the script takes, and whose text says so: a module's that it imports, if not its own."""
    found = ((each, each.command_line) for each in own_code)
    return next(((each, line) for each, line in found if line is not None), (own_code[0], CommandLine()))


def _format_program(folder: Path, script: Script) -> str:
    path = script.path.resolve().relative_to(folder.resolve())
    if len(path.parts) > 1 and script.runs_as_module(folder):
        return f"python -m {'.'.join(path.with_suffix('').parts)}"
    return f"python {shlex.quote(path.as_posix())}".replace("{", "{{").replace("}", "}}")


def _build_entry_points(program: str, line: CommandLine, folder: Path, notes: list[_Note]) -> list[EntryPoint]:
    """Builds the commands, with the one that is run by default first."""
    first = _find_paths(line.arguments, folder)
    if not line.subcommands:
        notes += _describe_arguments(first)
        return [_build_entry_point("main", program, first)]
    entry_points = []
    chosen = next((name for name in _TRAININGS if name in line.subcommands), next(iter(line.subcommands)))
    notes += _describe_arguments(first)
    for name in sorted(line.subcommands, key=lambda each: each != chosen):
        own = _find_paths(line.subcommands[name], folder)
        entry = "main" if name == chosen else name
        others = "" if name == chosen else f"; mlflow run . -e {shlex.quote(name)} runs it"
        notes.append((name, f"a subcommand, entry point {entry!r}{others}"))
        notes += _describe_arguments(own)
        entry_points.append(_build_entry_point(entry, program, first, shlex.quote(name), own))
    return entry_points


def _build_entry_point(
    name: str,
    program: str,
    first: Sequence[ScriptArgument],
    subcommand: str | None = None,
    own: Sequence[ScriptArgument] = (),
) -> EntryPoint:
    words = [program, *_format_arguments(first), *([subcommand] if subcommand else []), *_format_arguments(own)]
    given = [each.parameter for each in (*first, *own) if each.obstacle is None]
    return EntryPoint(name, " ".join(words), tuple({each.name: each for each in given}.values()))


def _format_arguments(arguments: Sequence[ScriptArgument]) -> list[str]:
    given = [each for each in arguments if each.obstacle is None]
    # Those with a position first: an option that takes several values would swallow them.
    return [each.format_words() for each in sorted(given, key=lambda each: each.option is not None)]


def _find_paths(arguments: Sequence[ScriptArgument], folder: Path) -> list[ScriptArgument]:
    """Returns the arguments, of which those whose defaults are files that are here are paths.

    Another file that is given for one travels, too. A file that is not here is for the script to miss.
    """
    return [
        replace(each, kind=PATH if _is_file(folder / each.default) else STRING)
        if each.kind in (STRING, PATH) and isinstance(each.default, str)
        else each
        for each in arguments
    ]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that can be no path
        return False


def _describe_arguments(arguments: Iterable[ScriptArgument]) -> Iterator[_Note]:
    for each in arguments:
        if each.obstacle is not None:
            yield each.option or each.name, f"left to the script (line {each.line}): {each.obstacle}{_advise(each)}"
            continue
        parameter = each.parameter
        value = "needs a value" if parameter.default is None else f"{parameter.default!r}"
        choices = f", one of {listed(each.choices)}" if each.choices else ""
        yield each.name, f"{parameter.type}, {value}{choices}"


def _advise(argument: ScriptArgument) -> str:
    if argument.reason is not None:
        return "; to set it, add it to the command in MLproject"
    return f"; -P {argument.option.lstrip('-')}=… gives another" if argument.option is not None else ""


def _describe_command_line(script: Script, line: CommandLine) -> Iterator[_Note]:
    for note in line.notes:
        yield "arguments", note
    if line.arguments or line.subcommands or line.notes:
        return
    if found := [name for name in OTHER_PARSERS if name in script.imports]:
        yield "arguments", f"{found[0]} reads them, so none are guessed; -P name=… gives the script --name …"
    elif lines := script.argument_lines:
        yield (
            "arguments",
            f"sys.argv is read in line {lines[0]}, so none are guessed; complete the command and the parameters in "
            "MLproject",
        )
    else:
        yield "arguments", "the script takes none"


def _describe_output(calls: Sequence[str], regexes: dict[str, str]) -> Iterator[_Note]:
    if calls:
        more = f" and {len(calls) - _MOST_NAMED} more" if len(calls) > _MOST_NAMED else ""
        yield "MLflow", f"{', '.join(calls[:_MOST_NAMED])}{more}: recorded as they are"
    if regexes:
        yield "metrics", f"{', '.join(regexes)}: found in what is printed, by metric_regexes in tg.json"
    elif not _RECORDED & set(calls):
        yield "metrics", "none are recognized in what is printed; the key metric_regexes of tg.json can name some"


def _describe_libraries(script: Script, is_declared: bool, folder: Path) -> Iterator[_Note]:
    libraries = script.list_libraries(folder)
    if libraries:
        yield "libraries", ", ".join(libraries)
    needed = script.needed_modules
    missing = [name for name in libraries if name in needed and not is_declared and not _is_installed(name)]
    if missing:
        yield "missing", f"{', '.join(missing)}: not installed here; install it, or list it in a requirements.txt"
    for channel in script.channels:
        example = json.dumps({"channels": {channel: "data"}})
        yield "missing", f"the channel {channel!r}, which the script reads; name its folder in tg.json: {example}"
    for table in script.tables:
        if not any(_is_file(each / table) for each in (folder, script.path.parent)):
            yield "missing", f"{table}, which the script reads"


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _format_run(entry_point: EntryPoint) -> str:
    values = "".join(f" -P {name}=…" for name in entry_point.needed)
    return f"mlflow run . --backend tg-process{values}"
