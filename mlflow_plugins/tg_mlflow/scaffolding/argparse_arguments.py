"""Reads what a script tells argparse."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from tg_mlflow.scaffolding.literals import UNKNOWN, name_of, read_literal, walk_in_order
from tg_mlflow.scaffolding.script_argument import (
    FLOAT,
    FUNCTION,
    INT,
    PATH,
    STRING,
    CommandLine,
    ScriptArgument,
)

_KINDS = {"float": FLOAT, "int": INT, "str": STRING, "Path": STRING}
_FLAGS = ("store_true", "store_false", "BooleanOptionalAction", "store_const", "append_const", "count")
_SILENT = ("help", "version")
_STORING = ("store", "append", "extend")
_MAKERS = ("ArgumentParser", "add_parser", "add_argument_group", "add_mutually_exclusive_group")


class _Parser:
    """A parser, or a group of one.

    Args:
        subcommand: Its name, if it is one.
        parents: Those whose arguments it has, too.
        is_exclusive: Whether only one of its arguments may be given.
        is_part_of: The parser that the group belongs to.
    """

    def __init__(
        self,
        subcommand: str | None = None,
        parents: "tuple[_Parser, ...]" = (),
        is_exclusive: bool = False,
        is_part_of: "_Parser | None" = None,
    ) -> None:
        self.subcommand = subcommand
        self.parents = parents
        self.is_exclusive = is_exclusive
        self.home: _Parser = self if is_part_of is None else is_part_of.home
        self.arguments: dict[str, ScriptArgument] = {}


def read_argparse(tree: ast.Module, constants: Mapping[str, object]) -> CommandLine | None:
    """Reads the arguments of all parsers in a script, also of those in functions.

    Returns:
        They, in the order of the script; ``None`` if there are none.
    """
    return _Reader(constants).read(tree)


class _Reader:
    def __init__(self, constants: Mapping[str, object]) -> None:
        self._constants = constants
        self._main = _Parser()
        self._parsers = [self._main]
        self._named: dict[str, _Parser] = {}
        self._made: dict[ast.Call, _Parser] = {}
        self._notes: list[str] = []
        self._defaults: dict[str, object] = {}
        self._is_found = False
        self._is_deaf = False

    def read(self, tree: ast.Module) -> CommandLine | None:
        calls = (each for each in ast.walk(tree) if isinstance(each, ast.Call))
        given = (each for call in calls if name_of(call.func) == "set_defaults" for each in call.keywords if each.arg)
        # They count for arguments before and behind them.
        self._defaults = {str(each.arg): read_literal(each.value, self._constants) for each in given}
        for node in walk_in_order(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
                if name_of(node.value.func) in _MAKERS:
                    parser = self._find_parser(node.value)
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    self._named.update({ast.unparse(target): parser for target in targets})
            elif isinstance(node, ast.Call):
                self._read_call(node)
        return self._build() if self._is_found else None

    def _read_call(self, call: ast.Call) -> None:
        name = name_of(call.func)
        if name in _MAKERS:
            self._find_parser(call)
        elif name == "add_argument" and isinstance(call.func, ast.Attribute):
            self._is_found = True
            parser = self._find_parser(call.func.value)
            argument = self._read_argument(call, parser.is_exclusive)
            if argument is not None:
                parser.home.arguments.setdefault(argument.name, argument)
        elif name in ("parse_args", "parse_known_args") and any(
            isinstance(each, (ast.List, ast.Tuple))
            for each in [*call.args, *(one.value for one in call.keywords if one.arg == "args")]
        ):
            self._is_deaf = True
            self._notes.append(f"none: line {call.lineno} parses a list of its own, whatever is given")

    def _find_parser(self, node: ast.AST) -> _Parser:
        """Finds what an expression stands for; a parser that is made elsewhere is the script's own."""
        if not isinstance(node, ast.Call):
            return self._named.get(ast.unparse(node), self._main)
        if node not in self._made:
            self._made[node] = self._make_parser(node)
        return self._made[node]

    def _make_parser(self, call: ast.Call) -> _Parser:
        name, options = name_of(call.func), {each.arg: each.value for each in call.keywords if each.arg}
        if name in ("add_argument_group", "add_mutually_exclusive_group") and isinstance(call.func, ast.Attribute):
            whole = self._find_parser(call.func.value)
            return _Parser(is_exclusive=whole.is_exclusive or "exclusive" in name, is_part_of=whole)
        given = options.get("parents")
        parents = tuple(map(self._find_parser, given.elts)) if isinstance(given, (ast.List, ast.Tuple)) else ()
        parser = _Parser(self._read_subcommand(call) if name == "add_parser" else None, parents)
        self._parsers.append(parser)
        return parser

    def _read_subcommand(self, call: ast.Call) -> str:
        """Reads a subcommand's name; empty if it is computed."""
        name = read_literal(call.args[0], self._constants) if call.args else UNKNOWN
        if isinstance(name, str):
            return name
        self._notes.append(f"the name of the subcommand in line {call.lineno} is computed, so it is left out")
        return ""

    def _build(self) -> CommandLine:
        if self._is_deaf:
            return CommandLine(notes=tuple(self._notes))
        commands = [each for each in self._parsers if each.subcommand is not None]
        # What only subcommands have is not the script's itself.
        lent = {parent for each in commands for parent in each.parents}
        own: dict[str, ScriptArgument] = {}
        for each in self._parsers:
            if each.subcommand is None and each not in lent:
                own = {**self._collect(each), **own}
        subcommands = {each.subcommand: self._collect(each) for each in commands if each.subcommand}
        return CommandLine(
            tuple(own.values()),
            {name: tuple(found.values()) for name, found in subcommands.items()} or None,
            tuple(self._notes),
        )

    def _collect(self, parser: _Parser) -> dict[str, ScriptArgument]:
        found = {name: each for parent in parser.parents for name, each in self._collect(parent).items()}
        return found | parser.arguments

    def _read_argument(self, call: ast.Call, is_exclusive: bool) -> ScriptArgument | None:
        options: dict[str, Any] = {each.arg: each.value for each in call.keywords if each.arg}
        names = [read_literal(each, self._constants) for each in call.args]
        if not names or not all(isinstance(each, str) and each for each in names):
            self._notes.append(f"the name of the argument in line {call.lineno} is computed, so it is left out")
            return None
        action = self._read_word(options.get("action"), "store")
        if action in _SILENT:
            return None
        option = next((each for each in names if each.startswith("--")), names[0])
        destination = self._read_word(options.get("dest"), option.lstrip("-"))
        has_option = option.startswith("-")
        default = self._read_default(options, destination)
        count = self._read_count(options.get("nargs"))
        is_required = read_literal(options["required"], self._constants) is True if "required" in options else False
        if not has_option:
            is_required = count not in ("?", "*", "...")
        return ScriptArgument(
            name=re.sub(r"\W", "_", destination),
            option=option if has_option else None,
            kind=self._read_kind(options.get("type")),
            default=default,
            is_required=is_required,
            choices=self._read_choices(options.get("choices")),
            reason=self._find_reason(options, action, count, is_required, is_exclusive),
            line=call.lineno,
        )

    def _read_count(self, node: ast.AST | None) -> Any:
        if node is not None and name_of(node) == "REMAINDER":
            return "..."
        return None if node is None else read_literal(node, self._constants)

    def _read_word(self, node: ast.AST | None, otherwise: str) -> str:
        """Reads a text, or the name of what stands there."""
        if node is None:
            return otherwise
        value = read_literal(node, self._constants)
        return value if isinstance(value, str) else name_of(node)

    def _read_default(self, options: Mapping[str, ast.AST], name: str) -> Any:
        if name in self._defaults:
            return self._defaults[name]
        return read_literal(options["default"], self._constants) if "default" in options else None

    def _read_kind(self, node: ast.AST | None) -> str:
        if node is None:
            return STRING
        if isinstance(node, ast.Call) and name_of(node.func) == "FileType":
            mode = read_literal(node.args[0], self._constants) if node.args else "r"
            return PATH if str(mode).startswith("r") else FUNCTION
        return _KINDS.get(name_of(node), FUNCTION)

    def _read_choices(self, node: ast.AST | None) -> tuple[object, ...]:
        values = None if node is None else read_literal(node, self._constants)
        return tuple(values) if isinstance(values, (list, tuple, set, dict)) else ()

    def _find_reason(
        self, options: Mapping[str, ast.AST], action: str, count: object, is_required: bool, is_exclusive: bool
    ) -> str | None:
        if action in _FLAGS:
            return "it is a flag"
        if is_exclusive:
            return "it excludes others"
        if isinstance(count, int) and count > 1:
            return f"it takes {count} values"
        if is_required:
            return None
        if action not in _STORING:
            return "what it takes is the script's own"
        if (count is not None and count != "?") or action != "store":
            return "it takes several values"
        if name_of(options.get("type", ast.Pass())) == "bool":
            return "it takes any text for True"
        return None
