"""Finds metrics that a script prints, such as ``print(f"accuracy: {accuracy}")``, and how to read them in its log."""

import ast
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tg_mlflow.scaffolding.literals import name_of, walk_in_order

_METRICS = frozenset(
    word
    for line in (
        "acc accuracy auc auprc auroc bleu cer dice elbo err error f1 iou kappa likelihood logloss loss mae map mape",
        "mcc mse msle nll perplexity ppl precision r2 rae recall reward rmse rmsle rouge score sensitivity specificity",
        "ssim wer",
    )
    for word in line.split()
)
_QUALIFIERS = frozenset(
    word
    for line in (
        "absolute average avg balanced best cross dev development entropy epoch eval evaluation final held log macro",
        "mean median micro out percentage root running squared test testing top1 top5 total train training val valid",
        "validation weighted",
    )
    for word in line.split()
)
# By themselves, they rather begin a message.
_TOO_COMMON = (["error"], ["err"])
_COUNTERS = frozenset(("epoch", "iter", "iteration", "round", "step"))
_LABEL = re.compile(r"([A-Za-z][\w -]*?)\s*(?:is|of|->)?\s*[:=]?\s*$")
_COUNTER = re.compile(r"([A-Za-z]+)\s*[:=#]?\s*[\[(]?\s*$")
_NUMBER = r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|nan|-?inf)"
_STEP = "(?P<step>[0-9]+)"
_PERCENT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?([a-zA-Z%])")
_SPECIAL = re.compile(r"([\\.^$*+?{}\[\]|()])")
_PRINTING = ("print", "echo")
_LOGGING = ("info", "debug", "warning")


@dataclass(frozen=True)
class _Template:
    """What one line of output looks like: texts, and a value between each two of them."""

    texts: tuple[str, ...]
    begins_line: bool

    def render(self) -> str:
        return "1".join(self.texts)


