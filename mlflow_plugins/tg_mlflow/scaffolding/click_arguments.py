"""Reads what a script tells click."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tg_mlflow.scaffolding.literals import name_of, read_literal
from tg_mlflow.scaffolding.script_argument import (
    FLOAT,
    FUNCTION,
    INT,
    PATH,
    STRING,
    CommandLine,
    ScriptArgument,
)

_BOOLEAN = "bool"
_KINDS = {
    "float": FLOAT,
    "FLOAT": FLOAT,
    "FloatRange": FLOAT,
    "int": INT,
    "INT": INT,
    "IntRange": INT,
    "str": STRING,
    "STRING": STRING,
    "Choice": STRING,
    "bool": _BOOLEAN,
    "BOOL": _BOOLEAN,
}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_click(tree: ast.Module, constants: Mapping[str, object]) -> CommandLine | None:
    """Reads the options and arguments of a script's commands.

    Returns:
        They, in the order of the script; ``None`` if there are no commands.
    """
    functions = [each for each in ast.walk(tree) if isinstance(each, _Function)]
    groups = {each.name for each in functions if _find_decorator(each, "group") is not None}
    added = {
        name_of(each.args[0])
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and name_of(each.func) == "add_command" and each.args
    }
    commands: list[_Function] = []
    subcommands: dict[str, list[ScriptArgument]] = {}
    notes: list[str] = []
    for function in functions:
        decorator = _find_decorator(function, "command")
        if decorator is None:
            continue
        owner = (
            decorator.func.value
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)
            else None
        )
        if name_of(owner or ast.Pass()) in groups or function.name in added:
            subcommands[_name_command(function, decorator, constants)] = list(_read_all(function, constants, notes))
        else:
            commands.append(function)
    if subcommands:
        # A group can also be made by a call; its options are not known then.
        owners = [each for each in functions if each.name in groups][:1]
        first = [argument for each in owners for argument in _read_all(each, constants, notes)]
        return CommandLine(tuple(first), dict(subcommands), tuple(notes))
    if not commands:
        return None
    command = _choose_command(commands, tree)
    if len(commands) > 1:
        notes.append(f"of its commands, {command.name!r} is taken")
    return CommandLine(tuple(_read_all(command, constants, notes)), notes=tuple(notes))


def _find_decorator(function: _Function, name: str) -> ast.expr | None:
    """Finds ``@click.command()`` and the like, also without parentheses."""
    calls = ((each, each.func if isinstance(each, ast.Call) else each) for each in function.decorator_list)
    return next((each for each, called in calls if name_of(called) == name), None)


def _name_command(function: _Function, decorator: ast.expr, constants: Mapping[str, object]) -> str:
    given: Any = None
    if isinstance(decorator, ast.Call):
        values = [*decorator.args, *(each.value for each in decorator.keywords if each.arg == "name")]
        given = read_literal(values[0], constants) if values else None
    if isinstance(given, str):
        return given
    # As click names it.
    name = function.name.lower().replace("_", "-")
    return re.sub(r"(?<=.)-(command|cmd|group|grp)$", "", name)


def _choose_command(commands: list[_Function], tree: ast.Module) -> _Function:
    """Returns the command that the script calls when it runs, else the first one."""
    statements = [each for each in tree.body if isinstance(each, (ast.If, ast.Expr))]
    called = {name_of(each.func) for one in statements for each in ast.walk(one) if isinstance(each, ast.Call)}
    return next((each for each in commands if each.name in called), commands[0])


def _read_all(function: _Function, constants: Mapping[str, object], notes: list[str]) -> Iterator[ScriptArgument]:
    for each in function.decorator_list:
        if isinstance(each, ast.Call) and name_of(each.func) in ("option", "argument"):
            found = _read_one(each, name_of(each.func) == "option", constants)
            if found is None:
                notes.append(f"the name of the argument in line {each.lineno} is computed, so it is left out")
            else:
                yield found


def _read_one(call: ast.Call, is_option: bool, constants: Mapping[str, object]) -> ScriptArgument | None:
    names = [read_literal(each, constants) for each in call.args]
    if not names or not all(isinstance(each, str) and each for each in names):
        return None
    options: dict[str, Any] = {each.arg: each.value for each in call.keywords if each.arg}
    values = {name: read_literal(node, constants) for name, node in options.items()}
    default = values.get("default")
    kind = _read_kind(options.get("type"), default, constants)
    reason = _find_reason(values, names)
    if kind == _BOOLEAN:  # click reads the text as it writes it
        kind, default = STRING, str(default) if isinstance(default, bool) else default
    is_required = values.get("required") is True or (values.get("prompt") not in (None, False) and default is None)
    if not is_option:
        is_required = default is None and values.get("required") is not False and values.get("nargs") != -1
    written = [each.split("/")[0].split(";")[0].strip() for each in names]
    dashed = sorted((each for each in written if each.startswith("-")), key=lambda each: not each.startswith("--"))
    own = next((each for each in written if not each.startswith("-")), None)
    name = own or max(written, key=lambda each: len(each) - len(each.lstrip("-")))
    return ScriptArgument(
        name=re.sub(r"\W", "_", name.lstrip("-")) if own else re.sub(r"\W", "_", name.lstrip("-").lower()),
        option=dashed[0] if is_option and dashed else None,
        kind=kind,
        default=default,
        is_required=is_required,
        choices=_read_choices(options.get("type"), constants),
        reason=reason,
        line=call.lineno,
    )


def _find_reason(values: Mapping[str, Any], names: list[str]) -> str | None:
    if (
        values.get("is_flag") is True
        or values.get("count") is True
        or "flag_value" in values
        or any("/" in each[1:] for each in names if each.startswith("-"))
    ):
        return "it is a flag"
    count = values.get("nargs")
    if isinstance(count, int) and count > 1:
        return f"it takes {count} values"
    if values.get("multiple") not in (None, False) or count == -1:
        return "it takes several values" if values.get("required") is not True else None
    return None


def _read_kind(node: ast.AST | None, default: object, constants: Mapping[str, object]) -> str:
    """Returns how a value is read; without a type, click takes the default's."""
    if node is None:
        if isinstance(default, bool):
            return _BOOLEAN
        return FLOAT if isinstance(default, float) else INT if isinstance(default, int) else STRING
    called = node.func if isinstance(node, ast.Call) else node
    name = name_of(called)
    if name in ("Path", "File"):
        options = {each.arg: read_literal(each.value, constants) for each in getattr(node, "keywords", ())}
        arguments = [read_literal(each, constants) for each in getattr(node, "args", ())]
        mode = options.get("mode", arguments[0] if arguments else "r")
        is_read = options.get("exists") is True if name == "Path" else str(mode).startswith("r")
        return PATH if is_read else STRING
    return _KINDS.get(name, FUNCTION)


def _read_choices(node: ast.AST | None, constants: Mapping[str, object]) -> tuple[object, ...]:
    if not (isinstance(node, ast.Call) and name_of(node.func) == "Choice" and node.args):
        return ()
    values = read_literal(node.args[0], constants)
    return tuple(values) if isinstance(values, (list, tuple)) else ()
