"""Metrics that a training prints in a form of its own, found by regular expressions as in SageMaker's metric
definitions.

The expressions are RE2's, through pyarrow: matching takes time in proportion to the text, whatever the expression.
"""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tg.common.delivery.sagemaker import MetricPoint
from tg.common.delivery.sagemaker.contract.cluster import is_of_other
from tg.common.delivery.sagemaker.contract.metric_lines import remove_escapes
from tg_mlflow.errors import BackendConfigError

_VALUE, _STEP, _NAME = "value", "step", "name"
_NAMED = re.compile(r"\?P?<([A-Za-z_]\w*)>")
_LINE_END = re.compile(rb"[\r\n]")
_LONGEST_LINE = 1 << 16


class MetricPatterns:
    """Finds metrics in a training's output, in pieces of any size: any division gives the same metrics.

    Args:
        expressions: A regular expression for each metric, by name. The first group, or the one named ``value``, is the
            number; groups named ``step`` and ``name`` are the step and, in place of the given one, the name.

    Raises:
        BackendConfigError: If an expression is invalid, or has no group.
    """

    def __init__(self, expressions: Mapping[str, str]) -> None:
        self._expressions = {name: _prepare(name, expression) for name, expression in expressions.items()}
        self._next_steps: dict[str, int] = {}
        self._rest = b""

    def feed(self, data: bytes, time_ms: int) -> list[MetricPoint]:
        """Returns the metrics in the lines that the next bytes, written at ``time_ms``, complete."""
        if not self._expressions:
            return []
        *lines, self._rest = _LINE_END.split(self._rest + data)
        while len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]
        return self._read([line for line in lines if line], time_ms)

    def finish(self, time_ms: int) -> list[MetricPoint]:
        """Ends the output, and returns the metrics in its last line."""
        rest, self._rest = self._rest, b""
        return self._read([rest] if rest else [], time_ms)

    def _read(self, lines: Sequence[bytes], time_ms: int) -> list[MetricPoint]:
        # Of processes that train together, the first one's metrics count.
        texts = [remove_escapes(line).decode("utf-8", "replace") for line in lines if not is_of_other(line)]
        if not texts:
            return []
        found = [
            (number, start, name, groups)
            for name, expression in self._expressions.items()
            for number, start, groups in _find_all(expression, texts)
        ]
        # As they stand in the log, whichever expression has found them.
        points = (self._build(name, groups, time_ms) for _, _, name, groups in sorted(found, key=lambda each: each[:2]))
        return [point for point in points if point is not None]

    def _build(self, given: str, groups: Mapping[str, str], time_ms: int) -> MetricPoint | None:
        name = groups.get(_NAME) or given
        try:
            value = float(groups[_VALUE])
        except ValueError:
            return None  # as `loss=...` in a progress bar that has none yet
        step = self._next_steps.get(name, 0)
        self._next_steps[name] = step + 1
        text = groups.get(_STEP, "")
        return MetricPoint(name, value, int(text) if re.fullmatch(r"-?\d{1,18}", text) else step, time_ms)


def _find_all(expression: str, texts: Sequence[str]) -> "list[tuple[int, int, dict[str, str]]]":
    """Returns every match: the text's number, the match's start in bytes, and its groups."""
    found = []
    open_texts = {number: (text.encode(), 0) for number, text in enumerate(texts)}
    while open_texts:
        numbers = list(open_texts)
        rests = pa.array([open_texts[number][0][open_texts[number][1] :].decode() for number in numbers])
        spans = pc.extract_regex_span(rests, expression).to_pylist()
        following = {}
        for number, spanned in zip(numbers, spans, strict=True):
            if spanned is None:
                continue
            content, offset = open_texts[number]
            groups = {name: (offset + start, offset + start + length) for name, (start, length) in spanned.items()}
            found.append(
                (
                    number,
                    groups[_VALUE][0],
                    {name: content[start:end].decode() for name, (start, end) in groups.items() if end > start},
                )
            )
            end = max(stop for _, stop in groups.values())
            if offset < end < len(content):
                following[number] = (content, end)
        open_texts = following
    return found


def _prepare(name: str, expression: str) -> str:
    """Names the groups as pyarrow wants them: those that are asked for keep their meaning, others are not captured.

    Raises:
        BackendConfigError: If the expression is invalid, or has no group.
    """
    has_value = f"<{_VALUE}>" in expression
    parts, position, is_in_set, known = [], 0, False, {_VALUE} if has_value else set[str]()
    while position < len(expression):
        character = expression[position]
        following = expression[position + 1 :]
        width = 1
        if character == "\\":
            width = 2
            parts.append(expression[position : position + 2])
        elif is_in_set or character == "[":
            # A bracket that comes first in a set is itself.
            start = re.match(r"\[\^?\]?", expression[position:]) if not is_in_set else None
            width = len(start[0]) if start else 1
            parts.append(expression[position : position + width])
            is_in_set = character != "]" or bool(start)
        elif character == "(" and (named := _NAMED.match(following)):
            width += len(named[0])
            parts.append(f"(?P<{named[1]}>" if named[1] in (_VALUE, _STEP, _NAME) else "(?:")
        elif character == "(" and not following.startswith("?"):
            parts.append("(?:" if _VALUE in known else f"(?P<{_VALUE}>")
            known.add(_VALUE)
        else:
            parts.append(character)
        position += width
    prepared = "".join(parts)
    if _VALUE not in known:
        raise BackendConfigError(
            f"metric_regexes has {expression!r} for {name!r}, which has no group; put the number in parentheses, as in "
            "'loss=([0-9.]+)'"
        )
    if not hasattr(pc, "extract_regex_span"):
        raise BackendConfigError(
            f"metric_regexes needs pyarrow 20 or later, and {pa.__version__} is installed; update it"
        )
    try:
        pc.extract_regex_span(pa.array([""]), prepared)
    except pa.ArrowInvalid as error:
        raise BackendConfigError(
            f"metric_regexes has {expression!r} for {name!r}, which is no regular expression of RE2: {error}; correct "
            "it (there are no look-arounds and no back references)"
        ) from error
    return prepared