def guess_metric_regexes(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Guesses an expression for each metric that scripts print, as the key ``metric_regexes`` has them.

    What is printed is a metric if the words before the value are names of metrics, such as ``val_loss`` or ``Test
    accuracy``, and if the expression finds it nowhere else in what the scripts print.

    Returns:
        Expressions by name of the metric, in the order of the scripts.
    """
    calls = [each for tree in trees for each in walk_in_order(tree) if isinstance(each, ast.Call)]
    is_continued = any(name_of(call.func) in _PRINTING and _ends_otherwise(call) for call in calls)
    templates = list(dict.fromkeys(each for call in calls for each in _read_call(call, is_continued)))
    found: dict[str, str] = {}
    for template in templates:
        for name, expression in _read_template(template):
            if name not in found and _is_unambiguous(expression, template, templates):
                found[name] = expression
    return found


def _ends_otherwise(call: ast.Call) -> bool:
    return any(each.arg in ("end", "nl") for each in call.keywords)


def _is_unambiguous(expression: str, own: _Template, templates: Iterable[_Template]) -> bool:
    counts = {each: len(_find_all(expression, each.render())) for each in templates}
    return counts[own] == 1 and sum(counts.values()) == 1


def _find_all(expression: str, text: str) -> list[str]:
    """Finds what the log's reader finds: it begins anew after each match."""
    found = []
    while match := re.search(expression, text):
        found.append(match[0])
        text = text[match.end() :]
    return found


def _read_call(call: ast.Call, is_continued: bool) -> Iterator[_Template]:
    name = name_of(call.func)
    if name == "print" and isinstance(call.func, ast.Name):
        if any(each.arg == "sep" for each in call.keywords) or any(isinstance(each, ast.Starred) for each in call.args):
            return
        pieces = _join(call.args)
    elif name == "echo" and isinstance(call.func, ast.Attribute):
        pieces = _join(call.args[:1])
    elif name in _LOGGING and isinstance(call.func, ast.Attribute) and call.args:
        pieces = _read_pieces(call.args[0]) if len(call.args) == 1 else _read_percent(_text_of(call.args[0]))
    else:
        return
    is_first = name in _PRINTING and not is_continued
    for line in _divide(pieces):
        yield _Template(tuple(line), is_first)
        is_first = name in _PRINTING


def _join(nodes: Sequence[ast.expr]) -> list[str]:
    """Joins what is printed, as ``print`` does it."""
    joined = [""]
    for number, node in enumerate(nodes):
        first, *others = _read_pieces(node)
        joined[-1] += (" " if number else "") + first
        joined += others
    return joined


def _divide(pieces: Sequence[str]) -> Iterator[list[str]]:
    line = [""]
    for number, piece in enumerate(pieces):
        first, *others = piece.split("\n")
        line[-1:] = [line[-1] + first] if not number else [line[-1], first]
        for each in others:
            yield line
            line = [each]
    yield line


def _read_pieces(node: ast.AST) -> list[str]:
    """Returns the texts of an expression; there is a value between each two of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return _read_joined(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _read_pieces(node.left), _read_pieces(node.right)
        return [*left[:-1], left[-1] + right[0], *right[1:]]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and (text := _text_of(node.left)):
        return _read_percent(text)
    if isinstance(node, ast.Call) and name_of(node.func) == "format" and isinstance(node.func, ast.Attribute):
        return _read_format(_text_of(node.func.value))
    return ["", ""]


def _read_joined(node: ast.JoinedStr) -> list[str]:
    pieces = [""]
    for each in node.values:
        if isinstance(each, ast.Constant):
            pieces[-1] += str(each.value)
        else:
            pieces.append("")
    return pieces


def _read_percent(text: str) -> list[str]:
    pieces, position = [""], 0
    for match in _PERCENT.finditer(text):
        pieces[-1] += text[position : match.start()]
        if match[1] == "%":
            pieces[-1] += "%"
        else:
            pieces.append("")
        position = match.end()
    pieces[-1] += text[position:]
    return pieces


def _read_format(text: str) -> list[str]:
    pieces = [""]
    try:
        for literal, name, _, _ in string.Formatter().parse(text):
            pieces[-1] += literal
            if name is not None:
                pieces.append("")
    except ValueError:
        return ["", ""]
    return pieces


def _text_of(node: ast.AST) -> str:
    """Returns a literal text, also of several that are added; empty if it is anything else."""
    pieces = _read_pieces(node)
    return pieces[0] if len(pieces) == 1 else ""


def _read_template(template: _Template) -> Iterator[tuple[str, str]]:
    """Yields the name of each metric in a line, and the expression for it."""
    texts = template.texts
    labels = [_read_label(each) for each in texts[:-1]]
    start = "^" if template.begins_line else ""
    for number, name in enumerate(labels):
        if name is None or re.match(r"\s*/", texts[number + 1]):  # a count of a total
            continue
        step = _find_step(texts[: number + 1], labels)
        parts = [start]
        for index, text in enumerate(texts[: number + 1]):
            is_value = index == number
            written = _escape(text.rstrip(" ")) if is_value else _escape(text)
            parts.append(written + (f" *{_NUMBER}" if is_value else _STEP if index == step else ".*?"))
        yield name, "".join(parts)


def _read_label(text: str) -> str | None:
    """Returns the metric that a text names right at its end."""
    match = _LABEL.search(text)
    words = re.split(r"[\s-]+", match[1].strip(" -")) if match else []
    taken: list[str] = []
    for word in reversed(words):
        tokens = set(filter(None, word.lower().split("_")))
        is_metric = bool(tokens & _METRICS) or word.lower() in _METRICS
        if not is_metric and (not taken or not tokens <= _QUALIFIERS):
            break
        taken.insert(0, word.lower())
    return None if taken in _TOO_COMMON else "_".join(taken) or None


def _find_step(texts: Sequence[str], labels: Sequence[str | None]) -> int | None:
    """Finds the value that counts: the only one before a metric besides its total, and other metrics."""
    counters = []
    for index, text in enumerate(texts[:-1]):
        match = _COUNTER.search(text)
        if match and match[1].lower() in _COUNTERS:
            counters.append(index)
        elif labels[index] is None and not (counters and counters[-1] == index - 1 and re.match(r"\s*/", text)):
            return None
    return counters[0] if len(counters) == 1 else None


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
